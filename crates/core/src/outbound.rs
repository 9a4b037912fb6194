//! The port to the outside: every HTTP call that Orrery makes goes through one client.
//!
//! The implementation (in `server`) resolves the name, refuses private addresses at connect time, bounds time and
//! size, and follows no redirect.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Whether the target was written by the operator or could be influenced by a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The URL stands in the operator's configuration: private addresses are allowed.
    Operator,
    /// A caller can influence the URL (`jwks_uri`, a webhook of a tenant): private addresses are refused.
    Caller,
}

/// A call to another server.
#[derive(Debug, Clone)]
pub struct OutboundRequest {
    /// Upper-case HTTP method.
    pub method: String,
    /// Absolute `http` or `https` URL.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// Body, empty for none.
    pub body: Vec<u8>,
    /// Who chose the URL.
    pub trust: Trust,
    /// The whole call, connecting included, ends after this long.
    pub timeout: Duration,
    /// A longer answer is an error.
    pub max_response_bytes: usize,
}

/// What the other server said.
#[derive(Debug, Clone)]
pub struct OutboundResponse {
    /// HTTP status.
    pub status: u16,
    /// Header names (lower case) and values.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The URL or its address is not allowed.
    #[error("the address is not allowed")]
    Refused,
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The answer is larger than asked for.
    #[error("the answer is too large")]
    TooLarge,
    /// Connecting, TLS or transport failed.
    #[error("the call failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The one HTTP client.
#[async_trait]
pub trait OutboundClient: Send + Sync {
    /// Whether a caller may name this URL: `http` or `https`, and no address that [`Trust::Caller`] is refused. What a name
    /// leads to shows only when it is called.
    fn allows(&self, url: &str) -> bool;

    /// Makes one call.
    async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError>;
}
