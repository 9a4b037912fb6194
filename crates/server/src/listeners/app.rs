//! What happens to every request, in this order: access log, edge (id, context, envelope), CORS, admin access, route.

use std::sync::Arc;

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderName;
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, Error, http};
use orrery_web::body::BodyLimit;
use orrery_web::edge::{EdgeSettings, edge};
use orrery_web::{Listener, Routes};

use crate::admin::{AdminAccess, guard};
use crate::config::serve::{self, Serve};
use crate::local::{self, OwnNames};
use crate::telemetry::access::{AccessLog, access};

/// What every listener serves from.
#[derive(Clone)]
pub(crate) struct Services {
    /// Every route of the surfaces that run.
    pub(crate) routes: Routes,
    /// The values that handlers ask for.
    pub(crate) install: Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>,
    /// The edge's settings.
    pub(crate) edge: Data<EdgeSettings>,
    /// Who may use the admin listener.
    pub(crate) admin: Data<AdminAccess>,
    /// By which names the development inbox may be asked, when there is one.
    pub(crate) inbox: Option<Data<OwnNames>>,
}

/// What differs between listeners.
#[derive(Clone)]
pub(super) struct Settings {
    listener: Listener,
    log: Data<AccessLog>,
    body: BodyLimit,
    cors: serve::Cors,
}

impl Settings {
    pub(super) fn new(listener: Listener, config: &Serve) -> Self {
        let request_log = match listener {
            Listener::Public => &config.public.request_log,
            Listener::Admin => &config.admin.request_log,
        };
        Self {
            listener,
            log: Data::new(AccessLog { listener, skip_health: request_log.disable_for_health }),
            body: BodyLimit(usize::try_from(config.max_body.0).unwrap_or(usize::MAX)),
            cors: config.public.cors.clone(),
        }
    }
}

/// The application of one worker thread.
pub(super) fn app(
    settings: &Settings,
    services: &Services,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    let (install, routes, listener) = (Arc::clone(&services.install), services.routes.clone(), settings.listener);
    let guards_inbox = listener == Listener::Public && services.inbox.is_some();
    let inbox = services.inbox.clone();
    App::new()
        .app_data(settings.body)
        .app_data(Data::clone(&settings.log))
        .app_data(Data::clone(&services.edge))
        .app_data(Data::clone(&services.admin))
        .configure(move |config| {
            install(config);
            if let Some(inbox) = inbox {
                config.app_data(inbox);
            }
            routes.configure(listener, config);
        })
        .wrap(Condition::new(guards_inbox, from_fn(local::inbox)))
        .wrap(Condition::new(listener == Listener::Admin, from_fn(guard)))
        .wrap(Condition::new(listener == Listener::Public && settings.cors.enabled, cors(&settings.cors)))
        .wrap(from_fn(edge))
        .wrap(from_fn(access))
}

/// Cross-origin rules. An origin is compared as a whole; `https://*.example.com` stands for every subdomain.
fn cors(config: &serve::Cors) -> Cors {
    let mut cors = Cors::default();
    let everyone = config.allowed_origins.iter().any(|origin| origin == "*");
    if everyone {
        cors = cors.allow_any_origin().send_wildcard();
    }
    let (suffixes, exact): (Vec<&String>, Vec<&String>) =
        config.allowed_origins.iter().filter(|origin| *origin != "*").partition(|origin| origin.contains("*."));
    for origin in exact {
        cors = cors.allowed_origin(origin.trim_end_matches('/'));
    }
    for origin in suffixes {
        let Some((scheme, domain)) = origin.split_once("://*") else { continue };
        let (scheme, domain) = (format!("{scheme}://"), domain.trim_end_matches('/').to_owned());
        cors = cors.allowed_origin_fn(move |origin, _| {
            let host = origin.to_str().ok().and_then(|origin| origin.strip_prefix(&scheme));
            host.is_some_and(|host| host.len() > domain.len() && host.ends_with(&domain))
        });
    }
    let methods = config.allowed_methods.iter().filter_map(|name| http::Method::from_bytes(name.as_bytes()).ok());
    let headers = |names: &[String]| -> Vec<HeaderName> {
        names.iter().filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect()
    };
    cors = cors
        .allowed_methods(methods)
        .allowed_headers(headers(&config.allowed_headers))
        .expose_headers(headers(&config.exposed_headers));
    // Cookies for every origin would let any page act as the person in front of it.
    if config.allow_credentials && !everyone {
        cors = cors.supports_credentials();
    }
    if config.max_age > 0 {
        cors = cors.max_age(usize::try_from(config.max_age).unwrap_or(usize::MAX));
    }
    cors
}
