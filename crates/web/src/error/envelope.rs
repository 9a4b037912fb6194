//! How an [`ApiError`] looks on the wire.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::{Map, Value, json};

use super::ApiError;
use crate::response::forbid_storing;

const ERROR_ID: HeaderName = HeaderName::from_static("ory-error-id");

pub(super) fn response(error: &ApiError, body: &Value) -> HttpResponse {
    let mut response = HttpResponse::new(error.0.status).set_body(body.to_string());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(id) = error.0.id {
        headers.insert(ERROR_ID, HeaderValue::from_static(id));
    }
    if let Some(seconds) = error.0.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    forbid_storing(headers);
    response.map_into_boxed_body()
}

pub(super) fn body(error: &ApiError, request_id: Option<&str>) -> Value {
    let mut inner = core(error);
    if let Some(request_id) = request_id {
        inner.insert("request".to_owned(), json!(request_id));
    }
    if !error.0.details.is_empty() {
        inner.insert("details".to_owned(), Value::Object(error.0.details.clone()));
    }
    let mut outer = Map::new();
    if !error.0.members.is_empty() {
        // Clients of the first generation read these errors flat, those of the second nested.
        outer = core(error);
        outer.extend(error.0.members.clone());
    }
    if error.0.status == StatusCode::UNPROCESSABLE_ENTITY {
        // The current contract models the 422 with one `error` inside the other.
        inner.insert("error".to_owned(), Value::Object(core(error)));
    }
    outer.insert("error".to_owned(), Value::Object(inner));
    Value::Object(outer)
}

/// What both the nested and the flat form carry.
fn core(error: &ApiError) -> Map<String, Value> {
    let mut core = Map::new();
    if let Some(id) = error.0.id {
        core.insert("id".to_owned(), json!(id));
    }
    core.insert("code".to_owned(), json!(error.0.status.as_u16()));
    core.insert("status".to_owned(), json!(error.0.status.canonical_reason().unwrap_or("Unknown")));
    if let Some(reason) = &error.0.reason {
        core.insert("reason".to_owned(), json!(reason));
    }
    core.insert("message".to_owned(), json!(error.0.message));
    core
}

#[cfg(test)]
mod tests {
    use orrery_core::StoreError;
    use orrery_core::error::Conflict;

    use super::*;

    #[test]
    fn the_envelope_has_every_member_that_clients_require() {
        let error = ApiError::forbidden("Not yours.").with_id("security_identity_mismatch").with_detail("hint", "x");
        assert_eq!(
            body(&error, Some("r-1")),
            json!({"error": {
                "id": "security_identity_mismatch", "code": 403, "status": "Forbidden", "request": "r-1",
                "reason": "Not yours.", "details": {"hint": "x"}, "message": error.message(),
            }})
        );
    }

    #[test]
    fn enriched_errors_are_readable_flat_and_nested() {
        let body = body(&ApiError::browser_location_change("https://example.org/"), None);
        assert_eq!(body["redirect_browser_to"], "https://example.org/");
        for place in [&body, &body["error"], &body["error"]["error"]] {
            assert_eq!(place["id"], "browser_location_change_required");
            assert_eq!(place["code"], 422);
            assert!(place["message"].is_string());
        }
        let expired = super::body(&ApiError::gone("x").with_member("use_flow_id", "f"), None);
        assert_eq!(expired["code"], 410);
        assert!(expired["error"].get("error").is_none());
    }

    #[test]
    fn a_server_error_says_nothing_internal() {
        let error = ApiError::from(StoreError::internal("relation \"secrets\" does not exist"));
        let response = error.to_response(Some("r-1"));
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let text = body(&error, Some("r-1")).to_string();
        assert!(!text.contains("secrets"), "{text}");
        assert!(text.contains("r-1"));
        assert!(error.chain().contains("secrets"));
    }

    #[test]
    fn storage_trouble_has_its_own_status() {
        let unavailable = ApiError::from(StoreError::unavailable("connection refused")).to_response(None);
        assert_eq!(unavailable.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(unavailable.headers().contains_key(RETRY_AFTER));
        let conflict = ApiError::from(StoreError::Conflict(Conflict::ExternalId));
        assert_eq!(conflict.status(), StatusCode::CONFLICT);
        assert!(conflict.reason().is_some_and(|reason| reason.contains("external_id")));
    }

    #[test]
    fn errors_are_never_stored_by_caches() {
        let response = ApiError::not_found("x").with_id("some_id").to_response(None);
        assert_eq!(response.headers().get("ory-error-id").map(HeaderValue::as_bytes), Some(&b"some_id"[..]));
        assert!(
            response
                .headers()
                .get("cache-control")
                .is_some_and(|value| { value.to_str().is_ok_and(|value| value.contains("no-store")) })
        );
    }
}
