//! The database connection is cut in the middle of a request, on every surface: the answer is 503, nothing is half
//! written, and the next request is served without anybody's help.

use orrery_testkit::psql::{Hold, Psql};
use orrery_testkit::{Backend, Call, TestOptions, TestServer};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Answer, PASSWORD, send};

/// Sends a request that gets stuck at `table`, and cuts its connection there.
pub(crate) async fn cut(psql: &mut Psql, table: &str, hold: Hold, request: Call) -> Answer {
    psql.hold(table, hold);
    let stuck = tokio::spawn(send(request));
    while !stuck.is_finished() {
        psql.end_waiting();
        tokio::task::yield_now().await;
    }
    psql.release();
    let answer = stuck.await.expect("no panic");
    assert_eq!(answer.status, 503, "{table}: {}", answer.body);
    assert!(answer.header("retry-after").is_some(), "{table}");
    let text = answer.body.to_string();
    assert!(!text.contains("postgres") && !text.contains(table), "nothing internal: {text}");
    answer
}

/// A server on PostgreSQL, and an operator beside it.
pub(crate) struct Scene {
    server: TestServer,
    psql: Psql,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        // Messages stay where they are: whoever delivers them would wait for held tables, too.
        let quiet = json!({"identity": {"courier": {"worker": {"pull_wait": "1h"}}}});
        let server = TestServer::start(TestOptions::with(Backend::Postgres, quiet)).await;
        let psql = server.psql();
        Self { server, psql }
    }

    fn public(&self, method: Method, path: &str) -> Call {
        self.server.api().request(method, self.server.public(path))
    }

    pub(crate) fn admin(&self, method: Method, path: &str) -> Call {
        self.server.api().request(method, self.server.admin(path))
    }

    /// See [`cut`].
    pub(crate) async fn cut(&mut self, table: &str, hold: Hold, request: Call) -> Answer {
        cut(&mut self.psql, table, hold, request).await
    }

    pub(crate) fn nothing_in(&mut self, tables: &[&str]) {
        for table in tables {
            assert_eq!(self.psql.rows(table), 0, "{table}");
        }
    }

    async fn flow(&self, kind: &str) -> String {
        let begun = send(self.public(Method::GET, &format!("/self-service/{kind}/api"))).await.expect(200);
        format!("/self-service/{kind}?flow={}", begun.id())
    }

    fn submit(&self, flow: &str, body: &Value) -> Call {
        self.public(Method::POST, flow).json(body)
    }

    async fn person(&self) -> String {
        let body = json!({"schema_id": "default", "traits": {"email": "ada@example.org"},
            "credentials": {"password": {"config": {"password": PASSWORD}}}});
        send(self.admin(Method::POST, "/admin/identities").json(&body)).await.expect(201).id().to_owned()
    }
}

