//! What is known about a request before any rule is applied.

use std::net::IpAddr;

use crate::id::ProjectId;
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
}
