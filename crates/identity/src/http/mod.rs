//! The edge: requests into use cases, outcomes into answers. The only place of this crate that knows actix.
//!
//! Every handler takes `Data<IdentityService>` and the request's `Context`.

pub mod admin_sessions;
pub mod errors;
pub mod failure;
pub mod flow;
pub mod identities;
mod identity_json;
pub mod login;
pub mod logout;
pub mod registration;
pub mod schemas;
pub mod session;
pub mod sessions;
pub mod verification;

use orrery_web::Routes;

/// The surface's name in the list of routes.
const SURFACE: &str = "identity";

/// Everything on the public listener.
#[must_use]
pub fn public() -> Routes {
    login::routes(SURFACE)
        .and(registration::routes(SURFACE))
        .and(verification::routes(SURFACE))
        .and(logout::routes(SURFACE))
        .and(errors::routes(SURFACE))
        .and(sessions::routes(SURFACE))
        .and(schemas::routes(SURFACE))
}

/// Everything on the administrators' listener.
#[must_use]
pub fn admin() -> Routes {
    identities::routes(SURFACE).and(admin_sessions::routes(SURFACE))
}
