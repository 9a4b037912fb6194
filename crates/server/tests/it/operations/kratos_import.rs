//! `orrery import kratos`: people of a Kratos sign in here, as they did there.

use orrery_core::{Clock as _, SystemClock};
use orrery_testkit::{Backend, TestDatabase, TestOptions, TestServer, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::importing::{self, account};
use super::process::orrery;

on_both_databases!(
    people_of_a_kratos_sign_in_here,
    a_copy_can_be_repeated_and_brought_up_to_date,
    the_database_of_kratos_is_never_ours,
);

const POSTGRES: &str = include_str!("../../../../persistence/tests/kratos/postgres.sql");
const SQLITE: &str = include_str!("../../../../persistence/tests/kratos/sqlite.sql");
const ROWS: &str = include_str!("../../../../persistence/tests/kratos/rows.sql");

/// `provider-token` under AES-256-GCM with the second secret of `secrets.cipher` below.
const SEALED: &str = "0707070707070707070707079680d0bed7b14685f0fcc9e04aeffd29f3404b2ba876491c087ca453cace";
const KRATOS_CONFIG: &str = "secrets: {cipher: [32-another-secret-of-32-bytes!!!, 32-LONG-SECRET-NOT-SECURE-AT-ALL]}\n\
                             ciphers: {algorithm: aes}\n";
const ADA: &str = "00000001-0000-4000-a000-000000000001";
const GRACE: &str = "00000001-0000-4000-a000-000000000002";
const TOKEN: &str = "ory_st_abcdefghijklmnopqrstuvwxyz012345";
const PASSWORD: &str = "correct horse battery staple";

fn kratos(backend: Backend) -> TestDatabase {
    let database = TestDatabase::new(backend);
    let tables = if backend == Backend::Sqlite { SQLITE } else { POSTGRES };
    let now = SystemClock.now().to_string();
    let rows = ROWS.replace("@NOW@", now.trim_end_matches('Z')).replace("@TOKENS@", SEALED);
    let _: String = database.script(&format!("{tables}\n{rows}"));
    database
}

/// Runs the command: whether it succeeded, what it printed and what it said.
async fn import(server: &TestServer, from: &str, further: &[&str]) -> (bool, String, String) {
    std::fs::write(server.folder().join("kratos.yml"), KRATOS_CONFIG).expect("written");
    importing::run(server, "kratos", from, &["a secret of the tests, long enough"], further).await
}

async fn ask(server: &TestServer, method: Method, url: String, token: &str, body: Option<Value>) -> Value {
    let request = server.api().request(method, url).header("x-session-token", token);
    let request = match &body {
        Some(body) => request.json(body),
        None => request,
    };
    request.send().await.expect("an answer").json().await.expect("JSON")
}

/// Where a fresh login of an app is submitted.
async fn login(server: &TestServer) -> String {
    let flow = ask(server, Method::GET, server.public("/self-service/login/api"), "", None).await;
    server.public(&format!("/self-service/login?flow={}", flow["id"].as_str().expect("an id")))
}

async fn sign_in(server: &TestServer, identifier: &str) -> Value {
    let body = json!({"method": "password", "identifier": identifier, "password": PASSWORD});
    ask(server, Method::POST, login(server).await, "", Some(body)).await
}

async fn sign_in_with_code(server: &TestServer, identifier: &str) -> Value {
    let login = login(server).await;
    let mut body = json!({"method": "code", "identifier": identifier});
    ask(server, Method::POST, login.clone(), "", Some(body.clone())).await;
    body["code"] = json!(server.code_for(identifier).await);
    ask(server, Method::POST, login, "", Some(body)).await
}

async fn people_of_a_kratos_sign_in_here(backend: Backend) {
    let codes = json!({"identity": {"selfservice": {"methods": {"code": {"passwordless_enabled": true}}}}});
    let (server, from) = (TestServer::start(TestOptions::with(backend, codes)).await, kratos(backend));
    let further = ["--format", "json", "--kratos-config", "kratos.yml"];
    let (success, printed, said) = import(&server, from.url(), &further).await;
    assert!(!success, "three people cannot be copied: {printed}");
    let expected = [
        ("identities", [5, 2, 0, 3]),
        ("identity_credentials", [12, 8, 3, 1]),
        ("identity_credential_identifiers", [11, 9, 2, 0]),
        ("identity_verifiable_addresses", [3, 2, 0, 1]),
        ("identity_recovery_addresses", [1, 1, 0, 0]),
        ("sessions", [5, 2, 2, 1]),
        ("session_devices", [2, 1, 1, 0]),
        ("courier_messages", [7, 3, 3, 1]),
        ("courier_message_dispatches", [3, 2, 1, 0]),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(table, counts)| (table.to_owned(), counts)).collect();
    assert_eq!(account(&printed), expected, "{said}");
    for told in [
        "identities 00000001-0000-4000-a000-000000000003: the column traits cannot be understood",
        "no schema with the id \"unknown\" is configured here",
        "identities 00000001-0000-4000-a000-000000000005: somebody else here has the same credential identifier",
        "identity_credentials 00000003-0000-4000-a000-000000000009: the password hash is of no accepted format",
        "identity_verifiable_addresses 00000005-0000-4000-a000-000000000003: the column via cannot be understood",
        "sessions 00000007-0000-4000-a000-000000000005: the column token cannot be understood",
        "courier_messages 00000009-0000-4000-a000-000000000005: the column template_type cannot be understood",
        "1 tokens of providers that could not be opened",
        "1 accounts with an authenticator app, backup codes or a security key, which are kept and not asked for yet",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    assert!(!said.contains("kratos:") && !said.contains("ory_st_"), "no secret is told: {said}");

    // Ada is as she was.
    let every = "include_credential=password&include_credential=oidc&include_credential=totp\
                 &include_credential=lookup_secret&include_credential=webauthn&include_credential=passkey";
    let ada = server.admin(&format!("/admin/identities/{ADA}?{every}"));
    let ada = ask(&server, Method::GET, ada, "", None).await;
    for (member, value) in [
        ("external_id", json!("customer-17")),
        ("metadata_public", json!({"plan": "gold"})),
        ("metadata_admin", json!({"note": [1]})),
        ("organization_id", json!("00000000-0000-4000-b000-000000000001")),
        ("created_at", json!("2025-03-01T10:00:00.500Z")),
    ] {
        assert_eq!(ada[member], value, "{member}");
    }
    assert_eq!(ada["verifiable_addresses"][0]["verified_at"], "2025-03-02T00:00:00Z");
    let credentials = &ada["credentials"];
    let (github, google) =
        (&credentials["oidc"]["config"]["providers"][0], &credentials["oidc"]["config"]["providers"][1]);
    assert_eq!((&github["initial_id_token"], &google["initial_id_token"]), (&json!("provider-token"), &json!("")));
    assert_eq!(
        credentials["totp"]["config"]["totp_url"],
        "otpauth://totp/Kratos:ada?secret=JBSWY3DPEHPK3PXP&issuer=Kratos"
    );
    let codes = json!([{"code": "abcd1234", "used_at": null}, {"code": "efgh5678", "used_at": "2025-03-05T00:00:00Z"}]);
    assert_eq!(credentials["lookup_secret"]["config"]["recovery_codes"], codes);
    assert_eq!(credentials["webauthn"]["config"]["credentials"][0]["authenticator"]["sign_count"], 7);
    assert_eq!(credentials["passkey"]["identifiers"], json!(["handle"]));
    assert_eq!(credentials["code"]["identifiers"], json!(["ada@example.org"]));

    // Her app is still signed in.
    let whoami = async |token: &str| ask(&server, Method::GET, server.public("/sessions/whoami"), token, None).await;
    let session = ask(
        &server,
        Method::GET,
        server.admin("/admin/sessions/00000007-0000-4000-a000-000000000001?expand=devices"),
        "",
        None,
    )
    .await;
    assert_eq!((&session["active"], &session["devices"][0]["location"]), (&json!(true), &json!("Berlin, DE")));
    assert_eq!(whoami(TOKEN).await["identity"]["id"], ADA);
    assert_eq!(whoami("ory_st_revoked00000000000000000000000").await["error"]["code"], 401);
    assert!(!server.dump("sessions").contains("ory_st_"), "tokens are stored as hashes");

    // Everybody who was brought along signs in: Ada with her password, whatever second factors she has kept; Grace, who was
    // disabled there and whose password could not be read, with a code as soon as she is let in again.
    let everybody = ask(&server, Method::GET, server.admin("/admin/identities"), "", None).await;
    let everybody: Vec<_> = everybody.as_array().expect("a list").iter().map(|it| it["id"].clone()).collect();
    assert_eq!(everybody, [ADA, GRACE]);
    let ada = sign_in(&server, "Ada@Example.org").await;
    let token = ada["session_token"].as_str().expect("a token");
    assert_eq!(whoami(token).await["identity"]["id"], ADA, "{ada}");
    let grace = sign_in(&server, "grace@example.org").await;
    assert!(grace["session_token"].is_null(), "{grace}");
    let patch = json!([{"op": "replace", "path": "/state", "value": "active"}]);
    ask(&server, Method::PATCH, server.admin(&format!("/admin/identities/{GRACE}")), "", Some(patch)).await;
    let grace = sign_in_with_code(&server, "grace@example.org").await;
    let token = grace["session_token"].as_str().expect("a token");
    assert_eq!(whoami(token).await["identity"]["id"], GRACE, "{grace}");

    // The history of messages can be read; Grace's code is the newest.
    let messages = ask(&server, Method::GET, server.admin("/admin/courier/messages"), "", None).await;
    let messages = messages.as_array().expect("a list");
    assert_eq!(messages.len(), 4);
    assert!(
        messages.iter().any(|message| message["status"] == "abandoned" && message["body"] == "Your code is 123456")
    );
}

async fn a_copy_can_be_repeated_and_brought_up_to_date(backend: Backend) {
    let (server, from) = (TestServer::start(backend).await, kratos(backend));
    import(&server, from.url(), &[]).await;
    let (_, printed, _) = import(&server, from.url(), &["--format", "json"]).await;
    let again = account(&printed);
    assert!(again.iter().all(|(_, [_, copied, ..])| *copied == 0), "{again:?}");

    // Meanwhile somebody changes there, somebody else changes here, and a session is revoked there.
    let _: String = from.script(
        "UPDATE identities SET traits = '{\"email\": \"ada@example.org\", \"name\": \"Ada L.\"}', \
         updated_at = '2025-06-01 00:00:00' WHERE external_id = 'customer-17';\n\
         UPDATE identity_credentials SET config = '{\"hashed_password\": \"$unknown$x\"}', updated_at = '2025-06-01 00:00:00' \
         WHERE config LIKE '%$2a$04%' AND identity_id = '00000001-0000-4000-a000-000000000001';\n\
         UPDATE sessions SET active = false, updated_at = '2025-06-01 00:00:00' WHERE active;\n"
            .replace("config LIKE", if backend == Backend::Sqlite { "config LIKE" } else { "config::text LIKE" })
            .as_str(),
    );
    let grace = server.admin("/admin/identities/00000001-0000-4000-a000-000000000002");
    let patch = json!([{"op": "replace", "path": "/traits/name", "value": "Admiral"}]);
    assert_eq!(ask(&server, Method::PATCH, grace.clone(), "", Some(patch)).await["traits"]["name"], "Admiral");
    let (_, printed, said) = import(&server, from.url(), &["--format", "json"]).await;
    let rows: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(rows[0]["copied"], 1, "{printed} {said}");
    assert_eq!(rows[0]["reasons"]["changed here since it was copied"], 1, "{printed}");
    let name = |identity: Value| identity["traits"]["name"].clone();
    assert_eq!(name(ask(&server, Method::GET, grace, "", None).await), "Admiral");
    let ada = ask(&server, Method::GET, server.admin(&format!("/admin/identities/{ADA}")), "", None).await;
    assert_eq!(name(ada), "Ada L.");
    let whoami = ask(&server, Method::GET, server.public("/sessions/whoami"), TOKEN, None).await;
    assert_eq!(whoami["error"]["code"], 401, "revoked there is revoked here");

    let (_, printed, _) = import(&server, from.url(), &[]).await;
    let header = printed.lines().next().unwrap_or_default();
    assert!(header.starts_with("TABLE") && header.ends_with("FAILED"), "{printed}");
    assert!(printed.contains("skipped 1 of sessions: its identity was not copied"), "{printed}");
}

async fn the_database_of_kratos_is_never_ours(backend: Backend) {
    let from = kratos(backend);
    let folder = tempfile::tempdir().expect("a folder");
    let config =
        json!({"database": {"url": from.url()}, "secrets": {"default": ["a secret of the tests, long enough"]}});
    std::fs::write(folder.path().join("orrery.json"), config.to_string()).expect("written");
    for arguments in [
        &["migrate", "up", "--dev", "--config", "orrery.json"][..],
        &["serve", "all", "--dev", "--config", "orrery.json", "--migrate"],
    ] {
        let mut command = orrery(folder.path(), arguments);
        command.env("ORRERY__SERVE__PUBLIC__PORT", "0").env("ORRERY__SERVE__ADMIN__PORT", "0");
        let output = command.output().await.expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && said.contains("orrery import kratos"), "{arguments:?}: {said}");
    }
    let mut same = orrery(folder.path(), &["import", "kratos", "--dev", "--config", "orrery.json"]);
    let said = same.env("ORRERY_KRATOS_DSN", from.url()).output().await.expect("it runs").stderr;
    assert!(String::from_utf8_lossy(&said).contains("name the same database"), "{}", String::from_utf8_lossy(&said));
    let nowhere = orrery(folder.path(), &["import", "kratos", "--dev", "--from", "sqlite:///nowhere/db.sqlite"]);
    let said = { nowhere }.output().await.expect("it runs").stderr;
    assert!(String::from_utf8_lossy(&said).contains("--from"), "{}", String::from_utf8_lossy(&said));
}
