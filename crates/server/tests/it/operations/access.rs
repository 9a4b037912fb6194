//! The admin listener's door.

use orrery_testkit::{Backend, TestOptions, TestServer};
use serde_json::json;

const TOKEN: &str = "a token of at least thirty-two characters";

#[tokio::test]
async fn a_configured_token_is_asked_for_everywhere_but_at_health() {
    let options = TestOptions::with(Backend::Sqlite, json!({ "admin": { "tokens": [TOKEN] } }));
    let server = TestServer::start(options).await;
    let client = reqwest::Client::new();
    for path in ["/admin/identities", "/identities", "/version", "/metrics/prometheus", "/admin/keys/x", "/nothing"] {
        let answer = client.get(server.admin(path)).send().await.expect("an answer");
        assert_eq!(answer.status(), 401, "{path}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{path}");
        let wrong = client.get(server.admin(path)).bearer_auth("x").send().await.expect("an answer");
        assert_eq!(wrong.status(), 401, "{path}");
    }
    // Refused in front of every surface, and yet in the form that its clients read.
    server.api().get(server.admin("/admin/keys/x")).send().await.expect("an answer of the contract's form");
    let answer = client.get(server.admin("/admin/identities")).bearer_auth(TOKEN).send().await;
    assert_eq!(answer.expect("an answer").status(), 200);
    for path in ["/health/ready", "/admin/health/ready"] {
        let ready = client.get(server.admin(path)).send().await.expect("an answer");
        assert_eq!(ready.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn the_health_exception_cannot_be_stretched() {
    let options = TestOptions::with(Backend::Sqlite, json!({ "admin": { "tokens": [TOKEN] } }));
    let server = TestServer::start(options).await;
    for path in ["/health/%2e%2e/admin/identities", "/health//../admin/identities", "//admin/identities"] {
        // Sent as it stands: a client library would tidy the path up first.
        let status = raw_get(&server.admin(""), path).await;
        assert!(status == 401 || status == 404, "{path}: {status}");
    }
}

#[tokio::test]
async fn names_pointed_at_this_machine_and_web_pages_are_refused() {
    let server = TestServer::start(Backend::Sqlite).await;
    let get = || server.api().get(server.admin("/admin/identities"));
    assert_eq!(get().send().await.expect("an answer").status(), 200);
    assert_eq!(get().header("host", "evil.example").send().await.expect("an answer").status(), 403);
    assert_eq!(get().header("origin", "https://evil.example").send().await.expect("an answer").status(), 403);
    // No body that a page can send without being asked first gets through either, whatever it is read as.
    let clients = server.admin("/admin/clients");
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
        {
            let post = server.api().post(&clients).header("content-type", media_type).header(name, value).body("{}");
            assert_eq!(post.send().await.expect("an answer").status(), 403, "{media_type} {name}: {value}");
        }
        let post = server.api().post(&clients).header("content-type", media_type).body("{}");
        assert_eq!(post.send().await.expect("an answer").status(), 201, "{media_type}");
    }
    // The public listener is meant for pages.
    let public = server.api().get(server.public("/schemas")).header("origin", "https://evil.example");
    assert_eq!(public.send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn the_development_inbox_is_not_read_by_pages_of_other_sites() {
    let server = TestServer::start(Backend::Sqlite).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    for path in ["/inbox/messages", "/ui/inbox", "/%69nbox/messages", "/ui/%69nbox"] {
        let status = async |header: Option<(&'static str, &'static str)>| {
            let request = client.get(server.public(path));
            let request = header.into_iter().fold(request, |request, (name, value)| request.header(name, value));
            request.send().await.expect("an answer").status().as_u16()
        };
        let open = status(None).await;
        assert!(open == 200 || (path.contains('%') && open == 404), "{path}: {open}");
        for header in [("host", "evil.example"), ("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
            let refused = status(Some(header)).await;
            assert!(refused == 403 || (open == 404 && refused == 404), "{path} {header:?}: {refused}");
        }
    }
    // Other pages have no such secrets, and are asked for by any name.
    let other = client.get(server.public("/health/alive")).header("host", "orrery.internal");
    assert_eq!(other.send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn admin_routes_do_not_exist_on_the_public_listener() {
    let server = TestServer::start(Backend::Sqlite).await;
    // What is no route has no surface's error shape.
    let client = reqwest::Client::new();
    for path in ["/admin/identities", "/identities", "/admin/courier/messages", "/admin/keys/x", "/admin/sessions"] {
        let answer = client.get(server.public(path)).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/json", "{path}");
    }
    let other = client.get(server.admin("/self-service/login/api")).send().await.expect("an answer");
    assert_eq!(other.status(), 404);
}

/// The status of a GET whose path is sent as it stands.
async fn raw_get(base: &str, path: &str) -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = base.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}
