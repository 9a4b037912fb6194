//! Passwords that are known from breaches: asked of a service that learns no password, and looked up in the operator's list.
//!
//! Only the first five digits of a password's SHA-1 leave the server; the service answers with every digest that begins so
//! (k-anonymity), padded, so that the length of the answer tells nothing either.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use orrery_core::Timestamp;
use orrery_core::outbound::{OutboundClient, OutboundError, OutboundRequest, Trust};
use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest, Sha1};

use crate::config::BreachPolicy;

/// Ranges that are remembered; each takes about twenty kilobytes.
const RANGES: u64 = 256;
/// How long a range is remembered.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// No answer is waited for longer: somebody waits for theirs.
const PATIENCE: Duration = Duration::from_secs(5);
/// A range has about a thousand lines of forty bytes.
const MAX_RESPONSE: usize = 1 << 20;
/// Digits of a digest that the service is asked for.
const PREFIX: usize = 5;

type Digits = [u8; 20];

/// What is known of breached passwords; remembers what the service said.
pub struct Breaches {
    client: Arc<dyn OutboundClient>,
    ranges: Cache<String, Arc<Range>>,
}

/// The digests that begin alike: the sixteen digits after the beginning, and how often each was found.
struct Range {
    asked_at: Timestamp,
    found: Vec<(u64, u64)>,
}

/// The operator's own list of passwords that nobody may use.
#[derive(Clone, Default)]
pub struct BreachedList(Arc<[Digits]>);

impl fmt::Debug for Breaches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Breaches")
    }
}

impl fmt::Debug for BreachedList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BreachedList({} passwords)", self.0.len())
    }
}

impl BreachedList {
    /// Reads a list: on each line a password, or its SHA-1 in hexadecimal, with or without a colon and a count.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut digests: Vec<Digits> = lines.map(|line| written(line).unwrap_or_else(|| digest(line))).collect();
        digests.sort_unstable();
        digests.dedup();
        Self(digests.into())
    }

    fn contains(&self, digest: &Digits) -> bool {
        self.0.binary_search(digest).is_ok()
    }
}

/// The digest that a line is, if it is one.
fn written(line: &str) -> Option<Digits> {
    let hex = line.split_once(':').map_or(line, |(hex, _)| hex);
    let mut digest = [0; 20];
    hex::decode_to_slice(hex, &mut digest).ok()?;
    Some(digest)
}

fn digest(password: &str) -> Digits {
    Sha1::digest(password.as_bytes()).into()
}

impl Breaches {
    /// Asks with this client.
    #[must_use]
    pub fn new(client: Arc<dyn OutboundClient>) -> Self {
        Self { client, ranges: Cache::builder().max_capacity(RANGES).build() }
    }

    /// How often a password was found in breaches, if that is more often than it may be. One of the operator's list counts
    /// as found once, whatever may be.
    ///
    /// # Errors
    /// When the service does not answer and that matters.
    pub async fn found(
        &self,
        password: &SecretString,
        policy: &BreachPolicy,
        now: Timestamp,
    ) -> Result<Option<u64>, OutboundError> {
        let digest = digest(password.expose_secret());
        if policy.list.contains(&digest) {
            return Ok(Some(1));
        }
        let Some(service) = &policy.service else { return Ok(None) };
        let digits = hex::encode_upper(digest);
        let (prefix, rest) = digits.split_at(PREFIX);
        let known = self.ranges.get(prefix).filter(|range| now < range.asked_at + REMEMBERED);
        let range = match known {
            Some(range) => range,
            None => match self.ask(service, prefix, now).await {
                Ok(range) => {
                    let range = Arc::new(range);
                    self.ranges.insert(prefix.to_owned(), Arc::clone(&range));
                    range
                }
                Err(why) if policy.tolerates_silence => {
                    let why = &why as &dyn std::error::Error;
                    tracing::warn!(why, "a password is not compared with known breaches");
                    return Ok(None);
                }
                Err(why) => return Err(why),
            },
        };
        let wanted = key(rest);
        let found = range.found.iter().find(|(key, _)| Some(*key) == wanted).map_or(0, |(_, count)| *count);
        Ok(Some(found).filter(|found| *found > policy.tolerated))
    }

