//! One call of a running server, whichever listener it goes to.

use std::time::Duration;

use orrery_core::GoDuration;
use orrery_core::outbound::{OutboundClient as _, OutboundError, OutboundRequest, OutboundResponse, Trust};
use orrery_web::Listener;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::Problem;
use crate::config::operations::Outbound;
use crate::config::value::ByteSize;
use crate::outbound::GuardedClient;

/// A batch of a thousand clear passwords takes its time.
const TIMEOUT: Duration = Duration::from_secs(120);
/// A page of five hundred identities with all their credentials.
const MAX_ANSWER: usize = 256 << 20;

/// Where something is: path segments below the endpoint. What a user typed is encoded, so that it stays one segment.
pub(in crate::commands) type Path<'a> = &'a [&'a str];

/// The variable that says where a listener is.
pub(super) const fn variable(listener: Listener) -> &'static str {
    match listener {
        Listener::Admin => "ORRERY_ADMIN_URL",
        Listener::Public => "ORRERY_PUBLIC_URL",
    }
}

/// What is sent.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    None,
    Json(&'a Value),
    Form(&'a [(&'a str, &'a str)]),
}

/// Calls one listener.
pub(in crate::commands) struct Caller {
    http: GuardedClient,
    endpoint: Url,
    listener: Listener,
}

impl Caller {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// When the address cannot be one of a server.
    pub(in crate::commands) fn new(endpoint: &Url, listener: Listener) -> anyhow::Result<Self> {
        if !matches!(endpoint.scheme(), "http" | "https") || !endpoint.has_host() {
            anyhow::bail!("{endpoint} is no address of a server; use one like http://127.0.0.1:4434/");
        }
        let bounds =
            Outbound { timeout: GoDuration(TIMEOUT), max_response: ByteSize(MAX_ANSWER as u64), ..Outbound::default() };
        Ok(Self { http: GuardedClient::new(&bounds)?, endpoint: endpoint.clone(), listener })
    }

    /// Sends a request; any answer but success is a problem.
    ///
    /// # Errors
    /// [`Problem`], in words for a person.
    pub(super) async fn call(
        &self,
        method: &str,
        path: Path<'_>,
        query: &[(&str, &str)],
        authorization: Option<String>,
        body: Body<'_>,
    ) -> Result<OutboundResponse, Problem> {
        let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
        headers.extend(authorization.map(|value| ("authorization".to_owned(), value)));
        let (kind, body) = match body {
            Body::None => (None, Vec::new()),
            Body::Json(body) => (Some("application/json"), body.to_string().into_bytes()),
            Body::Form(fields) => {
                let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                (Some("application/x-www-form-urlencoded"), form.into_bytes())
            }
        };
        headers.extend(kind.map(|kind| ("content-type".to_owned(), kind.to_owned())));
        let url = self.url(path, query).into();
        let answer = self.send(method.to_owned(), url, headers, body).await?;
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(Problem::of(self.listener, &answer)) }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`Problem`], in words for a person.
    pub(in crate::commands) async fn read(&self, path: Path<'_>) -> Result<Value, Problem> {
        self.value(&self.call("GET", path, &[], None, Body::None).await?)
    }

    /// Sends a request to an address that the server named; every answer is one.
    ///
    /// # Errors
    /// [`Problem`], when there is none.
    pub(in crate::commands) async fn send(
        &self,
        method: String,
        url: String,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Result<OutboundResponse, Problem> {
        let (trust, timeout, max_response_bytes) = (Trust::Operator, TIMEOUT, MAX_ANSWER);
        let named = url.clone();
        let request = OutboundRequest { method, url, headers, body, trust, timeout, max_response_bytes };
        self.http.send(request).await.map_err(|error| self.unreachable(named, &error))
    }

    /// What an answer says.
    ///
    /// # Errors
    /// When it is none of this API.
    pub(super) fn value(&self, answer: &OutboundResponse) -> Result<Value, Problem> {
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body).map_err(|_| self.no_answer_of_ours())
    }

    /// Whatever answered, it is not what was expected there.
    pub(in crate::commands) const fn no_answer_of_ours(&self) -> Problem {
        Problem::NoAnswerOfOurs { listener: self.listener }
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

    /// `url` is at the endpoint, or elsewhere where the server says.
    fn unreachable(&self, url: String, error: &OutboundError) -> Problem {
        let is_its_own = url.starts_with(self.endpoint.as_str());
        let endpoint = if is_its_own { self.endpoint.to_string() } else { url };
        match error {
            OutboundError::Timeout => Problem::Slow { endpoint },
            OutboundError::Refused | OutboundError::TooLarge | OutboundError::Failed(_) if !is_its_own => {
                Problem::NamedUnreachable { url: endpoint, cause: deepest(error) }
            }
            OutboundError::Refused | OutboundError::TooLarge | OutboundError::Failed(_) => {
                Problem::Unreachable { endpoint, cause: deepest(error), listener: self.listener }
            }
        }
    }
}

/// What lies at the bottom of a chain of errors says most.
fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(inner) = deepest.source() {
        deepest = inner;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_types_stays_one_segment() {
        let at = |endpoint: &str, id| {
            let caller = Caller::new(&Url::parse(endpoint).expect("a URL"), Listener::Admin).expect("a caller");
            caller.url(&["admin", "identities", id], &[("a", "b&c")]).to_string()
        };
        assert_eq!(at("http://h", "x"), "http://h/admin/identities/x?a=b%26c");
        assert_eq!(at("http://h/ory/?q=1", "a/b?c#d"), "http://h/ory/admin/identities/a%2Fb%3Fc%23d?a=b%26c");
    }

    #[test]
    fn only_a_server_can_be_an_endpoint() {
        let endpoint = Url::parse("file:///etc/passwd").expect("a URL");
        assert!(Caller::new(&endpoint, Listener::Admin).is_err());
    }
}
