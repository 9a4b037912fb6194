//! What is known about a request before any rule is applied.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::id::ProjectId;
use crate::network::Network;
use crate::time::Timestamp;

/// One request, as every use case sees it.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The project that the request belongs to.
    pub project: ProjectId,
    /// When the request arrived. Every decision of the request uses this moment.
    pub now: Timestamp,
    /// The id in logs, in the `X-Request-Id` header and in a 500's body.
    pub request_id: String,
    /// The client's address, after trusted proxies were taken into account.
    pub client_ip: Option<IpAddr>,
    /// The `User-Agent` header, cut to 512 characters.
    pub user_agent: Option<String>,
    /// City and country as the edge network reported them, cut to 512 characters.
    pub location: Option<String>,
    /// `Accept-Language`, for pages and messages.
    pub accept_language: Option<String>,
    /// What others may know of the request; none unless a hook may be called, or a message be sent by an HTTP service.
    pub caused_by: Option<Arc<CausingRequest>>,
}

impl RequestContext {
    /// The client's network. None for a request without an address, through a Unix socket.
    #[must_use]
    pub fn network(&self) -> Option<Network> {
        self.client_ip.map(Network::from)
    }
}

/// What hooks, and the HTTP services that send messages, may know of the request that caused them.
#[derive(Clone, PartialEq, Eq)]
pub struct CausingRequest {
    /// The HTTP method.
    pub method: String,
    /// The full URL.
    pub url: String,
    /// The headers that are passed on, in their usual spelling.
    pub headers: BTreeMap<String, Vec<String>>,
    /// The cookies that are passed on.
    pub cookies: BTreeMap<String, String>,
}

// Headers and cookies may be secrets of others.
impl fmt::Debug for CausingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CausingRequest").field("method", &self.method).finish_non_exhaustive()
    }
}
