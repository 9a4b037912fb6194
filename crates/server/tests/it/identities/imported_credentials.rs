//! Credentials of every kind that are brought along, and what is shown of them afterwards.

use orrery_testkit::{Backend, TestServer, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::{HASH, MANY, NOBODY, at, call, create, start};

on_both_databases!(
    every_kind_is_brought_along_and_shown_again,
    nothing_secret_is_stored_readable,
    what_cannot_be_used_is_refused_and_named,
    an_identity_keeps_its_id_and_its_age,
    a_batch_stores_what_it_can,
    a_batch_that_is_too_large_changes_nothing,
);

const EVERY_KIND: &str = "include_credential=password&include_credential=oidc&include_credential=totp\
                          &include_credential=lookup_secret&include_credential=webauthn&include_credential=passkey";
const TOTP: &str = "otpauth://totp/Example:ada?secret=JBSWY3DPEHPK3PXP&issuer=Example";
const KEY: &str = "pQECAyYgASFYIA";

/// What an administrator sends for one of each kind.
fn credentials() -> Value {
    let key = |passwordless: bool| {
        json!({"id": "AQIDBA==", "public_key": KEY, "display_name": "a key", "is_passwordless": passwordless,
            "authenticator": {"aaguid": "AAAAAAAAAAAAAAAAAAAAAA==", "sign_count": 7}})
    };
    json!({
        "password": {"config": {"hashed_password": HASH}},
        "oidc": {"config": {"providers": [{
            "provider": "github", "subject": "7", "organization": null, "use_auto_link": true,
            "initial_id_token": "id-token", "initial_access_token": "access-token", "initial_refresh_token": "",
        }]}},
        "totp": {"config": {"totp_url": TOTP}},
        "lookup_secret": {"config": {"codes": [
            {"code": "abcd1234"}, {"code": "efgh5678", "used_at": "2025-01-01T00:00:00Z"},
        ]}},
        "webauthn": {"config": {"credentials": [key(false)], "user_handle": "AQID"}},
        "passkey": {"config": {"credentials": [key(true)], "user_handle": "aGFuZGxl"}},
    })
}

async fn ada(server: &TestServer) -> Value {
    let answer = create(server, json!({"traits": {"email": "ada@example.org"}, "credentials": credentials()})).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body
}

async fn every_kind_is_brought_along_and_shown_again(backend: Backend) {
    let server = start(backend).await;
    let created = ada(&server).await;
    let id = created["id"].as_str().expect("an id");
    for (kind, credential) in created["credentials"].as_object().expect("credentials") {
        assert!(credential.get("config").is_none(), "{kind} is shown unasked");
    }
    assert_eq!(created["credentials"]["totp"]["identifiers"], json!([id]));
    assert_eq!(created["credentials"]["passkey"]["identifiers"], json!(["handle"]));
    assert_eq!(created["credentials"]["oidc"]["identifiers"], json!(["github:7"]));

    let sent = credentials();
    for path in [format!("{}?{EVERY_KIND}", at(id)), format!("{MANY}?{EVERY_KIND}")] {
        let read = call(&server, Method::GET, &path, None).await;
        let read = if read.body.is_array() { &read.body[0] } else { &read.body };
        for kind in ["password", "oidc", "totp", "webauthn", "passkey"] {
            assert_eq!(read["credentials"][kind]["config"], sent[kind]["config"], "{kind}");
        }
        let codes = json!([
            {"code": "abcd1234", "used_at": null}, {"code": "efgh5678", "used_at": "2025-01-01T00:00:00Z"},
        ]);
        assert_eq!(read["credentials"]["lookup_secret"]["config"]["recovery_codes"], codes);
    }

    // They are taken away again one by one.
    for kind in ["totp", "lookup_secret", "webauthn", "oidc?identifier=github:7"] {
        let path = format!("{}/credentials/{kind}", at(id));
        assert_eq!(call(&server, Method::DELETE, &path, None).await.status, 204, "{kind}");
        assert_eq!(call(&server, Method::DELETE, &path, None).await.status, 404, "{kind}");
    }
    let update = json!({"schema_id": "person", "state": "active", "traits": {"email": "ada@example.org"},
        "credentials": {"totp": sent["totp"]}});
    let updated = call(&server, Method::PUT, &at(id), Some(update)).await;
    assert_eq!(updated.body["credentials"]["totp"]["type"], "totp", "{}", updated.body);
}

async fn nothing_secret_is_stored_readable(backend: Backend) {
    let server = start(backend).await;
    ada(&server).await;
    let dump = server.dump("identity_credentials");
    assert!(dump.contains("github") && dump.contains("recovery_codes"), "{dump}");
    for secret in ["JBSWY3DPEHPK3PXP", "abcd1234", "access-token"] {
        assert!(!dump.contains(secret), "{secret} is stored readable");
    }
}

async fn what_cannot_be_used_is_refused_and_named(backend: Backend) {
    let server = start(backend).await;
    let many: Vec<Value> = (0..101).map(|number| json!({"code": number.to_string()})).collect();
    for (credentials, named) in [
        (json!({"totp": {"config": {"totp_url": "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP"}}}), "totp_url"),
        (json!({"totp": {"config": {"secret": "JBSWY3DPEHPK3PXP"}}}), "secret"),
        (json!({"lookup_secret": {"config": {"codes": [{"code": ""}]}}}), "credentials.lookup_secret.config.codes"),
        (json!({"lookup_secret": {"config": {"codes": many}}}), "credentials.lookup_secret.config.codes"),
        (json!({"webauthn": {"config": {"credentials": [{"id": "AQ=="}]}}}), "credentials[0].public_key"),
        (json!({"passkey": {"config": {"credentials": []}}}), "credentials.passkey.config.user_handle"),
        (json!({"passkey": {"config": {"credentials": [{"id": "*", "public_key": KEY}]}}}), "credentials[0].id"),
        (json!({"oidc": {"config": {"providers": [{"provider": "", "subject": "7"}]}}}), "credentials.oidc"),
        (json!({"code": {"config": {}}}), "code"),
    ] {
        let answer = create(&server, json!({"traits": {"email": "a@example.org"}, "credentials": credentials})).await;
        let reason = answer.body["error"]["reason"].as_str().unwrap_or_default();
        assert!(answer.status == 400 && reason.contains(named), "{credentials}: {}", answer.body);
    }
    assert_eq!(call(&server, Method::GET, MANY, None).await.body, json!([]), "nothing half-made is left");
}

async fn an_identity_keeps_its_id_and_its_age(backend: Backend) {
    let server = start(backend).await;
    let moved = json!({
        "id": NOBODY, "traits": {"email": "ada@example.org"}, "external_id": "ada", "state": "inactive",
        "created_at": "2020-01-02T03:04:05Z", "updated_at": "2021-01-02T03:04:05Z", "state_changed_at": "2020-06-01T00:00:00Z",
        "verifiable_addresses": [{
            "id": "11111111-2222-4333-8444-555555555555", "value": "ada@example.org", "via": "email", "verified": true,
            "status": "completed", "verified_at": "2020-01-03T00:00:00Z", "created_at": "2020-01-02T03:04:05Z",
        }],
        "recovery_addresses": [{
            "id": "11111111-2222-4333-8444-666666666666", "value": "ada@example.org", "via": "email",
            "created_at": "2020-01-02T03:04:05Z",
        }],
    });
    let created = create(&server, moved.clone()).await;
    assert_eq!(created.status, 201, "{}", created.body);
    for member in ["id", "state", "created_at", "updated_at", "state_changed_at"] {
        assert_eq!(created.body[member], moved[member], "{member}");
    }
    for member in ["id", "verified", "status", "verified_at", "created_at"] {
        let path = format!("/verifiable_addresses/0/{member}");
        assert_eq!(created.body.pointer(&path), moved.pointer(&path), "{path}");
    }
    assert_eq!(created.body["recovery_addresses"][0]["id"], moved["recovery_addresses"][0]["id"]);
    assert_eq!(call(&server, Method::GET, &at(NOBODY), None).await.status, 200);
    let found = call(&server, Method::GET, &format!("{MANY}?external_id=ada"), None).await;
    assert_eq!(found.body[0]["id"], NOBODY);
    let found = call(&server, Method::GET, &format!("{MANY}?external_id=nobody"), None).await;
    assert_eq!(found.body, json!([]));

    let again = create(&server, moved).await;
    let reason = again.body["error"]["reason"].as_str().unwrap_or_default();
    assert!(again.status == 409 && reason.contains("identity id"), "{}", again.body);
    for (member, value) in [("created_at", "2030-01-01T00:00:00Z"), ("id", "not-a-uuid"), ("created_at", "yesterday")] {
        let mut body = json!({"traits": {"email": "b@example.org"}});
        body[member] = json!(value);
        let answer = create(&server, body).await;
        assert!(answer.status == 400 && answer.body.to_string().contains(member), "{}", answer.body);
    }
}

async fn a_batch_stores_what_it_can(backend: Backend) {
    let server = start(backend).await;
    let taken = ada(&server).await;
    let person = |number: usize| json!({"create": {"traits": {"email": format!("p{number}@example.org")}}});
    let mut items: Vec<Value> = (0..300).map(person).collect();
    items[7] = json!({"create": {"traits": {"email": "ADA@example.org"}}, "patch_id": NOBODY});
    items[8] = person(6);
    items[9] = json!({"create": {"id": taken["id"], "traits": {"email": "other@example.org"}}});
    items[10] = json!({"create": {"traits": {}}});
    items[11] = Value::Null;
    let answer = call(&server, Method::PATCH, MANY, Some(json!({"identities": items}))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answers = answer.body["identities"].as_array().expect("a list");
    assert_eq!(answers.len(), 300);
    for (number, code, named) in [
        (7, 409, "credential identifier"),
        (8, 409, "credential identifier"),
        (9, 409, "identity id"),
        (10, 400, "email"),
        (11, 400, "create"),
    ] {
        let item = &answers[number];
        assert_eq!((&item["action"], &item["error"]["code"]), (&json!("error"), &json!(code)), "{item}");
        assert!(item["error"]["reason"].as_str().is_some_and(|reason| reason.contains(named)), "{item}");
    }
    assert_eq!(answers[7]["patch_id"], NOBODY);
    assert_eq!(answers.iter().filter(|item| item["action"] == "create").count(), 295);
    let total = call(&server, Method::GET, &format!("{MANY}?page=0&per_page=1"), None).await;
    assert_eq!(total.header("x-total-count"), "296");
}

async fn a_batch_that_is_too_large_changes_nothing(backend: Backend) {
    let server = start(backend).await;
    let person = |number: usize| json!({"create": {"traits": {"email": format!("p{number}@example.org")}}});
    for size in [1_001, 10_001] {
        let items: Vec<Value> = (0..size).map(person).collect();
        let answer = call(&server, Method::PATCH, MANY, Some(json!({"identities": items}))).await;
        assert!(answer.status == 400 && answer.body.to_string().contains("at most 1000 items"), "{}", answer.body);
    }
    let clear = |number: usize| {
        json!({"create": {"traits": {"email": format!("p{number}@example.org")},
            "credentials": {"password": {"config": {"password": "correct horse"}}}}})
    };
    let items: Vec<Value> = (0..201).map(clear).collect();
    let answer = call(&server, Method::PATCH, MANY, Some(json!({"identities": items}))).await;
    assert!(answer.status == 400 && answer.body.to_string().contains("200 items"), "{}", answer.body);
    assert_eq!(call(&server, Method::GET, MANY, None).await.body, json!([]));
}
