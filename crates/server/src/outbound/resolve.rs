//! Names to addresses, of which only the allowed ones are ever connected to.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::Guard;

/// Where answers about names come from.
#[async_trait]
pub(super) trait Lookup: Send + Sync {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver, with its hosts file.
pub(super) struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Every address of the name is one that callers may not reach.
#[derive(Debug, thiserror::Error)]
#[error("the address is not allowed")]
pub(super) struct RefusedAddress;

/// A resolver whose answers have been judged. The connection is made to these very addresses: a second question with
/// another answer never happens.
pub(super) struct Judged {
    lookup: Arc<dyn Lookup>,
    guard: Arc<Guard>,
}

impl Judged {
    pub(super) fn new(lookup: Arc<dyn Lookup>, guard: Arc<Guard>) -> Self {
        Self { lookup, guard }
    }
}

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, guard) = (Arc::clone(&self.lookup), Arc::clone(&self.guard));
        Box::pin(async move {
            let addresses = lookup.addresses(name.as_str()).await?;
            let allowed: Vec<SocketAddr> = addresses
                .into_iter()
                .filter(|address| guard.allows(*address))
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if allowed.is_empty() {
                return Err(RefusedAddress.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
