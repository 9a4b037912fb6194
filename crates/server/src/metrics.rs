//! Numbers for operators. No label ever holds what a caller sent: routes are templates, never paths.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{HttpResponse, web};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use orrery_persistence::Database;
use orrery_web::{ApiError, Listener, Routes};

/// Upper bounds of the latency histogram, seconds.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The recorder is the process's: several servers in one process (tests) share it.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts counting. Later calls do nothing.
///
/// # Errors
/// When another recorder is in place already.
pub(crate) fn install() -> anyhow::Result<()> {
    if RECORDER.get().is_some() {
        return Ok(());
    }
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), BUCKETS)?
        .build_recorder();
    let handle = recorder.handle();
    // Somebody else in this process may have been faster; then theirs is in place and kept.
    if metrics::set_global_recorder(recorder).is_ok() {
        let _: Result<(), _> = RECORDER.set(handle);
        describe();
    }
    Ok(())
}

fn describe() {
    metrics::describe_histogram!(
        "orrery_http_request_duration_seconds",
        metrics::Unit::Seconds,
        "Time to answer, by route template"
    );
    metrics::describe_counter!("orrery_http_requests_total", "Requests answered, by route template and status");
    metrics::describe_counter!("orrery_database_reads_total", "Statements of calls that read");
    metrics::describe_counter!("orrery_database_writes_total", "Statements of calls that write");
    metrics::describe_counter!("orrery_database_commits_total", "Commits; one may cover several calls");
    metrics::describe_counter!("orrery_session_cache_hits_total", "Sessions that were known");
    metrics::describe_counter!("orrery_session_cache_misses_total", "Sessions that had to be read");
    metrics::describe_counter!("orrery_client_cache_hits_total", "OAuth2 clients that were known");
    metrics::describe_counter!("orrery_client_cache_misses_total", "OAuth2 clients that had to be read");
    metrics::describe_gauge!("orrery_build_info", "The version that runs");
    metrics::gauge!("orrery_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// What is counted of one kind of answer.
#[derive(Clone)]
struct Answers {
    method: &'static str,
    status: u16,
    listener: Listener,
    number: metrics::Counter,
    duration: metrics::Histogram,
}

thread_local! {
    /// What this thread has answered so far, by route template: finding a number by its labels costs more than counting.
    static ANSWERED: RefCell<HashMap<String, Vec<Answers>>> = RefCell::default();
}

/// One request was answered.
pub(crate) fn answered(listener: Listener, method: &'static str, route: &str, status: u16, took: Duration) {
    let answers = ANSWERED.with_borrow_mut(|answered| {
        let alike = |known: &&Answers| (known.method, known.status, known.listener) == (method, status, listener);
        if let Some(known) = answered.get(route).and_then(|kinds| kinds.iter().find(alike)) {
            return known.clone();
        }
        let new = answers(listener, method, route, status);
        answered.entry(route.to_owned()).or_default().push(new.clone());
        new
    });
    answers.number.increment(1);
    answers.duration.record(took.as_secs_f64());
}

fn answers(listener: Listener, method: &'static str, route: &str, status: u16) -> Answers {
    let name = match listener {
        Listener::Public => "public",
        Listener::Admin => "admin",
    };
    let number = metrics::counter!(
        "orrery_http_requests_total",
        "listener" => name, "method" => method, "route" => route.to_owned(), "status" => status.to_string()
    );
    let duration = metrics::histogram!(
        "orrery_http_request_duration_seconds",
        "listener" => name, "method" => method, "route" => route.to_owned()
    );
    Answers { method, status, listener, number, duration }
}

/// Sums up what was measured since the last time: until then every single duration is kept, whether or not somebody
/// ever reads the numbers.
pub(crate) fn sum_up() {
    if let Some(recorder) = RECORDER.get() {
        recorder.run_upkeep();
    }
}

/// `/metrics/prometheus`, for administrators.
#[must_use]
pub(crate) fn routes() -> Routes {
    Routes::new(Listener::Admin, "metrics").get("/metrics/prometheus", None, prometheus)
}

async fn prometheus(database: web::Data<Database>) -> Result<HttpResponse, ApiError> {
    let statements = database.statements();
    metrics::counter!("orrery_database_reads_total").absolute(statements.reads);
    metrics::counter!("orrery_database_writes_total").absolute(statements.writes);
    metrics::counter!("orrery_database_commits_total").absolute(statements.commits);
    let (sessions, clients) = (database.session_cache(), database.client_cache());
    metrics::counter!("orrery_session_cache_hits_total").absolute(sessions.hits);
    metrics::counter!("orrery_session_cache_misses_total").absolute(sessions.misses);
    metrics::counter!("orrery_client_cache_hits_total").absolute(clients.hits);
    metrics::counter!("orrery_client_cache_misses_total").absolute(clients.misses);
    let Some(recorder) = RECORDER.get() else { return Err(ApiError::not_found("Metrics are not collected here.")) };
    recorder.run_upkeep();
    let mut rendered = recorder.render();
    rendered.push_str(&under_known_names(&rendered));
    let mut response = HttpResponse::Ok().body(rendered);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    Ok(response)
}

/// Our names of what dashboards of Kratos and Hydra show, and theirs.
const KNOWN: [(&str, &str); 2] = [
    ("orrery_http_requests_total", "http_requests_total"),
    ("orrery_http_request_duration_seconds", "http_requests_duration_seconds"),
];

/// The same numbers as those dashboards look for them.
fn under_known_names(rendered: &str) -> String {
    let mut known = String::new();
    for line in rendered.lines() {
        let Some((ours, theirs)) = KNOWN.iter().find(|(ours, _)| line.contains(ours)) else { continue };
        let renamed = line.replacen(ours, theirs, 1).replace("status=\"", "code=\"").replace("route=\"", "endpoint=\"");
        known.push_str(&renamed);
        known.push('\n');
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashboards_find_what_they_know() {
        let rendered = "# TYPE orrery_http_requests_total counter\n\
            orrery_http_requests_total{listener=\"admin\",method=\"GET\",route=\"/admin/clients\",status=\"200\"} 7\n\
            # TYPE orrery_database_reads_total counter\norrery_database_reads_total 9\n\
            orrery_http_request_duration_seconds_bucket{route=\"/version\",le=\"0.001\"} 1\n";
        let known = "# TYPE http_requests_total counter\n\
            http_requests_total{listener=\"admin\",method=\"GET\",endpoint=\"/admin/clients\",code=\"200\"} 7\n\
            http_requests_duration_seconds_bucket{endpoint=\"/version\",le=\"0.001\"} 1\n";
        assert_eq!(under_known_names(rendered), known);
    }
}
