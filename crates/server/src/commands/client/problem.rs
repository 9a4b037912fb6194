//! Why a command of a client failed, and what to do.

use std::time::Duration;

use orrery_core::outbound::OutboundResponse;
use orrery_web::Listener;
use serde_json::Value;

use super::call::variable;

/// Why the server did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::commands) enum Problem {
    /// There is no server.
    #[error(
        "no server answers at {endpoint} ({cause}): start one with `orrery serve all`, or name the {listener} listener \
         of another with --endpoint or {}",
        variable(*listener)
    )]
    Unreachable {
        /// Where it was looked for.
        endpoint: String,
        /// What the system says.
        cause: String,
        /// Which listener was meant.
        listener: Listener,
    },
    /// An address that the server named does not answer.
    #[error("no server answers at {url} ({cause}), which the server named; that is for whoever runs it to mend")]
    NamedUnreachable {
        /// The address.
        url: String,
        /// What the system says.
        cause: String,
    },
    /// It did not answer in time.
    #[error("the server at {endpoint} did not answer in time; look at its log, or try again later")]
    Slow {
        /// Where it is.
        endpoint: String,
    },
    /// It wants a token, or another one.
    #[error(
        "the server wants another token than it was given: set ORRERY_ADMIN_TOKEN (or --token) to one of its \
         `admin.tokens`"
    )]
    Unauthorized,
    /// It has too much to do, or its database cannot be used.
    #[error("the server is busy ({status}): {said}; try again later")]
    Busy {
        /// The HTTP status.
        status: u16,
        /// What it said.
        said: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// It does not do that.
    #[error("the server refused ({status}): {said}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        said: String,
    },
    /// Whatever answers there, it is no Orrery.
    #[error("the answer is not one of this API; does --endpoint name the {listener} listener?")]
    NoAnswerOfOurs {
        /// Which listener was meant.
        listener: Listener,
    },
}

impl Problem {
    /// What an answer that is no success means.
    pub(super) fn of(listener: Listener, answer: &OutboundResponse) -> Self {
        let status = answer.status;
        let Some(said) = serde_json::from_slice(&answer.body).ok().and_then(|body: Value| said(&body)) else {
            return Self::NoAnswerOfOurs { listener };
        };
        match status {
            401 if listener == Listener::Admin => Self::Unauthorized,
            429 | 503 => {
                let header = answer.headers.iter().find(|(name, _)| name == "retry-after");
                let seconds = header.and_then(|(_, seconds)| seconds.parse().ok()).unwrap_or(1);
                Self::Busy { status, said, retry_after: Duration::from_secs(seconds) }
            }
            _ => Self::Refused { status, said },
        }
    }
}

/// Message and reason of the nested envelope, or the description of the flat one (RFC 6749 section 5.2).
fn said(body: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(description) = text(&body["error_description"]) {
        return Some(description);
    }
    let message = text(&body["error"]["message"])?;
    Some(match text(&body["error"]["reason"]) {
        Some(reason) => format!("{message} {reason}"),
        None => message,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(status: u16, body: &str) -> String {
        let headers = vec![("retry-after".to_owned(), "7".to_owned())];
        let answer = OutboundResponse { status, headers, body: body.as_bytes().to_vec() };
        Problem::of(Listener::Admin, &answer).to_string()
    }

    #[test]
    fn both_envelopes_are_understood() {
        let nested = json!({"error": {"code": 404, "message": "It is not there.", "reason": "Look elsewhere."}});
        assert_eq!(problem(404, &nested.to_string()), "the server refused (404): It is not there. Look elsewhere.");
        let flat = json!({"error": "invalid_request", "error_description": "No such client."});
        assert_eq!(problem(404, &flat.to_string()), "the server refused (404): No such client.");
    }

    #[test]
    fn what_to_do_is_said() {
        let error = json!({"error": {"message": "No."}}).to_string();
        assert!(problem(401, &error).contains("ORRERY_ADMIN_TOKEN"));
        assert!(problem(503, &error).contains("try again later"));
        assert!(problem(404, "<html>nginx</html>").contains("--endpoint"));
    }
}
