//! `orrery import hydra`: applications of a Hydra go on working here.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orrery_testkit::{Backend, TestDatabase, TestOptions, TestServer, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::importing::{self, account};
use super::process::output;

on_both_databases!(
    applications_of_a_hydra_go_on_working,
    a_refresh_token_of_hydra_is_good_once,
    what_is_revoked_there_is_taken_back_here,
    a_copy_can_be_repeated,
    without_the_system_secret_nothing_sealed_is_copied,
    the_database_of_hydra_is_never_ours,
);

const POSTGRES: &str = include_str!("../../../../persistence/tests/hydra/postgres.sql");
const SQLITE: &str = include_str!("../../../../persistence/tests/hydra/sqlite.sql");
const ROWS: &str = include_str!("../../../../persistence/tests/hydra/rows.sql");

const SYSTEM: &str = "a system secret of Hydra, long enough";
const OURS: &str = "a secret of the tests, long enough";
const SECRET: &str = "an old secret";
const ROTATED: &str = "correct horse battery staple";
const TOKEN: &str = "ory_rt_CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk.zlMQ3hMVaa0GttvGlxy7wyakS7oqYRo6tI-fxZYsC9I";
const SIGNATURE: &str = "zlMQ3hMVaa0GttvGlxy7wyakS7oqYRo6tI-fxZYsC9I";

fn hydra(backend: Backend) -> TestDatabase {
    let database = TestDatabase::new(backend);
    let tables = if backend == Backend::Sqlite { SQLITE } else { POSTGRES };
    // Of the tokens in the file, the live one is this.
    let rows = ROWS.replace("K9TBpvkHc6TdpUlzau0JCVdrFXRs25Jg8hnIN-ttS_c", SIGNATURE);
    let _: String = database.script(&format!("{tables}\n{rows}"));
    database
}

/// A server that knows Hydra's secret.
async fn successor(backend: Backend) -> TestServer {
    TestServer::start(TestOptions::with(backend, json!({"secrets": {"default": [OURS, SYSTEM]}}))).await
}

async fn import(server: &TestServer, from: &TestDatabase, further: &[&str]) -> (bool, String, String) {
    let config = format!("dsn: memory\nsecrets: {{system: [another secret of theirs, '{SYSTEM}']}}\n");
    std::fs::write(server.folder().join("hydra.yml"), config).expect("written");
    let further = [&["--hydra-config", "hydra.yml"], further].concat();
    importing::run(server, "hydra", from.url(), &[OURS, SYSTEM, "another secret of theirs"], &further).await
}

/// What the token endpoint answers the shop.
async fn token(server: &TestServer, pairs: &[(&str, &str)]) -> Value {
    let basic = STANDARD.encode(format!("shop:{}", SECRET.replace(' ', "+")));
    let call = server.api().post(server.public("/oauth2/token")).header("authorization", format!("Basic {basic}"));
    call.form(pairs).send().await.expect("an answer").json().await.expect("JSON")
}

