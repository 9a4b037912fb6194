//! The one middleware in front of every surface: request id, client address, context, error envelope, headers.

mod client;

use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, web};
use ipnet::IpNet;
use orrery_core::{Clock, Entropy, EntropyExt, ProjectId, RequestContext};
use percent_encoding::percent_decode_str;

use crate::error::ApiError;
use crate::error::flat::FlatPaths;
use crate::{Context, response};

/// The request id, accepted from the caller and always answered.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest request id that is taken over from a caller.
const MAX_REQUEST_ID: usize = 64;
/// Longest path and query that is looked at, in bytes: flows remember the address that they were begun at.
const MAX_TARGET: usize = 16 * 1024;
/// Longest user agent, location or language header that is kept, in characters.
const MAX_TEXT: usize = 512;

/// What the edge needs to know.
#[derive(Clone)]
pub struct EdgeSettings {
    /// Where the moment of arrival comes from.
    pub clock: Arc<dyn Clock>,
    /// Where request ids come from.
    pub entropy: Arc<dyn Entropy>,
    /// Peers whose `X-Forwarded-For` and location headers are believed. A Unix socket always is.
    pub trusted_proxies: Vec<IpNet>,
}

/// The middleware: `.app_data(web::Data::new(settings)).wrap(from_fn(edge))`, outermost but for the access log.
///
/// Every error of a handler or extractor is logged here, once and with its causes, when it is ours (5xx), and
/// rendered with the request id. Errors of actix itself get the same envelope.
///
/// # Errors
/// Only what a middleware further inside fails with.
pub async fn edge<B: MessageBody + 'static>(
    settings: web::Data<EdgeSettings>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let context = Rc::new(context(&settings, &request));
    Context::attach(&request, Rc::clone(&context));
    let mut answered = if let Some(error) = bad_target(&request) {
        let response = rendered(&error, request.request(), &context);
        request.into_response(response).map_into_right_body()
    } else {
        let answered = next.call(request).await?;
        match own_error(&answered, &context) {
            Some(mut response) => {
                // What others decided about the error stays: `Allow`, `WWW-Authenticate`, cross-origin access.
                for (name, value) in answered.headers() {
                    if !response.headers().contains_key(name) {
                        response.headers_mut().append(name.clone(), value.clone());
                    }
                }
                answered.into_response(response).map_into_right_body()
            }
            None => answered.map_into_left_body(),
        }
    };
    let headers = answered.headers_mut();
    response::default_headers(headers);
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        headers.insert(REQUEST_ID, id);
    }
    Ok(answered)
}

fn context(settings: &EdgeSettings, request: &ServiceRequest) -> RequestContext {
    let headers = request.headers();
    let peer = request.peer_addr().map(|address| address.ip());
    let client = client::behind(peer, headers, &settings.trusted_proxies);
    RequestContext {
        project: ProjectId::DEFAULT,
        now: settings.clock.now(),
        request_id: accepted_id(headers).unwrap_or_else(|| settings.entropy.uuid().to_string()),
        client_ip: client.ip,
        user_agent: text(headers, &USER_AGENT),
        location: client.location,
        accept_language: text(headers, &ACCEPT_LANGUAGE),
        caused_by: None,
    }
}

/// What is wrong with the address of a request, whatever it leads to.
fn bad_target(request: &ServiceRequest) -> Option<ApiError> {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    if target.len() > MAX_TARGET {
        return Some(ApiError::of_status(StatusCode::URI_TOO_LONG));
    }
    if target.contains("%00") {
        let reason = "The address contains the character U+0000, which no path or parameter may hold.";
        return Some(ApiError::bad_request(reason));
    }
    // Replacing what cannot be read would make one name of many.
    let path = percent_decode_str(request.uri().path()).decode_utf8();
    path.is_err().then(|| ApiError::bad_request("The path is not valid UTF-8."))
}

/// An error in the form that its path promises.
fn rendered(error: &ApiError, request: &HttpRequest, context: &RequestContext) -> HttpResponse {
    let flat = request.app_data::<FlatPaths>().is_some_and(|flat| flat.cover(request.match_info().as_str()));
    let id = Some(context.request_id.as_str());
    if flat { error.to_flat_response(id) } else { error.to_response(id) }
}

/// The caller's request id when it is short and cannot break a log line or a header.
fn accepted_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (!id.is_empty() && id.len() <= MAX_REQUEST_ID && id.bytes().all(safe)).then(|| id.to_owned())
}

/// A header as text without control characters, cut to what is kept.
fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = String::from_utf8_lossy(headers.get(name)?.as_bytes());
    let kept: String = value.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect();
    (!kept.is_empty()).then_some(kept)
}

