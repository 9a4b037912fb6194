//! The ports: bound first, so that addresses are known, then served by one HTTP server each.

mod app;
mod bind;
mod cors;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::{Server, ServerHandle};
use orrery_web::Listener;
use url::Url;

pub(crate) use self::app::Services;
pub(crate) use self::bind::{Bound, bind};
pub(crate) use self::tls::Certificates;
use crate::config::serve::Serve;

/// Connections waiting to be accepted are the operating system's business; these threads serve the admin listener.
const ADMIN_WORKERS: usize = 2;

/// What can be known about listeners once they are bound.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Where browsers and clients reach the public listener.
    pub public_url: Url,
    /// Where operators reach the admin listener.
    pub admin_url: Url,
    /// Every TCP address of the public listener.
    pub public: Vec<SocketAddr>,
    /// Every TCP address of the admin listener.
    pub admin: Vec<SocketAddr>,
}

/// The bound listeners and their certificates, before anything is served.
pub(crate) struct Listeners {
    bound: Vec<(Bound, Option<Arc<Certificates>>)>,
    pub(crate) addresses: Addresses,
}

impl Listeners {
    /// Binds everything that the configuration names.
    pub(crate) fn open(config: &Serve, admin_is_guarded: bool) -> anyhow::Result<Self> {
        let public_tls = config.public.tls.as_ref().map(Certificates::read).transpose()?.map(Arc::new);
        let admin_tls = config.admin.tls.as_ref().map(Certificates::read).transpose()?.map(Arc::new);
        let bound = bind(config, admin_is_guarded)?;
        let tcp = |kind| bound.iter().filter(move |bound| bound.listener == kind).filter_map(Bound::address);
        let (public, admin): (Vec<_>, Vec<_>) = (tcp(Listener::Public).collect(), tcp(Listener::Admin).collect());
        let addresses = Addresses {
            public_url: base_url(config.public.base_url.as_ref(), public.first(), public_tls.is_some())?,
            admin_url: base_url(config.admin.base_url.as_ref(), admin.first(), admin_tls.is_some())?,
            public,
            admin,
        };
        let with_tls = |bound: Bound| {
            let tls = match bound.listener {
                Listener::Public => public_tls.clone(),
                Listener::Admin => admin_tls.clone(),
            };
            (bound, tls)
        };
        Ok(Self { bound: bound.into_iter().map(with_tls).collect(), addresses })
    }

    /// Every certificate in use, for reloading.
    pub(crate) fn certificates(&self) -> Vec<Arc<Certificates>> {
        let mut all: Vec<Arc<Certificates>> = Vec::new();
        for tls in self.bound.iter().filter_map(|(_, tls)| tls.clone()) {
            if !all.iter().any(|known| Arc::ptr_eq(known, &tls)) {
                all.push(tls);
            }
        }
        all
    }

    /// Serves; each listener on threads of its own.
    pub(crate) fn serve(self, config: &Serve, services: &Services) -> anyhow::Result<Serving> {
        let mut serving = Serving::default();
        for (bound, tls) in self.bound {
            let server = serve(bound, tls, config, services)?;
            serving.handles.push(server.handle());
            serving.tasks.push(tokio::spawn(server));
        }
        Ok(serving)
    }
}

/// Listeners that serve.
#[derive(Default)]
pub(crate) struct Serving {
    handles: Vec<ServerHandle>,
    tasks: Vec<tokio::task::JoinHandle<std::io::Result<()>>>,
}

impl Serving {
    /// Accepts nothing more, and waits until requests in flight are answered or their time is over.
    pub(crate) async fn stop(self) {
        futures_util::future::join_all(self.handles.iter().map(|handle| handle.stop(true))).await;
        for task in self.tasks {
            match task.await {
                Ok(Ok(())) => {}
                Ok(Err(why)) => tracing::error!(error = %why, "a listener failed"),
                Err(why) => tracing::error!(error = %why, "a listener stopped"),
            }
        }
    }
}

fn serve(bound: Bound, tls: Option<Arc<Certificates>>, config: &Serve, services: &Services) -> anyhow::Result<Server> {
    let kind = bound.listener;
    let (services, settings) = (services.clone(), app::Settings::new(kind, config));
    let server = HttpServer::new(move || app::app(&settings, &services))
        .disable_signals()
        .keep_alive(config.keep_alive.0)
        .client_request_timeout(config.client_timeout.0)
        .client_disconnect_timeout(Duration::from_secs(5))
        .max_connections(config.max_connections)
        .shutdown_timeout(config.shutdown_timeout.0.as_secs());
    let server = match (config.workers, kind) {
        (_, Listener::Admin) => server.workers(config.workers.unwrap_or(ADMIN_WORKERS).min(ADMIN_WORKERS)),
        (Some(workers), Listener::Public) => server.workers(workers.max(1)),
        (None, Listener::Public) => server,
    };
    let server = match (bound.socket, tls) {
        (bind::Socket::Tcp(socket), Some(tls)) => server.listen_rustls_0_23(socket, tls.server_config()?)?,
        (bind::Socket::Tcp(socket), None) => server.listen(socket)?,
        #[cfg(unix)]
        (bind::Socket::Unix(socket), _) => server.listen_uds(socket)?,
    };
    Ok(server.run())
}

/// The configured base URL with a path that ends in a slash, or the one that the bound address makes.
fn base_url(configured: Option<&Url>, bound: Option<&SocketAddr>, tls: bool) -> anyhow::Result<Url> {
    if let Some(url) = configured {
        let mut url = url.clone();
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        return Ok(url);
    }
    let scheme = if tls { "https" } else { "http" };
    let url = match bound {
        // Listening everywhere is no address to go to; this machine's own is.
        Some(address) if address.ip().is_unspecified() => format!("{scheme}://127.0.0.1:{}/", address.port()),
        Some(address) => format!("{scheme}://{address}/"),
        None => format!("{scheme}://localhost/"),
    };
    Ok(Url::parse(&url)?)
}