async fn refresh(server: &TestServer, token: &str) -> Value {
    self::token(server, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

async fn introspect(server: &TestServer, token: &str) -> Value {
    let call = server.api().post(server.admin("/admin/oauth2/introspect")).form(&[("token", token)]);
    call.send().await.expect("an answer").json().await.expect("JSON")
}

async fn read(server: &TestServer, url: String) -> Value {
    server.api().get(url).send().await.expect("an answer").json().await.expect("JSON")
}

/// The lines of a dump, which come in any order.
fn sorted(dump: &str) -> Vec<String> {
    let mut lines: Vec<_> = dump.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

fn text<'a>(answer: &'a Value, member: &str) -> &'a str {
    answer[member].as_str().unwrap_or_else(|| panic!("no {member}: {answer}"))
}

async fn applications_of_a_hydra_go_on_working(backend: Backend) {
    let (server, from) = (successor(backend).await, hydra(backend));
    let (success, printed, said) = import(&server, &from, &["--format", "json"]).await;
    assert!(!success, "some rows cannot be copied: {printed}");
    let expected = [
        ("hydra_client", [4, 3, 0, 1]),
        ("hydra_jwk", [3, 1, 1, 1]),
        ("hydra_oauth2_trusted_jwt_bearer_issuer", [3, 1, 1, 1]),
        ("hydra_oauth2_flow", [5, 2, 2, 1]),
        ("hydra_oauth2_refresh", [6, 1, 4, 1]),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(table, counts)| (table.to_owned(), counts)).collect();
    assert_eq!(account(&printed), expected, "{said}");
    for told in [
        "hydra_client broken: the column token_endpoint_auth_method cannot be understood",
        "hydra_jwk mine/broken-key: the column keydata cannot be understood",
        "hydra_oauth2_trusted_jwt_bearer_issuer 00000003-0000-4000-a000-000000000002: its key is not there",
        "hydra_oauth2_flow f5: the column consent_challenge_id cannot be understood",
        "hydra_oauth2_refresh of the request r5: the column session_data cannot be understood",
        "1 clients can no longer change their own registration",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    assert!(!said.contains("pbkdf2") && !said.contains("AAAA") && !said.contains(SYSTEM), "no secret is told: {said}");

    // Secrets work as before, and are hashed as ours from then on.
    assert!(server.dump("clients").contains("pbkdf2"));
    for _ in 0..2 {
        let answer = token(&server, &[("grant_type", "client_credentials"), ("scope", "read")]).await;
        assert!(text(&answer, "access_token").starts_with("ory_at_"), "{answer}");
        let form = [("grant_type", "client_credentials"), ("client_id", "robot"), ("client_secret", ROTATED)];
        let call = server.api().post(server.public("/oauth2/token")).form(&form);
        let answer: Value = call.send().await.expect("an answer").json().await.expect("JSON");
        text(&answer, "access_token");
    }
    let stored = server.dump("clients");
    assert!(!stored.contains("pbkdf2") && !stored.contains("$2a$") && stored.contains("argon2"), "{stored}");
    let shop = read(&server, server.admin("/admin/clients/shop")).await;
    for (member, value) in [
        ("client_name", json!("Shop")),
        ("scope", json!("openid offline read")),
        ("redirect_uris", json!(["https://shop.example/callback"])),
        ("metadata", json!({"team": "blue"})),
        ("created_at", json!("2025-03-01T10:00:00Z")),
        ("updated_at", json!("2025-04-01T10:00:00Z")),
        ("refresh_token_grant_refresh_token_lifespan", json!("1h")),
    ] {
        assert_eq!(shop[member], value, "{member}: {shop}");
    }

    let jwks = read(&server, server.public("/.well-known/jwks.json")).await;
    assert!(jwks["keys"].as_array().expect("keys").iter().any(|key| key["kid"] == "old-key"), "{jwks}");
    let issuers = read(&server, server.admin("/admin/trust/grants/jwt-bearer/issuers")).await;
    assert_eq!((issuers.as_array().map(Vec::len), &issuers[0]["scope"]), (Some(1), &json!(["read", "write"])));
    let consents = read(&server, server.admin("/admin/oauth2/auth/sessions/consent?subject=ada")).await;
    let consents = consents.as_array().expect("a list");
    let remembered: Vec<_> = consents.iter().filter(|consent| consent["remember"] == true).collect();
    assert_eq!((consents.len(), remembered.len()), (3, 2), "{consents:?}");
    assert_eq!(remembered[0]["grant_scope"], json!(["openid", "offline"]));
}

async fn a_refresh_token_of_hydra_is_good_once(backend: Backend) {
    let (server, from) = (successor(backend).await, hydra(backend));
    import(&server, &from, &[]).await;
    assert!(!server.dump("tokens").contains(SIGNATURE), "what is stored is no token");
    let found = introspect(&server, TOKEN).await;
    assert_eq!(
        (&found["active"], &found["token_use"], &found["sub"]),
        (&json!(true), &json!("refresh_token"), &json!("ada"))
    );

    // Who has seen Hydra's database has the signature, and nothing else.
    let forged = TOKEN.replace("CQkJ", "AAAA");
    assert_eq!(refresh(&server, &forged).await["error"], "invalid_grant");

    let first = refresh(&server, TOKEN).await;
    let (access, next) = (text(&first, "access_token"), text(&first, "refresh_token"));
    assert!(next.starts_with("ory_rt_") && next != TOKEN);
    text(&first, "id_token");
    let found = introspect(&server, access).await;
    assert_eq!((&found["sub"], &found["ext"]["tier"]), (&json!("ada"), &json!("gold")), "{found}");
    assert_eq!((&found["scope"], &found["aud"]), (&json!("openid offline"), &json!(["https://api.example"])));
    // Who lost the answer gets it again.
    assert_eq!(text(&refresh(&server, TOKEN).await, "refresh_token"), next);
    let second = refresh(&server, next).await;
    let last = text(&second, "refresh_token").to_owned();

    // A thief comes later: the family ends.
    server.advance(Duration::from_secs(60));
    assert_eq!(refresh(&server, TOKEN).await["error"], "invalid_grant");
    assert_eq!(refresh(&server, &last).await["error"], "invalid_grant");

    // And another copy brings nothing back.
    let (_, printed, _) = import(&server, &from, &["--format", "json"]).await;
    assert_eq!(account(&printed)[4].1, [6, 0, 5, 1], "{printed}");
    assert_eq!(refresh(&server, TOKEN).await["error"], "invalid_grant");
}

async fn what_is_revoked_there_is_taken_back_here(backend: Backend) {
    let (server, from) = (successor(backend).await, hydra(backend));
    import(&server, &from, &[]).await;
    let _: String = from.script(
        "UPDATE hydra_oauth2_refresh SET active = false WHERE request_id = 'r3'; \
         DELETE FROM hydra_oauth2_flow WHERE login_challenge = 'f2';",
    );
    let (_, _, said) = import(&server, &from, &[]).await;
    assert!(said.contains("2 grants that were copied before are gone there"), "{said}");
    assert_eq!(introspect(&server, TOKEN).await, json!({"active": false}));
    let consents = read(&server, server.admin("/admin/oauth2/auth/sessions/consent?subject=ada")).await;
    let handled: Vec<_> = consents.as_array().into_iter().flatten().map(|consent| &consent["handled_at"]).collect();
    assert_eq!(handled, ["2025-03-01T10:00:00Z"], "the other consent stays: {consents}");

    // What was used here belongs to here.
    let _: String = from.script("UPDATE hydra_oauth2_refresh SET active = true WHERE request_id = 'r3';");
    import(&server, &from, &[]).await;
    let next = refresh(&server, TOKEN).await;
    let _: String = from.script("DELETE FROM hydra_oauth2_refresh WHERE request_id = 'r3';");
    let (_, _, said) = import(&server, &from, &[]).await;
    assert!(!said.contains("gone there"), "{said}");
    text(&refresh(&server, text(&next, "refresh_token")).await, "access_token");
}

async fn a_copy_can_be_repeated(backend: Backend) {
    let (server, from) = (successor(backend).await, hydra(backend));
    let (_, printed, _) = import(&server, &from, &[]).await;
    let header = printed.lines().next().unwrap_or_default();
    assert!(header.starts_with("TABLE") && header.ends_with("FAILED"), "{printed}");
    assert!(printed.contains("skipped 1 of hydra_oauth2_refresh: its client was not copied"), "{printed}");
    // Keys come meanwhile: the server makes its own.
    let rows = || ["clients", "grants", "tokens", "trusted_issuers"].map(|table| sorted(&server.dump(table)));
    let before = rows();
    let (_, printed, said) = import(&server, &from, &["--format", "json"]).await;
    assert!(account(&printed).iter().all(|(_, [_, copied, ..])| *copied == 0), "{printed}");
    assert!(!said.contains("gone there"), "{said}");
    assert_eq!(rows(), before, "nothing changes");

    // Meanwhile somebody changes one client there and another one here.
    let _: String = from.script(
        "UPDATE hydra_client SET client_name = 'Other', updated_at = '2025-06-01 00:00:00' WHERE id IN ('shop', 'app');",
    );
    let patch = json!([{"op": "replace", "path": "/client_name", "value": "Mine"}]);
    let call = server.api().request(Method::PATCH, server.admin("/admin/clients/app")).json(&patch);
    assert_eq!(call.send().await.expect("an answer").status(), 200);
    let (_, printed, _) = import(&server, &from, &["--format", "json"]).await;
    let rows: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!((&rows[0]["copied"], &rows[0]["reasons"]["changed here since it was copied"]), (&json!(1), &json!(1)));
    for (client, name) in [("shop", "Other"), ("app", "Mine")] {
        let client = read(&server, server.admin(&format!("/admin/clients/{client}"))).await;
        assert_eq!(client["client_name"], name);
    }
}

async fn without_the_system_secret_nothing_sealed_is_copied(backend: Backend) {
    let (server, from) = (TestServer::start(backend).await, hydra(backend));
    let run = async |further: &[&str]| importing::run(&server, "hydra", from.url(), &[OURS], further).await;
    let (success, printed, said) = run(&["--format", "json"]).await;
    assert!(!success);
    let counts: Vec<_> = account(&printed).into_iter().map(|(_, counts)| counts[1]).collect();
    assert_eq!(counts, [3, 0, 0, 2, 0], "clients and consents: {said}");
    assert!(said.contains("name secrets.system with --hydra-config"), "{said}");

    // Given later, it opens them; but the server refuses the tokens as long as it does not know it.
    std::fs::write(server.folder().join("hydra.yml"), format!("secrets: {{system: ['{SYSTEM}']}}\n")).expect("written");
    let (_, printed, said) = run(&["--format", "json", "--hydra-config", "hydra.yml"]).await;
    assert_eq!(account(&printed)[4].1[1], 1, "{printed}");
    assert!(said.contains("put it at the end of that list"), "{said}");
    assert_eq!(refresh(&server, TOKEN).await["error"], "invalid_grant");
    // A run that cannot open them takes nothing back.
    let (_, _, said) = run(&[]).await;
    assert!(!said.contains("gone there"), "{said}");
}

async fn the_database_of_hydra_is_never_ours(backend: Backend) {
    let from = hydra(backend);
    let folder = tempfile::tempdir().expect("a folder");
    let config = json!({"database": {"url": from.url()}, "secrets": {"default": [OURS]}});
    std::fs::write(folder.path().join("orrery.json"), config.to_string()).expect("written");
    let refused = output(folder.path(), &["migrate", "up", "--dev", "--config", "orrery.json"]).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("orrery import hydra --from"), "{said}");
    let kratos = ["import", "kratos", "--dev", "--from", from.url()];
    let said = output(folder.path(), &kratos).await.stderr;
    assert!(String::from_utf8_lossy(&said).contains("Kratos 0.7 or newer"), "{}", String::from_utf8_lossy(&said));
}
