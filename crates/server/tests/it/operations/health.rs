//! `/health`, `/version`, `/metrics`.

use orrery_testkit::{Backend, TestServer, on_both_databases};
use serde_json::{Value, json};

on_both_databases!(a_fresh_server_is_alive_and_ready, a_server_on_a_foreign_schema_is_not_ready);

async fn a_fresh_server_is_alive_and_ready(backend: Backend) {
    let server = TestServer::start(backend).await;
    for address in [server.public("/health/alive"), server.public("/health/ready"), server.admin("/health/ready")] {
        let answer = server.api().get(&address).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{address}");
        assert_eq!(answer.json::<Value>().await.expect("JSON"), json!({"status": "ok"}));
        let head = server.api().request(reqwest::Method::HEAD, &address).send().await.expect("an answer");
        assert_eq!(head.status(), 200, "{address}");
    }
}

async fn a_server_on_a_foreign_schema_is_not_ready(backend: Backend) {
    let server = TestServer::start(backend).await;
    server.database().migrate_down(1).await.expect("taken back");
    let answer = server.api().get(server.public("/health/ready")).send().await.expect("an answer");
    assert_eq!(answer.status(), 503);
    let body: Value = answer.json().await.expect("JSON");
    assert!(body["errors"]["database"].as_str().is_some_and(|why| why.contains("orrery migrate up")), "{body}");
    let alive = server.api().get(server.public("/health/alive")).send().await.expect("an answer");
    assert_eq!(alive.status(), 200);
    server.database().migrate_up().await.expect("applied");
    let answer = server.api().get(server.public("/health/ready")).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn metrics_name_routes_and_never_what_callers_sent() {
    let server = TestServer::start(Backend::Sqlite).await;
    let flow = "11111111-2222-4333-8444-555555555555";
    let path = format!("/self-service/login/flows?id={flow}&secret=s3cr3t");
    for address in [server.public(&path), server.public("/no/such/s3cr3t"), server.admin("/admin/identities/s3cr3t")] {
        server.api().get(&address).send().await.expect("an answer");
    }
    let odd = reqwest::Method::from_bytes(b"S3CR3T").expect("a method");
    server.api().request(odd, server.public("/")).send().await.expect("an answer");
    let metrics = server.api().get(server.admin("/metrics/prometheus")).send().await.expect("an answer");
    assert_eq!(metrics.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = metrics.text().await.expect("text");
    assert!(text.contains(r#"route="/self-service/login/flows""#) && text.contains(r#"route="unmatched""#), "{text}");
    assert!(text.contains("orrery_http_request_duration_seconds_bucket") && text.contains("orrery_build_info"));
    assert!(!text.to_lowercase().contains("s3cr3t") && !text.contains(flow), "{text}");
}

#[tokio::test]
async fn version_and_metrics_are_for_administrators() {
    let server = TestServer::start(Backend::Sqlite).await;
    for path in ["/version", "/metrics/prometheus"] {
        let status = |address: String| async { server.api().get(address).send().await.expect("an answer").status() };
        assert_eq!(status(server.admin(path)).await, 200, "{path}");
        assert_eq!(status(server.public(path)).await, 404, "{path}");
    }
}

/// Clients of either contract write the admin paths with and without `/admin`, and some end them with a slash.
#[tokio::test]
async fn a_path_has_several_spellings_for_administrators() {
    let server = TestServer::start(Backend::Sqlite).await;
    let status = |address: String| async { server.api().get(address).send().await.expect("an answer").status() };
    for path in ["/health/alive", "/health/ready", "/version", "/metrics/prometheus", "/clients", "/keys/none/"] {
        let expected = if path.starts_with("/keys") { 404 } else { 200 };
        for spelling in [path.to_owned(), format!("/admin{path}"), format!("{path}/"), format!("/admin{path}/")] {
            assert_eq!(status(server.admin(&spelling)).await, expected, "{spelling}");
        }
    }
    assert_eq!(status(server.public("/.well-known/openid-configuration/")).await, 200);
    for path in ["/admin/version", "/admin/health/alive", "/admin/clients/"] {
        assert_eq!(status(server.public(path)).await, 404, "{path}");
    }
    let metrics = server.api().get(server.admin("/metrics/prometheus")).send().await.expect("an answer");
    let text = metrics.text().await.expect("text");
    assert!(text.contains("\nhttp_requests_total{") && text.contains("endpoint=\"/version\""), "{text}");
}
