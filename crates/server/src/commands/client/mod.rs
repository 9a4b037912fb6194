//! A client of the admin API of a running server: what `orrery identities`, `orrery sessions` and their like share.

mod problem;
mod table;

use std::time::Duration;

use anyhow::Context as _;
use orrery_core::GoDuration;
use orrery_core::outbound::{OutboundClient as _, OutboundError, OutboundRequest, OutboundResponse, Trust};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use crate::cli;
use crate::config::operations::Outbound;
use crate::config::value::ByteSize;
use crate::outbound::GuardedClient;

pub(super) use problem::Problem;
pub(super) use table::{Column, Printer, local_time, text};

/// A batch of a thousand clear passwords takes its time.
const TIMEOUT: Duration = Duration::from_secs(120);
/// A page of five hundred identities with all their credentials.
const MAX_ANSWER: usize = 256 << 20;
/// How often a read is tried again while the server says that it is busy.
const TRIES: u32 = 5;

/// Talks to one admin listener.
pub(super) struct AdminClient {
    http: GuardedClient,
    endpoint: Url,
    token: Option<SecretString>,
}

/// Where something is: path segments below the endpoint. What a user typed is encoded, so that it stays one segment.
pub(super) type Path<'a> = &'a [&'a str];

impl AdminClient {
    /// A client of the server that the flags name. Nothing is sent yet.
    ///
    /// # Errors
    /// When the address cannot be one.
    pub(super) fn new(server: &cli::Client) -> anyhow::Result<Self> {
        if !matches!(server.endpoint.scheme(), "http" | "https") || !server.endpoint.has_host() {
            anyhow::bail!("{} is no address of a server; use one like http://127.0.0.1:4434/", server.endpoint);
        }
        let bounds =
            Outbound { timeout: GoDuration(TIMEOUT), max_response: ByteSize(MAX_ANSWER as u64), ..Outbound::default() };
        Ok(Self { http: GuardedClient::new(&bounds)?, endpoint: server.endpoint.clone(), token: server.token.clone() })
    }

    /// Reads. Tried again while the server is busy, because reading twice does no harm.
    ///
    /// # Errors
    /// [`Problem`], in words for a person.
    pub(super) async fn get(&self, path: Path<'_>, query: &[(&str, &str)]) -> Result<Value, Problem> {
        value(&self.read(path, query).await?)
    }

    /// Sends a body, or none, with any method.
    ///
    /// # Errors
    /// [`Problem`], in words for a person.
    pub(super) async fn send(&self, method: &str, path: Path<'_>, body: Option<&Value>) -> Result<Value, Problem> {
        value(&self.call(method, path, &[], body).await?)
    }

    /// A list, page by page.
    pub(super) fn pages<'a>(&'a self, path: Path<'a>, query: Vec<(&'a str, String)>) -> Pages<'a> {
        Pages { client: self, path, query, token: Some(String::new()) }
    }

    async fn read(&self, path: Path<'_>, query: &[(&str, &str)]) -> Result<OutboundResponse, Problem> {
        let mut tries = 1;
        loop {
            match self.call("GET", path, query, None).await {
                Err(Problem::Busy { retry_after, .. }) if tries < TRIES => tokio::time::sleep(retry_after).await,
                outcome => return outcome,
            }
            tries += 1;
        }
    }

    async fn call(
        &self,
        method: &str,
        path: Path<'_>,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<OutboundResponse, Problem> {
        let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
        if body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        if let Some(token) = &self.token {
            headers.push(("authorization".to_owned(), format!("Bearer {}", token.expose_secret())));
        }
        let request = OutboundRequest {
            method: method.to_owned(),
            url: self.url(path, query).into(),
            headers,
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            trust: Trust::Operator,
            timeout: TIMEOUT,
            max_response_bytes: MAX_ANSWER,
        };
        let answer = self.http.send(request).await.map_err(|error| self.unreachable(&error))?;
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(Problem::of(&answer)) }
    }

    fn url(&self, path: Path<'_>, query: &[(&str, &str)]) -> Url {
        let mut url = self.endpoint.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url.set_query(None);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn unreachable(&self, error: &OutboundError) -> Problem {
        let endpoint = self.endpoint.to_string();
        match error {
            OutboundError::Timeout => Problem::Slow { endpoint },
            OutboundError::Refused | OutboundError::TooLarge | OutboundError::Failed(_) => {
                let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), deepest);
                Problem::Unreachable { endpoint, cause }
            }
        }
    }
}

