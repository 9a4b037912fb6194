//! One log line and one measurement for each request: by route template, without anything that the caller sent.

use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web;
use opentelemetry::trace::TraceContextExt as _;
use orrery_web::Listener;
use orrery_web::edge::REQUEST_ID;
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::metrics;

/// What the access log needs to know about its listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccessLog {
    /// Which listener answers.
    pub(crate) listener: Listener,
    /// Leave health probes out.
    pub(crate) skip_health: bool,
}

/// The outermost middleware.
///
/// # Errors
/// Only what a middleware further inside fails with.
pub(crate) async fn access<B: MessageBody>(
    log: web::Data<AccessLog>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let begun = Instant::now();
    let method = method(request.method());
    let span = tracing::info_span!(
        "request",
        otel.kind = "server",
        http.request.method = method,
        http.route = tracing::field::Empty,
        http.response.status_code = tracing::field::Empty,
    );
    let answered = next.call(request).instrument(span.clone()).await?;
    let took = begun.elapsed();
    let route = answered.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let status = answered.status().as_u16();
    // A field named `otel.name` is read only until the span has begun, and the route is known afterwards.
    span.context().span().update_name(format!("{method} {route}"));
    span.record("http.route", &route);
    span.record("http.response.status_code", status);
    metrics::answered(log.listener, method, &route, status, took);
    let is_health = route.strip_prefix("/admin").unwrap_or(&route).starts_with("/health/");
    if !(log.skip_health && is_health) {
        let request_id = answered.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            target: "orrery::access",
            request_id, listener = %log.listener, method, route, status, micros, "answered"
        );
    }
    Ok(answered)
}

/// The method as a word of ours: a caller may invent methods.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("OTHER")
}
