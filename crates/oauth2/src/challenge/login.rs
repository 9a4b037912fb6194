//! The login challenge: the authorization request and what was known when it came, in as few bytes as possible.

use orrery_core::id::{ChallengeId, LoginSessionId};
use orrery_core::{Timestamp, TokenHash};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::authorize::Parameters;

/// An authorization on which nobody has decided yet.
#[derive(Debug, Clone, PartialEq)]
pub struct LoginChallenge {
    /// The authorization.
    pub id: ChallengeId,
    /// The `sid` to be.
    pub session: LoginSessionId,
    /// When the browser first asked.
    pub requested_at: Timestamp,
    /// Keyed hash of the cookie of the browser that began it.
    pub browser: TokenHash,
    /// Who is remembered in that browser and may go on without signing in: `skip`.
    pub remembered: Option<Remembered>,
    /// Claims of the `id_token_hint`, whose signature was checked then.
    pub hint: Option<Map<String, Value>>,
    /// The pushed request that it comes of.
    pub pushed: Option<TokenHash>,
    /// The device that is being approved (RFC 8628).
    pub device: Option<TokenHash>,
    /// The request.
    pub parameters: Parameters,
}

/// Somebody whom the server remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Who.
    pub subject: String,
    /// When they signed in.
    pub authenticated_at: Timestamp,
}

/// The first byte: another layout gets another number. In this one a hint was its subject alone, which is still read:
/// challenges outlive an upgrade.
const VERSION: u8 = 1;
/// With a hint that is all of its claims.
const HINTED: u8 = 2;
/// Stands before a parameter whose name is spelled out.
const SPELLED: u8 = u8::MAX;

/// Names that a single byte stands for. Append only: challenges outlive an upgrade.
const NAMES: [&str; 20] = [
    "client_id",
    "response_type",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "prompt",
    "max_age",
    "audience",
    "resource",
    "login_hint",
    "ui_locales",
    "acr_values",
    "display",
    "claims",
    "dpop_jkt",
    "identity_schema",
];

impl LoginChallenge {
    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![if self.hint.is_some() { HINTED } else { VERSION }];
        out.extend_from_slice(self.id.as_uuid().as_bytes());
        out.extend_from_slice(self.session.as_uuid().as_bytes());
        out.extend_from_slice(&self.requested_at.as_micros().to_be_bytes());
        out.extend_from_slice(&self.browser.0);
        let present = [self.remembered.is_some(), self.hint.is_some(), self.pushed.is_some(), self.device.is_some()];
        out.push(present.iter().rev().fold(0, |bits, present| bits << 1 | u8::from(*present)));
        if let Some(remembered) = &self.remembered {
            text(&mut out, &remembered.subject);
            out.extend_from_slice(&remembered.authenticated_at.as_micros().to_be_bytes());
        }
        if let Some(claims) = &self.hint {
            text(&mut out, &Value::Object(claims.clone()).to_string());
        }
        for hash in [self.pushed, self.device].into_iter().flatten() {
            out.extend_from_slice(&hash.0);
        }
        for (name, value) in self.parameters.iter() {
            match NAMES.iter().position(|known| *known == name).and_then(|at| u8::try_from(at).ok()) {
                Some(at) => out.push(at),
                None => {
                    out.push(SPELLED);
                    text(&mut out, name);
                }
            }
            text(&mut out, value);
        }
        out
    }

    /// What [`LoginChallenge::encode`] wrote. `None` for everything else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Reader(bytes);
        let [version @ (VERSION | HINTED)] = rest.array()? else { return None };
        let id = ChallengeId::from_uuid(Uuid::from_bytes(rest.array()?));
        let session = LoginSessionId::from_uuid(Uuid::from_bytes(rest.array()?));
        let requested_at = rest.moment()?;
        let browser = TokenHash(rest.array()?);
        let [present] = rest.array()?;
        let remembered = match present & 1 {
            0 => None,
            _ => Some(Remembered { subject: rest.text()?, authenticated_at: rest.moment()? }),
        };
        let hint = match (present & 2, version) {
            (0, _) => None,
            (_, VERSION) => Some(Map::from_iter([("sub".to_owned(), Value::String(rest.text()?))])),
            (_, _) => Some(serde_json::from_str(&rest.text()?).ok()?),
        };
        let pushed = if present & 4 == 0 { None } else { Some(TokenHash(rest.array()?)) };
        let device = if present & 8 == 0 { None } else { Some(TokenHash(rest.array()?)) };
        let mut parameters = Vec::new();
        while !rest.0.is_empty() {
            let name = match rest.array()? {
                [SPELLED] => rest.text()?,
                [at] => (*NAMES.get(usize::from(at))?).to_owned(),
            };
            parameters.push((name, rest.text()?));
        }
        let parameters = Parameters::new(parameters).ok()?;
        Some(Self { id, session, requested_at, browser, remembered, hint, pushed, device, parameters })
    }
}

