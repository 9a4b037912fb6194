//! What happens to every request, in this order: slashes at the end of the path go, access log, a page instead of JSON for people,
//! edge (id, context, envelope), CORS, admin access, route.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Condition, NormalizePath, from_fn};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, Error};
use orrery_ui::http::for_people;
use orrery_web::body::BodyLimit;
use orrery_web::edge::{EdgeSettings, edge};
use orrery_web::{Listener, Routes};

use super::cors::{self, CrossOrigin};
use crate::admin::{AdminAccess, guard};
use crate::config::serve::Serve;
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
    cors: CrossOrigin,
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
            cors: CrossOrigin::new(&config.public.cors),
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
    let cross_origin = listener == Listener::Public && settings.cors.is_enabled();
    App::new()
        .app_data(settings.body)
        .app_data(settings.cors.origins())
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
        .wrap(Condition::new(cross_origin, settings.cors.rules()))
        .wrap(Condition::new(cross_origin, from_fn(cors::by_client)))
        .wrap(Condition::new(listener == Listener::Public && !cross_origin, from_fn(cors::none)))
        .wrap(from_fn(edge))
        .wrap(Condition::new(listener == Listener::Public, from_fn(for_people)))
        .wrap(from_fn(access))
        // `/clients/` is `/clients`, for everything that looks at the path.
        .wrap(NormalizePath::trim())
}
