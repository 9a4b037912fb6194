//! `GET /self-service/errors`: the error that a browser was sent away with.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::Timestamp;
use orrery_core::id::FlowErrorId;
use orrery_web::{ApiError, Context, Listener, Pairs, Routes, response};
use serde_json::{Value, json};

use super::flow;
use crate::IdentityService;

pub(super) fn routes(surface: &'static str) -> Routes {
    Routes::new(Listener::Public, surface).get("/self-service/errors", Some("getFlowError"), get)
}

/// `getFlowError`: whoever knows the id may read the error.
///
/// # Errors
/// 400 without an id, 404 for an unknown one.
pub async fn get(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    let name = if query.get("id").is_none() && query.get("error").is_some() { "error" } else { "id" };
    if query.get(name) == Some("stub:500") {
        let sample = ApiError::internal("a sample").to_body(None);
        return answer(
            "00000000-0000-0000-0000-000000000000",
            sample.get("error").unwrap_or(&Value::Null),
            Timestamp::EPOCH,
        );
    }
    let id: FlowErrorId = flow::id(&query, name)?;
    match service.flows.flow_error_by_id(context.project, id).await? {
        Some((error, at)) => answer(&id.to_string(), &error, at),
        None => Err(ApiError::not_found("There is no such error. It may have been removed.")),
    }
}

fn answer(id: &str, error: &Value, at: Timestamp) -> Result<HttpResponse, ApiError> {
    response::ok(&json!({"id": id, "error": error, "created_at": at, "updated_at": at}))
}
