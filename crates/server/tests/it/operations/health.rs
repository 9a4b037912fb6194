//! `/health`, `/version`, `/metrics`.

use orrery_testkit::{Backend, TestServer, on_both_databases};
use serde_json::{Value, json};

on_both_databases!(a_fresh_server_is_alive_and_ready);

async fn a_fresh_server_is_alive_and_ready(backend: Backend) {
    let server = TestServer::start(backend).await;
    for address in [server.public("/health/alive"), server.public("/health/ready"), server.admin("/health/ready")] {
        let answer = server.api().get(&address).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{address}");
        assert_eq!(answer.json::<Value>().await.expect("JSON"), json!({"status": "ok"}));
    }
}