    async fn ask(&self, service: &str, prefix: &str, now: Timestamp) -> Result<Range, OutboundError> {
        let request = OutboundRequest {
            method: "GET".to_owned(),
            url: format!("{service}/range/{prefix}"),
            headers: vec![("Add-Padding".to_owned(), "true".to_owned())],
            body: Vec::new(),
            trust: Trust::Operator,
            timeout: PATIENCE,
            max_response_bytes: MAX_RESPONSE,
        };
        let answer = self.client.send(request).await?;
        if answer.status != 200 {
            return Err(OutboundError::Failed(format!("the service answers {} instead of 200", answer.status).into()));
        }
        let text = String::from_utf8(answer.body).map_err(|why| OutboundError::Failed(Box::new(why)))?;
        let found = text.lines().filter_map(|line| {
            let (rest, count) = line.trim().split_once(':')?;
            // Lines that pad the answer have no count.
            let count = count.parse().ok().filter(|count| *count > 0)?;
            Some((key(rest)?, count))
        });
        Ok(Range { asked_at: now, found: found.collect() })
    }
}

/// Sixteen digits tell the digests of one range apart.
fn key(rest: &str) -> Option<u64> {
    u64::from_str_radix(rest.get(..16)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use orrery_core::outbound::OutboundResponse;

    use super::*;

    /// Answers every range with the digest of `password`, or not at all.
    #[derive(Default)]
    struct Service {
        asked: Mutex<Vec<String>>,
        silent: bool,
    }

    #[async_trait]
    impl OutboundClient for Service {
        fn allows(&self, _: &str) -> bool {
            true
        }

        async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
            self.asked.lock().expect("no panic").push(request.url);
            if self.silent {
                return Err(OutboundError::Timeout);
            }
            // SHA-1 of "password" is 5BAA6 1E4C9B93F3F0682250B6CF8331B7EE68FD8.
            let body = "1D72CD07550416C216D8AD296BF5C0AE8E0:10\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:3\r\n0018A45C4D1DEF81644B54AB7F969B88D65:0";
            Ok(OutboundResponse { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() })
        }
    }

    fn policy(tolerated: u64) -> BreachPolicy {
        let service = Some("https://breaches.example".to_owned());
        BreachPolicy { service, tolerated, tolerates_silence: false, list: BreachedList::default() }
    }

    async fn found(breaches: &Breaches, password: &str, policy: &BreachPolicy, at: i64) -> Option<u64> {
        let found = breaches.found(&password.into(), policy, Timestamp::from_seconds(at)).await;
        found.expect("an answer")
    }

    #[tokio::test]
    async fn a_breached_password_is_found_and_only_its_beginning_is_told() {
        let service = Arc::new(Service::default());
        let breaches = Breaches::new(Arc::clone(&service) as _);
        assert_eq!(found(&breaches, "password", &policy(0), 0).await, Some(3));
        assert_eq!(found(&breaches, "password", &policy(3), 1).await, None, "so often is tolerated");
        assert_eq!(found(&breaches, "correct horse battery staple", &policy(0), 1).await, None);
        found(&breaches, "password", &policy(0), 3600).await;
        let asked = service.asked.lock().expect("no panic").clone();
        let range = |prefix: &str| format!("https://breaches.example/range/{prefix}");
        assert_eq!(asked, [range("5BAA6"), range("ABF7A"), range("5BAA6")], "remembered for an hour");
    }

    #[tokio::test]
    async fn silence_is_tolerated_or_not() {
        let breaches = Breaches::new(Arc::new(Service { silent: true, ..Service::default() }));
        let strict = breaches.found(&"password".into(), &policy(0), Timestamp::EPOCH).await;
        assert!(matches!(strict, Err(OutboundError::Timeout)));
        let tolerant = BreachPolicy { tolerates_silence: true, ..policy(0) };
        assert_eq!(found(&breaches, "password", &tolerant, 0).await, None);
    }

    #[tokio::test]
    async fn the_operators_list_needs_nobody() {
        let service = Arc::new(Service::default());
        let breaches = Breaches::new(Arc::clone(&service) as _);
        let list = BreachedList::parse("orrery2026\r\n5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8:3861493\n\n");
        let policy = BreachPolicy { service: None, list, ..policy(0) };
        for (password, known) in [("orrery2026", Some(1)), ("password", Some(1)), ("something else", None)] {
            assert_eq!(found(&breaches, password, &policy, 0).await, known, "{password}");
        }
        assert!(service.asked.lock().expect("no panic").is_empty());
    }
}