/// The rest of a list.
pub(super) struct Pages<'a> {
    client: &'a AdminClient,
    path: Path<'a>,
    query: Vec<(&'a str, String)>,
    /// Empty before the first page, none after the last.
    token: Option<String>,
}

impl Pages<'_> {
    /// The rows of the next page; none after the last.
    ///
    /// # Errors
    /// [`Problem`], in words for a person.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Value>>, Problem> {
        let Some(token) = self.token.take() else { return Ok(None) };
        let mut query: Vec<_> = self.query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if !token.is_empty() {
            query.push(("page_token", &token));
        }
        let answer = self.client.read(self.path, &query).await?;
        let link = answer.headers.iter().find(|(name, _)| name == "link");
        self.token = link.and_then(|(_, link)| next_token(link));
        match value(&answer)? {
            Value::Array(rows) => Ok(Some(rows)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                Err(Problem::NoAnswerOfOurs)
            }
        }
    }
}

/// The token in the link to the next page (RFC 8288). Its address may be relative: only the token counts.
fn next_token(link: &str) -> Option<String> {
    let next = link.split(',').find(|link| link.contains("rel=\"next\""))?;
    let target = next.trim_start().strip_prefix('<')?.split('>').next()?;
    let base = Url::parse("http://localhost/").ok()?;
    let url = base.join(target).ok()?;
    url.query_pairs().find(|(name, _)| name == "page_token").map(|(_, token)| token.into_owned())
}

fn value(answer: &OutboundResponse) -> Result<Value, Problem> {
    if answer.body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&answer.body).map_err(|_| Problem::NoAnswerOfOurs)
}

/// What lies at the bottom of a chain of errors says most.
fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(inner) = deepest.source() {
        deepest = inner;
    }
    deepest.to_string()
}

/// Does the same to each, tells each outcome as it comes, and fails at the end when any failed.
///
/// # Errors
/// How many failed.
#[expect(clippy::print_stderr, reason = "each failure is told when it happens")]
pub(super) async fn to_each<'a>(
    ids: &'a [String],
    action: impl AsyncFn(&'a str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut failed = 0;
    for id in ids {
        if let Err(why) = action(id).await.with_context(|| id.clone()) {
            if ids.len() == 1 {
                return Err(why);
            }
            eprintln!("orrery: {why:#}");
            failed += 1;
        }
    }
    if failed == 0 { Ok(()) } else { Err(anyhow::anyhow!("{failed} of {} failed", ids.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(endpoint: &str) -> AdminClient {
        let endpoint = Url::parse(endpoint).expect("a URL");
        AdminClient::new(&cli::Client { endpoint, token: None }).expect("a client")
    }

    #[test]
    fn what_a_user_types_stays_one_segment() {
        let at = |endpoint, id| client(endpoint).url(&["admin", "identities", id], &[("a", "b&c")]).to_string();
        assert_eq!(at("http://h", "x"), "http://h/admin/identities/x?a=b%26c");
        assert_eq!(at("http://h/ory/?q=1", "a/b?c#d"), "http://h/ory/admin/identities/a%2Fb%3Fc%23d?a=b%26c");
    }

    #[test]
    fn the_next_page_is_found_in_relative_and_absolute_links() {
        for link in [
            "</admin/identities?page_size=2&page_token=>; rel=\"first\",</admin/identities?page_size=2&page_token=a%2Bb>; rel=\"next\"",
            "<https://elsewhere.example/x?page_token=a%2Bb>; rel=\"next\"",
        ] {
            assert_eq!(next_token(link).as_deref(), Some("a+b"), "{link}");
        }
        assert_eq!(next_token("</x?page_token=a>; rel=\"first\""), None);
        assert_eq!(next_token("nonsense rel=\"next\""), None);
    }

    #[test]
    fn only_a_server_can_be_an_endpoint() {
        let endpoint = Url::parse("file:///etc/passwd").expect("a URL");
        assert!(AdminClient::new(&cli::Client { endpoint, token: None }).is_err());
    }
}