/// The final form of an error answer: logged when it is our fault, named by the request id.
///
/// An error that is no [`ApiError`] and answers JSON already is left alone.
fn own_error<B>(answered: &ServiceResponse<B>, context: &RequestContext) -> Option<HttpResponse> {
    let error = answered.response().error()?;
    let status = answered.status();
    if let Some(error) = error.as_error::<ApiError>() {
        if status.is_server_error() {
            tracing::error!(request_id = %context.request_id, status = status.as_u16(), error = %error.chain(), "request failed");
        }
        return Some(rendered(error, answered.request(), context));
    }
    if status.is_server_error() {
        tracing::error!(request_id = %context.request_id, status = status.as_u16(), %error, "request failed");
    }
    let is_json = |value: &HeaderValue| value.as_bytes().starts_with(b"application/json");
    if answered.headers().get(CONTENT_TYPE).is_some_and(is_json) {
        return None;
    }
    Some(rendered(&ApiError::of_status(status), answered.request(), context))
}

#[cfg(test)]
mod tests {
    use actix_web::App;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
    use orrery_core::time::ManualClock;
    use orrery_core::{SystemEntropy, Timestamp};
    use serde_json::Value;

    use super::*;

    async fn show(context: Context) -> HttpResponse {
        HttpResponse::Ok().json(serde_json::json!({
            "id": context.request_id, "ip": context.client_ip, "agent": context.user_agent, "now": context.now,
        }))
    }

    async fn fail() -> Result<HttpResponse, ApiError> {
        Err(ApiError::internal("the disk is on fire"))
    }

    async fn number(path: web::Path<u8>) -> String {
        path.into_inner().to_string()
    }

    async fn answer(request: TestRequest) -> (u16, HeaderMap, Value) {
        let settings = EdgeSettings {
            clock: Arc::new(ManualClock::at(Timestamp::EPOCH)),
            entropy: Arc::new(SystemEntropy::default()),
            trusted_proxies: vec!["10.0.0.0/8".parse().expect("valid")],
        };
        let app = App::new()
            .app_data(web::Data::new(settings))
            .wrap(from_fn(edge))
            .route("/", web::get().to(show))
            .route("/fail", web::get().to(fail))
            .route("/number/{n}", web::get().to(number));
        let response = call_service(&init_service(app).await, request.to_request()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, read_body_json(response).await)
    }

    #[actix_web::test]
    async fn a_safe_request_id_is_kept_and_any_other_replaced() {
        let (_, headers, body) = answer(TestRequest::get().insert_header(("X-Request-Id", "abc-1.2_3"))).await;
        assert_eq!(body["id"], "abc-1.2_3");
        assert_eq!(headers.get(REQUEST_ID).map(HeaderValue::as_bytes), Some(&b"abc-1.2_3"[..]));
        for bad in ["", "a b", "a\"b", "{}", &"x".repeat(65)] {
            let (_, _, body) = answer(TestRequest::get().insert_header(("X-Request-Id", bad))).await;
            assert_eq!(body["id"].as_str().map(str::len), Some(36), "{bad}");
        }
    }

    #[actix_web::test]
    async fn a_failure_names_the_request_and_nothing_else() {
        let (status, headers, body) =
            answer(TestRequest::with_uri("/fail").insert_header(("X-Request-Id", "r1"))).await;
        assert_eq!(status, 500);
        assert_eq!(body["error"]["request"], "r1");
        assert!(!body.to_string().contains("fire"));
        assert_eq!(headers.get("x-content-type-options").map(HeaderValue::as_bytes), Some(&b"nosniff"[..]));
    }

    #[actix_web::test]
    async fn an_error_of_the_framework_gets_the_envelope() {
        let (status, _, body) = answer(TestRequest::with_uri("/number/abc")).await;
        assert_eq!(status, 404);
        assert_eq!(body["error"]["code"], 404);
        assert!(body["error"]["message"].is_string());
    }

    #[actix_web::test]
    async fn an_address_that_cannot_be_stored_is_refused() {
        for (target, expected) in [
            ("/%00", 400),
            ("/number/1%00", 400),
            ("/number/%ff", 400),
            ("/number/%C3%28", 400),
            ("/number/%C3%BC", 404),
            ("/?a=%00", 400),
            ("/?a=%2500", 200),
            (&format!("/?a={}", "x".repeat(20_000)), 414),
        ] {
            assert_eq!(answer(TestRequest::with_uri(target)).await.0, expected, "{target:.20}");
        }
    }

    #[actix_web::test]
    async fn a_long_user_agent_is_cut() {
        let agent = "ü".repeat(600);
        let (_, _, body) = answer(TestRequest::get().insert_header(("User-Agent", agent.as_bytes()))).await;
        assert_eq!(body["agent"].as_str().map(|agent| agent.chars().count()), Some(512));
    }
}