/// A text behind its length, seven bits to the byte, the last one first without the high bit.
fn text(out: &mut Vec<u8>, text: &str) {
    let mut length = text.len();
    while length > 0x7f {
        out.push(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap_or_default());
    out.extend_from_slice(text.as_bytes());
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn moment(&mut self) -> Option<Timestamp> {
        Some(Timestamp::from_micros(i64::from_be_bytes(self.array()?)))
    }

    fn text(&mut self) -> Option<String> {
        let mut length = 0_usize;
        for shift in (0..28).step_by(7) {
            let [byte] = self.array()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let (text, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                return String::from_utf8(text.to_vec()).ok();
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use orrery_core::{EntropyExt as _, SystemEntropy};
    use serde_json::json;

    use super::*;

    fn challenge() -> LoginChallenge {
        let entropy = SystemEntropy::default();
        let pairs = [
            ("client_id", "3f2b8a5e-7c1d-4e9a-b6f0-1a2b3c4d5e6f"),
            ("response_type", "code"),
            ("redirect_uri", "https://app.example.org/oauth/callback"),
            ("scope", "openid offline_access profile email"),
            ("state", "bkY3n0dVw8bWl1n2WzYc5qLr"),
            ("nonce", "Jd83kfPq0sLw7vBn3mXz5tRa"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ];
        LoginChallenge {
            id: ChallengeId::generate(&entropy),
            session: LoginSessionId::generate(&entropy),
            requested_at: Timestamp::from_micros(1_795_000_000_123_456),
            browser: TokenHash(entropy.bytes()),
            remembered: None,
            hint: None,
            pushed: None,
            device: None,
            parameters: Parameters::new(pairs.map(|(a, b)| (a.to_owned(), b.to_owned()))).expect("within bounds"),
        }
    }

    #[test]
    fn everything_is_read_back() {
        let entropy = SystemEntropy::default();
        let plain = challenge();
        assert_eq!(LoginChallenge::decode(&plain.encode()), Some(plain.clone()));
        let pairs = [("theirs", "ü".repeat(5000)), ("client_id", "app".to_owned())];
        let claims = json!({"sub": "x".repeat(255), "aud": ["app"], "exp": 1});
        let Value::Object(claims) = claims else { unreachable!("an object") };
        let full = LoginChallenge {
            remembered: Some(Remembered { subject: "ada".to_owned(), authenticated_at: Timestamp::from_seconds(-1) }),
            hint: Some(claims.clone()),
            pushed: Some(TokenHash(entropy.bytes())),
            device: Some(TokenHash(entropy.bytes())),
            parameters: Parameters::new(pairs.map(|(a, b)| (a.to_owned(), b))).expect("within bounds"),
            ..plain.clone()
        };
        assert_eq!(LoginChallenge::decode(&full.encode()), Some(full.clone()));
        let hinted = LoginChallenge { hint: Some(Map::new()), ..plain };
        assert_eq!(LoginChallenge::decode(&hinted.encode()), Some(hinted));
        let bytes = full.encode();
        for length in 0..bytes.len().min(400) {
            assert!(LoginChallenge::decode(&bytes[..length]).is_none_or(|cut| cut != full), "{length}");
        }
    }

    #[test]
    fn what_was_sealed_before_an_upgrade_is_read_after_it() {
        let plain = challenge();
        let mut bytes = LoginChallenge { hint: Some(Map::new()), ..plain.clone() }.encode();
        bytes[0] = VERSION;
        // The text of the hint is `{}`: taken for a subject, it is one of two characters.
        let subject = Map::from_iter([("sub".to_owned(), json!("{}"))]);
        assert_eq!(LoginChallenge::decode(&bytes), Some(LoginChallenge { hint: Some(subject), ..plain }));
        bytes[0] = HINTED + 1;
        assert_eq!(LoginChallenge::decode(&bytes), None);
    }

    #[test]
    fn the_usual_request_fits_into_its_challenge() {
        // 4 bytes of key id, 12 of nonce, 16 of tag; four characters for three bytes.
        let sealed = (challenge().encode().len() + 32).div_ceil(3) * 4;
        assert!(sealed <= super::super::seal::MAX_INLINE, "{sealed}");
    }
}
