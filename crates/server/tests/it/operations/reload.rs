//! A changed configuration in a running server.

use orrery_testkit::{Backend, TestOptions, TestServer};
use serde_json::{Value, json};

async fn registration(server: &TestServer) -> u16 {
    server.api().get(server.public("/self-service/registration/api")).send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn what_concerns_flows_changes_at_once() {
    let server = TestServer::start(Backend::Sqlite).await;
    assert_eq!(registration(&server).await, 200);
    let closed = json!({ "identity": { "selfservice": { "flows": { "registration": { "enabled": false } } } } });
    server.reload(closed).await.expect("reloaded");
    assert_eq!(registration(&server).await, 400);
    server.reload(json!({})).await.expect("reloaded");
    assert_eq!(registration(&server).await, 200);
}

#[tokio::test]
async fn an_invalid_configuration_changes_nothing() {
    let server = TestServer::start(Backend::Sqlite).await;
    for broken in [
        json!({ "identity": { "selfservice": { "flows": { "registration": { "enabled": "no" } } } } }),
        json!({ "identity": {
            "selfservice": { "flows": { "registration": { "enabled": false } } },
            "schemas": [{ "id": "default", "url": "file:///nowhere.json" }],
        } }),
        json!({ "identity": {
            "selfservice": { "flows": { "registration": { "enabled": false } } },
            "schemas": [{ "id": "default", "url": "base64://e30=" }],
        } }),
    ] {
        assert!(server.reload(broken.clone()).await.is_err(), "{broken}");
        assert_eq!(registration(&server).await, 200);
    }
}

#[tokio::test]
async fn tokens_and_schemas_can_be_replaced() {
    let first = "the first token of thirty-two characters";
    let second = "the second token of thirty-two characters";
    let tokens = |token: &str| json!({ "admin": { "tokens": [token] } });
    let server = TestServer::start(TestOptions::with(Backend::Sqlite, tokens(first))).await;
    let status = |token: &'static str| {
        let request = server.api().get(server.admin("/version")).bearer_auth(token);
        async move { request.send().await.expect("an answer").status().as_u16() }
    };
    assert_eq!((status(first).await, status(second).await), (200, 401));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("person.json");
    let schema = json!({ "type": "object", "properties": { "traits": {
        "type": "object", "properties": { "nickname": { "type": "string" } } } } });
    std::fs::write(&file, schema.to_string()).expect("written");
    let mut config = tokens(second);
    config["identity"] = json!({ "schemas": [{ "id": "default", "url": format!("file://{}", file.display()) }] });
    server.reload(config).await.expect("reloaded");
    assert_eq!((status(first).await, status(second).await), (401, 200));
    let answer = server.api().get(server.public("/schemas/default")).send().await.expect("an answer");
    let shown: Value = answer.json().await.expect("JSON");
    assert!(shown["properties"]["traits"]["properties"]["nickname"].is_object(), "{shown}");
}
