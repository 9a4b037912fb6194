//! Recovery begun by an administrator.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::id::IdentityId;
use orrery_core::{GoDuration, RequestContext};
use orrery_web::{ApiError, Context, JsonBody, Listener, Pairs, Routes, response};
use serde::Deserialize;
use serde_json::json;

use super::flow;
use crate::IdentityService;
use crate::flow::{FlowMethod, FlowType};
use crate::recovery::admin::{AdminRecovery, AdminRecoveryError, HandedOver, hand_over};

/// Nothing works longer than this many seconds: thirty days.
const LONGEST: u64 = 30 * 24 * 3600;

pub(super) fn routes(surface: &'static str) -> Routes {
    Routes::new(Listener::Admin, surface)
        .post("/admin/recovery/code", Some("createRecoveryCodeForIdentity"), code)
        .post("/admin/recovery/link", Some("createRecoveryLinkForIdentity"), link)
}

/// The body of both.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    identity_id: IdentityId,
    #[serde(default)]
    expires_in: Option<String>,
    #[serde(default)]
    flow_type: Option<FlowType>,
}

async fn code(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
    JsonBody(asked): JsonBody<Asked>,
) -> Result<HttpResponse, ApiError> {
    let HandedOver { link, code, expires_at } = make(&service, &context, &request, FlowMethod::Code, asked).await?;
    let body = json!({"recovery_link": link, "recovery_code": code, "expires_at": expires_at});
    response::json(StatusCode::CREATED, &body)
}

async fn link(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
    JsonBody(asked): JsonBody<Asked>,
) -> Result<HttpResponse, ApiError> {
    // A link is opened in a browser, whatever the caller says.
    let asked = Asked { flow_type: None, ..asked };
    let HandedOver { link, expires_at, .. } = make(&service, &context, &request, FlowMethod::Link, asked).await?;
    response::ok(&json!({"recovery_link": link, "expires_at": expires_at}))
}

async fn make(
    service: &IdentityService,
    context: &RequestContext,
    request: &HttpRequest,
    method: FlowMethod,
    asked: Asked,
) -> Result<HandedOver, ApiError> {
    let config = service.config.load();
    let expires_in = asked.expires_in.as_deref().filter(|text| !text.is_empty()).map(|text| {
        let parsed = text.parse().ok().map(|GoDuration(duration)| duration);
        parsed.filter(|duration| !duration.is_zero() && duration.as_secs() <= LONGEST).ok_or_else(|| {
            ApiError::bad_request("The member \"expires_in\" must be a duration such as \"1h\", of at most 720h.")
        })
    });
    let asked = AdminRecovery {
        identity: asked.identity_id,
        expires_in: expires_in.transpose()?,
        flow_type: asked.flow_type.unwrap_or(FlowType::Browser),
        return_to: flow::return_to(&config, &Pairs::of_query(request)?, "return_to")?,
        request_url: flow::request_url(&config, request)?,
    };
    hand_over(service, context, method, asked).await.map_err(|error| match error {
        AdminRecoveryError::UnknownIdentity => ApiError::not_found("The member \"identity_id\" names no identity."),
        AdminRecoveryError::Disabled(method) => ApiError::not_found(format!(
            "Recovery by {0} is switched off. Enable selfservice.flows.recovery and selfservice.methods.{0}.",
            method.as_str()
        )),
        AdminRecoveryError::Store(error) => error.into(),
    })
}
