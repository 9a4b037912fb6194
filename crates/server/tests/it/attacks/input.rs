//! Input that was made to break something.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orrery_testkit::{Backend, TestOptions, TestServer, on_both_databases};
use serde_json::{Value, json};

use super::{PASSWORD, begin, credentials, register, submit};

on_both_databases!(
    a_nul_never_reaches_the_database,
    a_flow_does_not_remember_megabytes,
    a_name_that_no_index_holds_is_refused,
    lists_without_bounds_do_not_become_thousands_of_rows,
    templates_in_traits_stay_text,
);

/// PostgreSQL refuses U+0000 in every text, which would look like an outage.
async fn a_nul_never_reaches_the_database(backend: Backend) {
    let server = TestServer::start(backend).await;
    let registration = begin(&server, "registration").await;
    for traits in [json!({"email": "a\0@example.org"}), json!({"email": "a@example.org", "name": "A\0"})] {
        let fields = json!({"method": "password", "password": PASSWORD, "traits": traits});
        assert_eq!(submit(&server, &registration, &fields).await.status(), 400, "{traits}");
    }
    let payload = json!({"method": "password", "transient_payload": {"\0": "\0"}});
    assert_eq!(submit(&server, &registration, &payload).await.status(), 400);
    let login = begin(&server, "login").await;
    assert_eq!(submit(&server, &login, &credentials("ada\0@example.org", "x")).await.status(), 400);
    let action = login["ui"]["action"].as_str().expect("an action");
    let form = [("method", "password"), ("identifier", "ada\0"), ("password", "x")];
    assert_eq!(server.browser().post(action, &form).await.status(), 400);

    for path in [
        "/admin/identities?credentials_identifier=%00",
        "/admin/identities/by/external/%00",
        "/admin/courier/messages?recipient=%00",
    ] {
        assert_eq!(server.api().get(server.admin(path)).send().await.expect("an answer").status(), 400, "{path}");
    }
    for body in [
        json!({"schema_id": "default", "traits": {"email": "b@example.org"}, "metadata_public": {"a": "\0"}}),
        json!({"schema_id": "default", "traits": {"email": "b@example.org"}, "metadata_admin": "\0"}),
        json!({"schema_id": "default", "traits": {"email": "b@example.org", "name": "\0"}}),
    ] {
        let answer = server.api().post(server.admin("/admin/identities")).json(&body).send().await;
        assert_eq!(answer.expect("an answer").status(), 400, "{body}");
    }
}

async fn a_flow_does_not_remember_megabytes(backend: Backend) {
    let server = TestServer::start(backend).await;
    for kind in ["login", "registration", "verification"] {
        let payload = json!({"method": "password", "transient_payload": {"a": "x".repeat(1_000_000)}});
        assert_eq!(submit(&server, &begin(&server, kind).await, &payload).await.status(), 400, "{kind}");
        let init = server.public(&format!("/self-service/{kind}/api?x={}", "x".repeat(20_000)));
        assert_eq!(server.api().get(init).send().await.expect("an answer").status(), 414, "{kind}");
    }
}

/// A server whose people have any number of names of any length.
async fn with_names(backend: Backend) -> TestServer {
    let name = json!({"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}});
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"traits": {"type": "object", "properties": {"names": {"type": "array", "items": name}}}},
    });
    let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
    let config = json!({"identity": {"default_schema_id": "names", "schemas": [{"id": "names", "url": url}]}});
    TestServer::start(TestOptions::with(backend, config)).await
}

async fn register_names(server: &TestServer, names: &[String]) -> (u16, Value) {
    let fields = json!({"method": "password", "password": PASSWORD, "traits": {"names": names}});
    let answer = submit(server, &begin(server, "registration").await, &fields).await;
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn a_name_that_no_index_holds_is_refused(backend: Backend) {
    let server = with_names(backend).await;
    // No compression helps the index with this.
    let noise: String =
        (0..4_000_u32).map(|n| char::from(b'a' + (n.wrapping_mul(2_654_435_761) >> 24) as u8 % 26)).collect();
    let (status, body) = register_names(&server, std::slice::from_ref(&noise)).await;
    assert_eq!(status, 400, "{body}");
    assert!(
        body["ui"]["messages"].to_string().contains("4000017") || body["ui"]["nodes"].to_string().contains("4000017")
    );
    assert_eq!(register_names(&server, &[noise[..1_000].to_owned()]).await.0, 200);
}

async fn lists_without_bounds_do_not_become_thousands_of_rows(backend: Backend) {
    let server = with_names(backend).await;
    let names = |count: u32| (0..count).map(|n| format!("name-{n}")).collect::<Vec<_>>();
    assert_eq!(register_names(&server, &names(3_000)).await.0, 400);
    assert_eq!(register_names(&server, &names(100)).await.0, 200);
}

async fn templates_in_traits_stay_text(backend: Backend) {
    let server = TestServer::start(backend).await;
    let name = "{{ 7 * 191 }}{% for x in y %}<script>alert(1)</script>\r\nBcc: evil@example.org";
    let fields = json!({
        "method": "password",
        "password": PASSWORD,
        "traits": {"email": "ada@example.org", "name": name},
        "transient_payload": {"name": name},
    });
    let browser = server.browser();
    let answer = browser.script(reqwest::Method::GET, server.public("/self-service/registration/browser")).send().await;
    let flow: Value = answer.expect("an answer").json().await.expect("JSON");
    let mut fields = fields;
    fields["csrf_token"] = super::forgery::token(&flow).into();
    let action = flow["ui"]["action"].as_str().expect("an action");
    let answer = browser.script(reqwest::Method::POST, action).json(&fields).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let page = browser.follow(server.public("/ui/account")).await.text().await.expect("a page");
    assert!(page.contains("{{ 7 * 191 }}") && !page.contains("1337") && !page.contains("<script>alert"), "{page}");
    let inbox = server.inbox().await;
    assert_eq!(inbox.len(), 1);
    for part in ["subject", "text", "html"] {
        let part = inbox[0][part].as_str().expect("text");
        assert!(!part.contains("<script>alert") && !part.contains("evil@example.org"), "{part}");
    }
    assert_eq!(register(&server, "ada@example.org").await.status(), 400);
}
