//! The edge: requests into use cases, outcomes into answers. The only place of this crate that knows actix.
//!
//! Every handler takes `Data<IdentityService>` and the request's `Context`.

mod admin_recovery;
pub mod admin_sessions;
mod end_sessions;
pub mod errors;
pub mod failure;
pub mod flow;
pub mod identities;
mod identity_json;
mod list;
mod login;
pub mod logout;
mod recovery;
mod registration;
pub mod schemas;
pub mod session;
pub mod sessions;
mod settings;
mod verification;

use actix_web::HttpRequest;
use orrery_core::RequestContext;
use orrery_core::id::FlowId;
use orrery_web::{ApiError, Routes};
use serde_json::Value;

use crate::IdentityService;
use crate::flow::FlowKind;

/// The surface's name in the list of routes.
const SURFACE: &str = "identity";

/// Everything on the public listener.
#[must_use]
pub fn public() -> Routes {
    login::routes(SURFACE)
        .and(registration::routes(SURFACE))
        .and(verification::routes(SURFACE))
        .and(settings::routes(SURFACE))
        .and(recovery::routes(SURFACE))
        .and(logout::routes(SURFACE))
        .and(errors::routes(SURFACE))
        .and(sessions::routes(SURFACE))
        .and(schemas::routes(SURFACE))
}

/// Everything on the administrators' listener.
#[must_use]
pub fn admin() -> Routes {
    identities::routes(SURFACE).and(admin_sessions::routes(SURFACE)).and(admin_recovery::routes(SURFACE))
}

/// A flow's JSON as the request's sender may read it.
///
/// # Errors
/// 401, 403, 404 and 410 of the contract.
pub async fn read(
    service: &IdentityService,
    context: &RequestContext,
    request: &HttpRequest,
    kind: FlowKind,
    id: FlowId,
) -> Result<Value, ApiError> {
    let body = match kind {
        FlowKind::Login => serde_json::to_value(flow::read::<login::Login>(service, context, request, id).await?),
        FlowKind::Registration => {
            serde_json::to_value(flow::read::<registration::Registration>(service, context, request, id).await?)
        }
        FlowKind::Verification => {
            serde_json::to_value(flow::read::<verification::Verification>(service, context, request, id).await?)
        }
        FlowKind::Settings => {
            serde_json::to_value(flow::read::<settings::Settings>(service, context, request, id).await?)
        }
        FlowKind::Recovery => {
            serde_json::to_value(flow::read::<recovery::Recovery>(service, context, request, id).await?)
        }
    };
    body.map_err(ApiError::internal)
}
