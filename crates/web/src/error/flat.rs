//! The flat error of the OAuth2 contracts (`errorOAuth2`, `oAuth2ApiError`): RFC 6749 section 5.2.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::ApiError;

/// The paths whose errors are flat, each up to its first parameter.
#[derive(Debug, Clone, Default)]
pub(crate) struct FlatPaths(pub(crate) Vec<String>);

impl FlatPaths {
    /// Whether an error at this path is flat, whoever finds it: a handler, an extractor, or what stands in front.
    pub(crate) fn cover(&self, path: &str) -> bool {
        self.0.iter().any(|prefix| path.starts_with(prefix.as_str()))
    }
}

/// `error` is the error's id, or the code that its status stands for; `error_description` says what happened and why.
///
/// The members of the usual envelope stand beside them: the contracts promise it for some operations whose errors
/// have always been flat, and clients made from them look for `message`.
pub(super) fn body(error: &ApiError, request_id: Option<&str>) -> Value {
    let reason = error.reason().unwrap_or_default();
    let description = format!("{} {reason}", error.message());
    let mut body = json!({
        "error": error.id().unwrap_or_else(|| code(error.status())),
        "error_description": description.trim(),
        "status_code": error.status().as_u16(),
        "message": description.trim(),
        "code": error.status().as_u16(),
        "status": error.status().canonical_reason().unwrap_or("Unknown"),
    });
    if let Some(request_id) = request_id {
        body["request_id"] = json!(request_id);
        body["request"] = json!(request_id);
    }
    body
}

fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "not_found",
        409 => "conflict",
        400..500 => "invalid_request",
        503 => "temporarily_unavailable",
        _ => "server_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_code_and_the_status_stands_in_for_it() {
        let error = ApiError::bad_request("The code was used before.").with_id("invalid_grant");
        let description = format!("{} The code was used before.", error.message());
        let expected = json!({
            "error": "invalid_grant", "status_code": 400, "request_id": "r-1", "error_description": description,
            "message": description, "code": 400, "status": "Bad Request", "request": "r-1",
        });
        assert_eq!(body(&error, Some("r-1")), expected);
        assert_eq!(body(&ApiError::not_found("x"), None)["error"], "not_found");
        assert_eq!(body(&ApiError::unavailable(2), None)["error"], "temporarily_unavailable");
    }

    #[test]
    fn a_server_error_says_nothing_internal() {
        let text = body(&ApiError::internal("relation \"secrets\" does not exist"), Some("r-1")).to_string();
        assert!(!text.contains("secrets"), "{text}");
    }
}