fn sign_in() -> Value {
    json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD})
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_lost_in_a_login_leaves_the_flow_open_and_counts_no_guess() {
    let mut scene = Scene::new().await;
    scene.person().await;
    let flow = scene.flow("login").await;
    for (table, hold) in
        [("flows", Hold::Everything), ("credential_identifiers", Hold::Everything), ("sessions", Hold::Writes)]
    {
        let request = scene.submit(&flow, &sign_in());
        scene.cut(table, hold, request).await;
        scene.nothing_in(&["sessions", "attempt_counters"]);
    }
    let wrong = scene.submit(&flow, &json!({"method": "password", "identifier": "ada@example.org", "password": "x"}));
    scene.cut("attempt_counters", Hold::Writes, wrong).await;
    scene.nothing_in(&["attempt_counters"]);
    let answer = send(scene.submit(&flow, &sign_in())).await.expect(200);
    assert!(answer.body["session_token"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_lost_in_a_registration_creates_nobody_or_everything() {
    let mut scene = Scene::new().await;
    let begun = Hold::Writes;
    let request = scene.public(Method::GET, "/self-service/registration/api");
    scene.cut("flows", begun, request).await;
    scene.nothing_in(&["flows"]);
    let flow = scene.flow("registration").await;
    let body = json!({"method": "password", "password": PASSWORD, "traits": {"email": "ada@example.org"}});
    for table in ["identities", "identity_addresses", "sessions", "flow_codes", "messages"] {
        let request = scene.submit(&flow, &body);
        scene.cut(table, Hold::Writes, request).await;
        scene.nothing_in(&[
            "identities",
            "identity_credentials",
            "credential_identifiers",
            "identity_addresses",
            "sessions",
            "flow_codes",
            "messages",
        ]);
    }
    send(scene.submit(&flow, &body)).await.expect(200);
    assert_eq!((scene.psql.rows("identities"), scene.psql.rows("messages")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_lost_in_a_verification_sends_nothing_and_uses_no_code_up() {
    let mut scene = Scene::new().await;
    let ada = scene.person().await;
    let flow = scene.flow("verification").await;
    let ask = json!({"method": "code", "email": "ada@example.org"});
    for table in ["flow_codes", "messages"] {
        let request = scene.submit(&flow, &ask);
        scene.cut(table, Hold::Writes, request).await;
        scene.nothing_in(&["flow_codes", "messages"]);
    }
    send(scene.submit(&flow, &ask)).await.expect(200);
    let code = json!({"method": "code", "code": scene.server.code_for("ada@example.org").await});
    let request = scene.submit(&flow, &code);
    scene.cut("identities", Hold::Writes, request).await;
    assert_eq!(scene.psql.rows("flow_codes"), 1);
    send(scene.submit(&flow, &code)).await.expect(200);
    let read = send(scene.admin(Method::GET, &format!("/admin/identities/{ada}"))).await.expect(200);
    assert_eq!(read.body["verifiable_addresses"][0]["verified"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_lost_while_a_session_is_looked_up_signs_nobody_out() {
    let mut scene = Scene::new().await;
    scene.person().await;
    let flow = scene.flow("login").await;
    let signed_in = send(scene.submit(&flow, &sign_in())).await.expect(200);
    let token = signed_in.body["session_token"].as_str().expect("a token").to_owned();
    let id = signed_in.body["session"]["id"].as_str().expect("an id").to_owned();
    let whoami = scene.public(Method::GET, "/sessions/whoami").header("x-session-token", &token);
    scene.cut("sessions", Hold::Everything, whoami).await;
    let logout = json!({"session_token": token});
    let request = scene.public(Method::DELETE, "/self-service/logout/api").json(&logout);
    scene.cut("sessions", Hold::Writes, request).await;
    let request = scene.admin(Method::DELETE, &format!("/admin/sessions/{id}"));
    scene.cut("sessions", Hold::Writes, request).await;
    let request = scene.admin(Method::GET, "/admin/sessions");
    scene.cut("sessions", Hold::Everything, request).await;
    send(scene.public(Method::GET, "/sessions/whoami").header("x-session-token", &token)).await.expect(200);
    send(scene.admin(Method::DELETE, &format!("/admin/sessions/{id}"))).await.expect(204);
    send(scene.public(Method::GET, "/sessions/whoami").header("x-session-token", &token)).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_lost_in_the_admin_api_changes_an_identity_wholly_or_not_at_all() {
    let mut scene = Scene::new().await;
    let body = json!({"schema_id": "default", "traits": {"email": "ada@example.org"},
        "credentials": {"password": {"config": {"password": PASSWORD}}}});
    for table in ["identities", "credential_identifiers", "identity_addresses"] {
        let request = scene.admin(Method::POST, "/admin/identities").json(&body);
        scene.cut(table, Hold::Writes, request).await;
        scene.nothing_in(&["identities", "identity_credentials", "credential_identifiers", "identity_addresses"]);
    }
    let ada = scene.person().await;
    let path = format!("/admin/identities/{ada}");
    let changed = json!({"schema_id": "default", "state": "active", "traits": {"email": "lovelace@example.org"}});
    let request = scene.admin(Method::PUT, &path).json(&changed);
    scene.cut("identity_addresses", Hold::Writes, request).await;
    let request = scene.admin(Method::GET, &path);
    scene.cut("identities", Hold::Everything, request).await;
    let request = scene.admin(Method::DELETE, &path);
    scene.cut("identities", Hold::Writes, request).await;
    let read = send(scene.admin(Method::GET, &path)).await.expect(200);
    assert_eq!(read.body["traits"]["email"], "ada@example.org");
    send(scene.admin(Method::PUT, &path).json(&changed)).await.expect(200);
    send(scene.admin(Method::DELETE, &path)).await.expect(204);
    scene.nothing_in(&["identities", "identity_addresses", "credential_identifiers"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_lost_in_the_key_store_is_told_in_its_own_form() {
    let mut scene = Scene::new().await;
    let body = json!({"alg": "ES256", "use": "sig", "kid": "one"});
    let request = scene.admin(Method::POST, "/admin/keys/mine").json(&body);
    let answer = scene.cut("keys", Hold::Writes, request).await;
    assert_eq!(answer.body["error"], "temporarily_unavailable");
    send(scene.admin(Method::GET, "/admin/keys/mine")).await.expect(404);
    send(scene.admin(Method::POST, "/admin/keys/mine").json(&body)).await.expect(201);
    let request = scene.admin(Method::GET, "/admin/keys/mine");
    scene.cut("keys", Hold::Everything, request).await;
    let request = scene.admin(Method::DELETE, "/admin/keys/mine");
    scene.cut("keys", Hold::Writes, request).await;
    send(scene.admin(Method::GET, "/admin/keys/mine")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_lost_in_the_courier_loses_no_message() {
    let mut scene = Scene::new().await;
    scene.person().await;
    let flow = scene.flow("verification").await;
    send(scene.submit(&flow, &json!({"method": "code", "email": "ada@example.org"}))).await.expect(200);
    let request = scene.admin(Method::GET, "/admin/courier/messages");
    scene.cut("messages", Hold::Everything, request).await;
    let listed = send(scene.admin(Method::GET, "/admin/courier/messages")).await.expect(200);
    assert_eq!(listed.body.as_array().map(Vec::len), Some(1));
}
