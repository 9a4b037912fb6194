//! More of everything than one address should have.

use orrery_testkit::{Backend, TestOptions, TestServer, on_both_databases};
use serde_json::json;

on_both_databases!(
    too_many_flows_are_refused_without_a_row_each,
    made_up_logout_links_do_not_fill_the_storage,
    who_is_refused_reads_a_page_and_a_program_json,
);

const PER_MINUTE: usize = 5;

async fn bounded(backend: Backend) -> TestServer {
    TestServer::start(TestOptions::with(backend, json!({"limits": {"flows_per_minute": PER_MINUTE}}))).await
}

/// The statuses of so many navigations to one address.
async fn navigate(server: &TestServer, path: &str, times: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..times {
        let answer = server.browser().get(server.public(path)).await;
        if answer.status() == 429 {
            assert!(answer.headers().contains_key("retry-after"));
        }
        statuses.push(answer.status().as_u16());
    }
    statuses
}

async fn too_many_flows_are_refused_without_a_row_each(backend: Backend) {
    let server = bounded(backend).await;
    let statuses = navigate(&server, "/self-service/login/browser", 3 * PER_MINUTE).await;
    assert_eq!(statuses[..PER_MINUTE], [303; PER_MINUTE]);
    assert!(statuses[PER_MINUTE..].iter().all(|status| *status == 429), "{statuses:?}");
}

async fn made_up_logout_links_do_not_fill_the_storage(backend: Backend) {
    let server = bounded(backend).await;
    for path in ["/self-service/logout?token=made-up", "/self-service/logout/browser"] {
        let stored = navigate(&server, path, 3 * PER_MINUTE).await;
        let stored = stored.iter().filter(|status| **status == 303).count();
        assert!(stored <= PER_MINUTE, "{path} stored {stored} errors");
    }
}

async fn who_is_refused_reads_a_page_and_a_program_json(backend: Backend) {
    let server = bounded(backend).await;
    let begin = server.public("/self-service/login/browser");
    navigate(&server, "/self-service/login/browser", PER_MINUTE).await;
    for (address, status, says) in
        [(begin.as_str(), 429, "Try again in 1 min."), (&server.public("/nowhere"), 404, "nothing")]
    {
        let page = server.browser().get(address).await;
        let headers = page.headers().clone();
        assert_eq!(page.status(), status, "{address}");
        assert!(headers["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/html")), "{headers:?}");
        assert!(headers.contains_key("content-security-policy") && headers.contains_key("x-request-id"), "{headers:?}");
        let text = page.text().await.expect("text");
        assert!(text.contains(says) && text.contains("<h1"), "{text}");
        let json = server.api().request(reqwest::Method::GET, address).header("accept", "*/*");
        let json = json.send().await.expect("an answer");
        assert_eq!(json.status(), status, "{address}");
        let json: serde_json::Value = json.json().await.expect("JSON");
        assert_eq!(json["error"]["code"], status, "{json}");
    }
}
