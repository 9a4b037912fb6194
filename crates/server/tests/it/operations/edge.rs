//! What every request meets: id, headers, limits, CORS.

use orrery_testkit::{Backend, TestOptions, TestServer};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn every_answer_carries_a_request_id_and_errors_repeat_it() {
    let server = TestServer::start(Backend::Sqlite).await;
    let given = server.api().get(server.public("/nothing")).header("x-request-id", "mine-1").send().await;
    let given = given.expect("an answer");
    assert_eq!(given.headers()["x-request-id"], "mine-1");
    assert_eq!(given.json::<Value>().await.expect("JSON")["error"]["request"], "mine-1");
    let made =
        server.api().get(server.public("/health/alive")).header("x-request-id", "no spaces\tplease").send().await;
    assert_eq!(made.expect("an answer").headers()["x-request-id"].len(), 36);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let options = TestOptions::with(Backend::Sqlite, json!({ "serve": { "max_body": "4KB" } }));
    let server = TestServer::start(options).await;
    let post = |size: usize| {
        let body = json!({ "schema_id": "default", "traits": { "name": "x".repeat(size) } });
        server.api().post(server.admin("/admin/identities")).json(&body).send()
    };
    assert_eq!(post(5000).await.expect("an answer").status(), 413);
    assert_eq!(post(10).await.expect("an answer").status(), 400, "small enough to be judged by the schema");
}

#[tokio::test]
async fn a_script_of_an_allowed_origin_can_read_errors() {
    let origin = "https://app.example";
    let options = TestOptions::with(
        Backend::Sqlite,
        json!({ "serve": { "public": { "cors": { "enabled": true, "allowed_origins": [origin] } } } }),
    );
    let server = TestServer::start(options).await;
    let answer = server.api().get(server.public("/sessions/whoami")).header("origin", origin).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()["access-control-allow-origin"], origin);
    assert_eq!(answer.headers()["access-control-allow-credentials"], "true");
}

#[tokio::test]
async fn cross_origin_requests_follow_the_configuration() {
    let options = TestOptions::with(
        Backend::Sqlite,
        json!({ "serve": { "public": { "cors": {
            "enabled": true,
            "allowed_origins": ["https://app.example", "https://*.partner.example"],
        } } } }),
    );
    let server = TestServer::start(options).await;
    let allowed = |origin: &'static str| {
        let request = server.api().request(Method::OPTIONS, server.public("/sessions/whoami"));
        let request = request.header("origin", origin).header("access-control-request-method", "GET");
        let request = request.header("access-control-request-headers", "x-session-token");
        async move {
            let answer = request.send().await.expect("an answer");
            let value = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            (value("access-control-allow-origin"), value("access-control-allow-credentials"))
        }
    };
    for origin in ["https://app.example", "https://a.partner.example"] {
        assert_eq!(allowed(origin).await, (Some(origin.to_owned()), Some("true".to_owned())));
    }
    for origin in [
        "https://evil.example",
        "http://app.example",
        "https://app.example.evil.example",
        "https://partner.example",
        "https://b.a.partner.example",
        "https://evilpartner.example",
        "https://.partner.example.evil.example",
        "null",
    ] {
        assert_eq!(allowed(origin).await.0, None, "{origin}");
    }
    let preflight = server.api().request(Method::OPTIONS, server.admin("/admin/identities"));
    let preflight = preflight.header("origin", "https://app.example").header("access-control-request-method", "GET");
    let answer = preflight.send().await.expect("an answer");
    assert_eq!(answer.headers().get("access-control-allow-origin"), None, "the admin listener has no CORS");
}

/// RFC 9700 section 2.6: a script has nothing to ask the authorization endpoint.
#[tokio::test]
async fn where_only_browsers_go_no_script_reads() {
    let cors = json!({ "enabled": true, "allowed_origins": ["https://app.example"] });
    let options = TestOptions::with(Backend::Sqlite, json!({ "serve": { "public": { "cors": cors } } }));
    let server = TestServer::start(options).await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    for path in ["/oauth2/auth?client_id=x", "/oauth2/sessions/logout", "/oauth2/device/verify", "/ui/login", "/ui"] {
        for method in [Method::GET, Method::OPTIONS] {
            let request = client.request(method.clone(), server.public(path)).header("origin", "https://app.example");
            let answer = request.header("access-control-request-method", "GET").send().await.expect("an answer");
            let told = answer.headers().keys().any(|name| name.as_str().starts_with("access-control-"));
            assert!(!told, "{method} {path}: {:?}", answer.headers());
        }
    }
}

#[tokio::test]
async fn without_rules_a_preflight_is_answered_and_allows_nothing() {
    let server = TestServer::start(Backend::Sqlite).await;
    let client = reqwest::Client::new();
    for path in ["/oauth2/token", "/userinfo", "/.well-known/openid-configuration"] {
        let request = client.request(Method::OPTIONS, server.public(path)).header("origin", "https://app.example");
        let answer = request.header("access-control-request-method", "POST").send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers().get("access-control-allow-origin"), None, "{path}");
    }
}

#[tokio::test]
async fn every_origin_never_means_every_cookie() {
    let options = TestOptions::with(Backend::Sqlite, json!({ "serve": { "public": { "cors": { "enabled": true } } } }));
    let server = TestServer::start(options).await;
    let request = server.api().get(server.public("/schemas")).header("origin", "https://evil.example");
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert_eq!(answer.headers().get("access-control-allow-credentials"), None);
}

#[tokio::test]
async fn only_trusted_proxies_say_who_the_client_is() {
    // Two submits a minute for each client: whoever could choose its address would have as many as it likes.
    let limits = |trusted: Value| {
        let config = json!({ "limits": { "flows_per_minute": 2 }, "serve": { "trusted_proxies": trusted } });
        TestServer::start(TestOptions::with(Backend::Sqlite, config))
    };
    for (trusted, refused) in [(json!([]), true), (json!(["127.0.0.0/8"]), false)] {
        let server = limits(trusted.clone()).await;
        let mut statuses = Vec::new();
        for client in 1..=20 {
            let request = server.api().get(server.public("/self-service/login/api"));
            let answer = request.header("x-forwarded-for", format!("198.51.100.{client}")).send().await;
            statuses.push(answer.expect("an answer").status().as_u16());
        }
        assert_eq!(statuses.contains(&429), refused, "{trusted}: {statuses:?}");
    }
}
