//! How failures of flows reach whoever asked.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use orrery_core::RequestContext;
use orrery_core::id::FlowErrorId;
use orrery_core::jsonnet::JsonnetError;
use orrery_core::outbound::OutboundError;
use orrery_web::{ApiError, response};
use serde_json::{Value, json};

use super::flow::Client;
use crate::IdentityService;
use crate::config::Config;
use crate::credentials::password::Overloaded;
use crate::flow::{Flow, FlowError, FlowType, form};
use crate::hooks::{self, HookError};
use crate::limits::Rate;

/// An error for whoever asks: JSON, or for a navigating browser the error page with the stored error.
///
/// Whoever is asked to slow down is told so at once: otherwise those who ask too often would fill the storage with
/// errors instead.
///
/// # Errors
/// The error itself, for clients that read JSON, and storage trouble.
pub async fn fail(
    service: &IdentityService,
    context: &RequestContext,
    client: Client,
    error: ApiError,
) -> Result<HttpResponse, ApiError> {
    match client {
        Client::Api | Client::Script => Err(error),
        Client::Browser if error.status() == StatusCode::TOO_MANY_REQUESTS => Err(error),
        Client::Browser => {
            let config = service.config.load();
            service.rates.take(Rate::Error, context, &config.limits).map_err(|limit| api_error(limit.into()))?;
            if error.status().is_server_error() {
                // The redirect hides it from the edge, which logs the others.
                tracing::error!(request_id = %context.request_id, error = %error.chain(), "flow failed");
            }
            let id = FlowErrorId::generate(&*service.entropy);
            let body = error.to_body(Some(&context.request_id));
            let stored = body.get("error").cloned().unwrap_or(Value::Null);
            match service.flows.flow_error_create(context.project, id, &stored, context.now).await {
                Ok(()) => response::see_other(&form::with_query(&config.ui.error, "id", &id.to_string())),
                // Without storage there is no error page either: say what we know.
                Err(_) => Err(error),
            }
        }
    }
}

/// 410 for a flow that is too old to be read: how to begin again.
#[must_use]
pub fn expired_on_read(config: &Config, flow: &Flow) -> ApiError {
    let kind = flow.kind.as_str();
    let error = ApiError::gone("The flow has expired. Begin a new one.").with_id("self_service_flow_expired");
    match flow.flow_type {
        FlowType::Api => {
            let init = form::endpoint(&config.public_url, &format!("/self-service/{kind}/api"));
            error.with_detail("api", init.as_str())
        }
        FlowType::Browser => {
            let init = form::endpoint(&config.public_url, &format!("/self-service/{kind}/browser"));
            match &flow.return_to {
                Some(to) => error
                    .with_detail("redirect_to", form::with_query(&init, "return_to", to))
                    .with_detail("return_to", to.as_str()),
                None => error.with_detail("redirect_to", init.as_str()).with_detail("return_to", ""),
            }
        }
    }
}

/// 410 for a flow that is too old to be submitted, naming the fresh one.
#[must_use]
pub fn expired_on_submit(expired: &Flow, fresh: &Flow, context: &RequestContext) -> ApiError {
    let since = i64::try_from(context.now.since(expired.expires_at).as_nanos()).unwrap_or(i64::MAX);
    ApiError::gone("The flow has expired. A new one was begun.")
        .with_id("self_service_flow_expired")
        .with_member("expired_at", expired.expires_at.to_rfc3339())
        .with_member("since", since)
        .with_member("use_flow_id", fresh.id.to_string())
}

/// Flow failures as the contract answers them.
#[must_use]
pub fn api_error(error: FlowError) -> ApiError {
    match error {
        FlowError::Unknown => ApiError::not_found("There is no such flow. It may have been removed; begin a new one."),
        FlowError::SessionAvailable => ApiError::bad_request(
            "A session exists already. Sign out first, or begin a login with refresh=true to sign in once more.",
        )
        .with_id("session_already_available"),
        FlowError::FirstFactorNeeded => {
            ApiError::unauthorized("A second factor can be asked for only after signing in. Sign in with aal1 first.")
                .with_id("session_aal1_required")
        }
        FlowError::SessionInactive => {
            ApiError::unauthorized("There is no active session, or it has ended. Sign in and try again.")
                .with_id("session_inactive")
        }
        FlowError::SecondFactorNeeded => {
            ApiError::forbidden("The session needs a second factor. Complete it at redirect_browser_to.")
                .with_id("session_aal2_required")
        }
        FlowError::RefreshNeeded { .. } => ApiError::forbidden(
            "The last sign-in is too long ago for this change. Sign in again at redirect_browser_to, then repeat it.",
        )
        .with_id("session_refresh_required"),
        FlowError::OtherIdentity => {
            ApiError::forbidden("The flow belongs to somebody else than the session. Begin a new one.")
                .with_id("security_identity_mismatch")
        }
        FlowError::Disabled(kind) => ApiError::bad_request(format!("The {} flow is not offered here.", kind.as_str()))
            .with_id("self_service_flow_disabled"),
        FlowError::MethodDisabled(method) => ApiError::not_found(format!(
            "The method \"{}\" is disabled. Use one of the methods that the flow offers.",
            method.as_str()
        )),
        FlowError::UnknownSchema => {
            ApiError::bad_request("The query parameter \"identity_schema\" names no schema that can be chosen.")
        }
        FlowError::UnknownAddress => ApiError::bad_request(
            "The query parameter \"via\" names neither an address of this account that codes can go to nor a trait that is one.",
        ),
        FlowError::AddressUnverified(flow) => ApiError::forbidden("The account's address must be verified first.")
            .with_id("session_verified_address_required")
            .with_detail("continue_with", json!([{"action": "show_verification_ui", "flow": flow}])),
        FlowError::HookRefused(messages) => {
            let said: Vec<_> = messages.iter().map(|placed| json!(placed.message)).collect();
            ApiError::bad_request(hooks::words(&messages)).with_detail("messages", said)
        }
        FlowError::Hook(error) => hook_error(error),
        FlowError::Breaches(OutboundError::Timeout) => ApiError::upstream_timeout(OutboundError::Timeout),
        FlowError::Breaches(error) => ApiError::upstream(error),
        FlowError::TooMany(limit) => ApiError::too_many_requests(seconds(limit.retry_after)),
        FlowError::Overloaded(overloaded) => {
            ApiError::unavailable(seconds(Overloaded::RETRY_AFTER)).with_source(overloaded)
        }
        FlowError::Store(error) => error.into(),
    }
}

/// A hook that brought no answer: whose fault it is decides.
fn hook_error(error: HookError) -> ApiError {
    match error {
        HookError::Call { why: OutboundError::Timeout, .. } => ApiError::upstream_timeout(error),
        HookError::Body { why: JsonnetError::Unavailable(_), .. } => {
            ApiError::unavailable(seconds(Overloaded::RETRY_AFTER)).with_source(error)
        }
        HookError::Body { .. } => ApiError::misconfigured(error),
        HookError::Call { .. } | HookError::Answer { .. } => ApiError::upstream(error),
    }
}

/// Whole seconds, rounded up, at least one.
fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}
