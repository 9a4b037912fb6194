//! `orrery identities export` and `import`: a whole instance leaves as a file and comes back.

use std::path::Path;
use std::process::Output;

use orrery_testkit::{Backend, TestServer, on_both_databases};
use serde_json::{Value, json};

use super::process::orrery;
use crate::stage::PASSWORD;

on_both_databases!(
    everybody_moves_with_credentials_id_and_age,
    an_import_can_be_repeated,
    a_broken_line_is_named_and_changes_nothing_else,
);

const HASH: &str = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";

async fn run(server: &TestServer, arguments: &[&str]) -> Output {
    let mut command = orrery(server.folder(), arguments);
    command.env("ORRERY_ADMIN_URL", server.admin("/")).output().await.expect("it runs")
}

/// Runs one that must succeed; what it prints.
async fn print(server: &TestServer, arguments: &[&str]) -> String {
    let output = run(server, arguments).await;
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

async fn create(server: &TestServer, body: Value) {
    let answer = server.api().post(server.admin("/admin/identities")).json(&body).send().await.expect("an answer");
    assert_eq!(answer.status(), 201, "{:?}", answer.text().await);
}

async fn sign_in(server: &TestServer, email: &str) -> Value {
    let flow = server.api().get(server.public("/self-service/login/api")).send().await.expect("an answer");
    let flow: Value = flow.json().await.expect("JSON");
    let path = format!("/self-service/login?flow={}", flow["id"].as_str().expect("an id"));
    let body = json!({"method": "password", "identifier": email, "password": PASSWORD});
    server.api().post(server.public(&path)).json(&body).send().await.expect("an answer").json().await.expect("JSON")
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("a file");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

async fn everybody_moves_with_credentials_id_and_age(backend: Backend) {
    let old = TestServer::start(backend).await;
    create(
        &old,
        json!({
            "traits": {"email": "ada@example.org", "name": "Ada"}, "external_id": "ada", "metadata_admin": {"a": [1]},
            "metadata_public": {"plan": "free"}, "created_at": "2020-01-02T03:04:05Z",
            "verifiable_addresses": [{"value": "ada@example.org", "via": "email", "verified": true, "status": "completed"}],
            "credentials": {
                "password": {"config": {"password": PASSWORD}},
                "totp": {"config": {"totp_url": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"}},
                "lookup_secret": {"config": {"codes": [{"code": "abcd1234", "used_at": "2025-01-01T00:00:00Z"}]}},
                "oidc": {"config": {"providers": [{"provider": "github", "subject": "7", "initial_id_token": "t"}]}},
                "webauthn": {"config": {"credentials": [{"id": "AQ==", "public_key": "Ag==", "is_passwordless": false}]}},
                "passkey": {"config": {"credentials": [{"id": "Aw==", "public_key": "BA=="}], "user_handle": "aGFuZGxl"}},
            },
        }),
    )
    .await;
    create(&old, json!({"traits": {"email": "grace@example.org", "name": "Grace"}, "state": "inactive"})).await;
    create(
        &old,
        json!({"traits": {"email": "password@example.org", "name": "P"},
        "credentials": {"password": {"config": {"password": PASSWORD}}}}),
    )
    .await;
    let exported = old.folder().join("identities.ndjson");
    let file = exported.to_str().expect("a path");
    assert!(print(&old, &["identities", "export", file]).await.contains("exported 3 identities"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&exported).expect("a file").permissions().mode() & 0o777, 0o600);
    }
    let bare = print(&old, &["identities", "export", "-", "--without-credentials"]).await;
    assert!(bare.lines().count() == 3 && !bare.contains("credentials") && !bare.contains("argon2id"), "{bare}");

    let new = TestServer::start(backend).await;
    assert_eq!(print(&new, &["identities", "import", file]).await, "3 created, 0 existed already, 0 failed\n");
    let copy = new.folder().join("copy.ndjson");
    print(&new, &["identities", "export", copy.to_str().expect("a path")]).await;
    for (before, after) in lines(&exported).iter().zip(&lines(&copy)) {
        for member in
            ["id", "state", "traits", "external_id", "metadata_public", "metadata_admin", "created_at", "updated_at"]
        {
            assert_eq!(after.get(member), before.get(member), "{member}");
        }
        let addresses = |identity: &Value| {
            let of = |list: &str, members: &[&str]| {
                let addresses = identity[list].as_array().cloned().unwrap_or_default();
                addresses.iter().map(|one| members.iter().map(|m| one[*m].clone()).collect()).collect::<Vec<Vec<_>>>()
            };
            (
                of("verifiable_addresses", &["id", "value", "verified", "status", "verified_at", "created_at"]),
                of("recovery_addresses", &["id", "value", "created_at"]),
            )
        };
        assert_eq!(addresses(after), addresses(before));
        let credentials = |identity: &Value| -> Vec<(String, Value, Value)> {
            let all = identity["credentials"].as_object().cloned().unwrap_or_default();
            all.into_iter().map(|(kind, one)| (kind, one["identifiers"].clone(), one["config"].clone())).collect()
        };
        assert_eq!(credentials(after), credentials(before));
    }
    let ada = sign_in(&new, "ada@example.org").await;
    assert_eq!(
        ada["session"]["identity"]["id"],
        lines(&exported).iter().find(|row| row["external_id"] == "ada").expect("Ada")["id"],
        "{ada}"
    );
    assert!(sign_in(&new, "password@example.org").await["session_token"].is_string());
}

async fn an_import_can_be_repeated(backend: Backend) {
    let server = TestServer::start(backend).await;
    let file = server.folder().join("people.ndjson");
    let path = file.to_str().expect("a path");
    let person = |number: usize| json!({"id": format!("00000000-0000-4000-8000-{number:012}"), "traits": {"email": format!("p{number}@example.org"), "name": "P"}});
    let by_hand = json!({"traits": {"email": "hand@example.org", "name": "H"}});
    let all = |count: usize| {
        let rows: Vec<String> = (0..count).map(|number| person(number).to_string()).collect();
        format!("{}\n\n{by_hand}\n", rows.join("\n"))
    };
    std::fs::write(&file, all(250)).expect("written");
    assert_eq!(print(&server, &["identities", "import", path]).await, "251 created, 0 existed already, 0 failed\n");
    std::fs::write(&file, all(260)).expect("written");
    assert_eq!(print(&server, &["identities", "import", path]).await, "10 created, 251 existed already, 0 failed\n");
    // The same name under another id is somebody else.
    std::fs::write(
        &file,
        json!({"id": "00000000-0000-4000-8000-00000000ffff", "traits": {"email": "p1@example.org", "name": "P"}})
            .to_string(),
    )
    .expect("written");
    let output = run(&server, &["identities", "import", path]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("line 1: somebody else has it"), "{said}");
    let listed = print(&server, &["identities", "list", "--format", "json"]).await;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(261));
}

async fn a_broken_line_is_named_and_changes_nothing_else(backend: Backend) {
    let server = TestServer::start(backend).await;
    let file = server.folder().join("people.ndjson");
    let person = |email: &str| json!({"traits": {"email": email, "name": "P"}}).to_string();
    let rows = [
        person("a@example.org"),
        "{\"traits\": {\"email\": \"hunter2".to_owned(),
        person("b@example.org"),
        json!({"traits": {"email": "c@example.org"}, "colour": "hunter2"}).to_string(),
        person("nonsense"),
        json!({"traits": {"email": "d@example.org"}, "credentials": {"password": {"config": {"hashed_password": "hunter2"}}}})
            .to_string(),
        json!({"traits": {"email": "e@example.org"}, "credentials": {"password": {"config": {"hashed_password": HASH}}}})
            .to_string(),
    ];
    std::fs::write(&file, rows.join("\n")).expect("written");
    let output = run(&server, &["identities", "import", file.to_str().expect("a path")]).await;
    assert!(!output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "3 created, 0 existed already, 4 failed\n");
    let said = String::from_utf8_lossy(&output.stderr);
    for (line, named) in [(2, "not JSON"), (4, "colour"), (5, "traits.email"), (6, "hashed_password")] {
        let told = said.lines().find(|told| told.starts_with(&format!("line {line}: ")));
        assert!(told.is_some_and(|told| told.contains(named)), "{line}: {said}");
    }
    assert!(!said.contains("hunter2") || said.contains("colour"), "{said}");
    let missing = run(&server, &["identities", "import", "nowhere.ndjson"]).await;
    assert!(String::from_utf8_lossy(&missing.stderr).contains("nowhere.ndjson cannot be read"));
}
