//! The one HTTP client: every call that the platform makes to another server.
//!
//! A caller who chooses a URL must not reach what only this machine can reach. So the name is resolved here, every
//! address is judged, and the connection goes to exactly the addresses that were judged; an address in the URL itself
//! is judged the same way. Redirects are never followed, proxies of the environment never used.

mod guard;
mod resolve;

use std::error::Error as StdError;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use futures_util::StreamExt as _;
use ipnet::IpNet;
use orrery_core::outbound::{OutboundClient, OutboundError, OutboundRequest, OutboundResponse, Trust};
use reqwest::{Client, Method, Url, redirect};

use self::guard::Guard;
use self::resolve::{Judged, Lookup, RefusedAddress, SystemLookup};
use crate::config::operations::Outbound;

/// [`OutboundClient`] over reqwest.
pub(crate) struct GuardedClient {
    /// For URLs that the operator chose.
    trusting: Client,
    /// For URLs that a caller can influence.
    guarded: Client,
    guard: Arc<Guard>,
    bounds: ArcSwap<Outbound>,
}

impl GuardedClient {
    /// A client with these bounds and exceptions.
    ///
    /// # Errors
    /// When the TLS stack cannot be set up.
    pub(crate) fn new(config: &Outbound) -> anyhow::Result<Self> {
        Self::with_lookup(config, Arc::new(SystemLookup))
    }

    fn with_lookup(config: &Outbound, lookup: Arc<dyn Lookup>) -> anyhow::Result<Self> {
        let guard = Arc::new(Guard::new(&config.allowed_networks));
        let plain = || {
            Client::builder()
                .redirect(redirect::Policy::none())
                .no_proxy()
                .user_agent(concat!("Orrery/", env!("CARGO_PKG_VERSION")))
        };
        Ok(Self {
            trusting: plain().build()?,
            guarded: plain().dns_resolver(Arc::new(Judged::new(lookup, Arc::clone(&guard)))).build()?,
            guard,
            bounds: ArcSwap::from_pointee(config.clone()),
        })
    }

    /// Other bounds and exceptions from now on.
    pub(crate) fn reconfigure(&self, config: &Outbound, further: &[IpNet]) {
        self.guard.replace(config.allowed_networks.iter().chain(further).copied().collect());
        self.bounds.store(Arc::new(config.clone()));
    }

    /// A literal address never reaches the resolver.
    fn is_public(&self, url: &Url) -> bool {
        url.host().is_some_and(|host| self.guard.allows_literal(&host))
    }

    async fn call(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let url = web_address(&request.url).ok_or(OutboundError::Refused)?;
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| OutboundError::Refused)?;
        let client = match request.trust {
            Trust::Operator => &self.trusting,
            Trust::Caller if !self.is_public(&url) => return Err(OutboundError::Refused),
            Trust::Caller => &self.guarded,
        };
        let mut call = client.request(method, url).body(request.body);
        for (name, value) in request.headers {
            call = call.header(name, value);
        }
        let answer = call.send().await.map_err(failure)?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let largest =
            request.max_response_bytes.min(usize::try_from(self.bounds.load().max_response.0).unwrap_or(usize::MAX));
        if answer.content_length().is_some_and(|length| length > largest as u64) {
            return Err(OutboundError::TooLarge);
        }
        let mut body = Vec::new();
        let mut chunks = answer.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(failure)?;
            if body.len() + chunk.len() > largest {
                return Err(OutboundError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(OutboundResponse { status, headers, body })
    }
}

#[async_trait]
impl OutboundClient for GuardedClient {
    fn allows(&self, url: &str) -> bool {
        web_address(url).is_some_and(|url| self.is_public(&url))
    }

    async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let longest = request.timeout.min(self.bounds.load().timeout.0);
        // One clock over connecting, sending and the whole answer: a body that trickles does not restart it.
        tokio::time::timeout(longest, self.call(request)).await.unwrap_or(Err(OutboundError::Timeout))
    }
}

fn web_address(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Without the URL, which may carry secrets.
fn failure(error: reqwest::Error) -> OutboundError {
    let error = error.without_url();
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if inner.is::<RefusedAddress>() {
            return OutboundError::Refused;
        }
        cause = inner.source();
    }
    if error.is_timeout() { OutboundError::Timeout } else { OutboundError::Failed(Box::new(error)) }
}

#[cfg(test)]
mod tests;
