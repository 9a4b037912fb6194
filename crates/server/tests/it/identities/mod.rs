//! Identities for administrators, and schemas for everybody.

mod imported_credentials;
mod imported_passwords;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use orrery_testkit::contract::{Generation, assert_response};
use orrery_testkit::{Backend, TestOptions, TestServer, on_both_databases};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

const MANY: &str = "/admin/identities";
const NOBODY: &str = "5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f";
const HASH: &str = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";
const SCHEMA: &str = r#"{
  "$schema": "http://json-schema.org/draft-07/schema#", "title": "Person", "type": "object",
  "properties": {"traits": {
    "type": "object", "required": ["email"], "additionalProperties": false,
    "properties": {
      "email": {"type": "string", "format": "email", "title": "E-mail", "ory.sh/kratos": {
        "credentials": {"password": {"identifier": true}}, "verification": {"via": "email"}, "recovery": {"via": "email"}}},
      "name": {"type": "string", "maxLength": 20}
    }}}
}"#;

on_both_databases!(
    an_identity_is_created_read_changed_and_deleted,
    bad_input_is_refused_and_named,
    identifiers_addresses_and_external_ids_are_taken_once,
    lists_are_walked_by_token_and_by_number,
    a_batch_answers_item_by_item_in_order,
    the_last_way_to_sign_in_stays,
    sixteen_changes_at_once_all_count_or_say_so,
    the_first_generation_sees_what_it_can_decode,
    schemas_are_public_and_identities_are_not,
);

/// One answer.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

async fn start(backend: Backend) -> TestServer {
    let schema = json!({"id": "person", "url": format!("base64://{}", STANDARD.encode(SCHEMA))});
    let config = json!({"identity": {"default_schema_id": "person", "schemas": [schema]}});
    TestServer::start(TestOptions::with(backend, config)).await
}

/// Calls as a client of this generation, and holds the answer against its contract.
async fn ask(server: &TestServer, agent: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let generation = if agent.starts_with("OpenAPI-Generator/") { Generation::V0alpha2 } else { Generation::Current };
    let url = if path.starts_with("/schemas") { server.public(path) } else { server.admin(path) };
    let mut request = server.api().request(method.clone(), url).header("user-agent", agent);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let bytes = answer.bytes().await.expect("a body");
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).expect("JSON") };
    assert_response(generation, method.as_str(), path, status, Some(&body).filter(|body| !body.is_null()));
    Answer { status, headers, body }
}

async fn call(server: &TestServer, method: Method, path: &str, body: Option<Value>) -> Answer {
    ask(server, "ory-client-go/v1", method, path, body).await
}

async fn create(server: &TestServer, body: Value) -> Answer {
    call(server, Method::POST, MANY, Some(body)).await
}

async fn ada(server: &TestServer) -> String {
    let answer = create(server, json!({"traits": {"email": "Ada@Example.org"}, "external_id": "ada"})).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["id"].as_str().unwrap_or_default().to_owned()
}

fn at(id: &str) -> String {
    format!("/admin/identities/{id}")
}

async fn an_identity_is_created_read_changed_and_deleted(backend: Backend) {
    let server = start(backend).await;
    let created = create(
        &server,
        json!({
            "schema_id": "person", "traits": {"email": "Ada@Example.org", "name": "Ada"}, "state": "active",
            "credentials": {"password": {"config": {"password": "correct horse battery"}}},
            "verifiable_addresses": [{"value": "ada@example.org", "via": "email", "verified": true, "status": "completed"}],
            "metadata_public": {"plan": "free"}, "metadata_admin": {"note": 1}, "external_id": "ext-1",
        }),
    )
    .await;
    assert_eq!(created.status, 201, "{}", created.body);
    let id = created.body["id"].as_str().expect("an id");
    assert_eq!(created.header("location"), server.admin(&format!("/identities/{id}")));
    assert_eq!(created.body["schema_url"], server.public("/schemas/cGVyc29u"));
    assert_eq!(created.body["verifiable_addresses"][0]["verified"], true);
    assert_eq!(created.body["recovery_addresses"][0]["value"], "ada@example.org");
    assert_eq!(created.body["credentials"]["password"]["identifiers"], json!(["ada@example.org"]));
    assert!(created.body["credentials"]["password"].get("config").is_none());
    assert!(created.body["organization_id"].is_null() && created.body.get("organization_id").is_some());

    let read = call(&server, Method::GET, &format!("{}?include_credential=password", at(id)), None).await;
    let hash = read.body["credentials"]["password"]["config"]["hashed_password"].as_str().unwrap_or_default();
    assert!(hash.starts_with("$argon2id$"), "{}", read.body);
    let by_key = call(&server, Method::GET, "/admin/identities/by/external/ext-1", None).await;
    assert_eq!(by_key.body["id"], id);
    let without_prefix = call(&server, Method::GET, &format!("/identities/{id}"), None).await;
    assert_eq!(without_prefix.status, 200);

    let update = json!({"schema_id": "person", "state": "inactive", "traits": {"email": "ada@example.org"}});
    let updated = call(&server, Method::PUT, &at(id), Some(update)).await;
    assert_eq!((updated.status, &updated.body["state"]), (200, &json!("inactive")));
    assert_eq!(updated.body["verifiable_addresses"][0]["verified"], true, "the address stayed");
    assert!(updated.body.get("external_id").is_none() && updated.body.get("metadata_admin").is_none());
    assert!(updated.body["metadata_public"].is_null());

    let patch = json!([{"op": "replace", "path": "/traits/name", "value": "Ada L."}]);
    let patched = call(&server, Method::PATCH, &at(id), Some(patch)).await;
    assert_eq!((patched.status, &patched.body["traits"]["name"]), (200, &json!("Ada L.")));

    assert_eq!(call(&server, Method::DELETE, &at(id), None).await.status, 204);
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(call(&server, method, &at(id), None).await.status, 404);
    }
}

async fn bad_input_is_refused_and_named(backend: Backend) {
    let server = start(backend).await;
    for (body, named) in [
        (json!({"traits": {"email": "a@b"}, "colour": "red"}), "colour"),
        (json!({"traits": {}}), "traits.email"),
        (json!({"traits": {"email": "nonsense"}}), "traits.email"),
        (json!({"traits": {"email": "a@b", "name": 7}}), "traits.name"),
        (json!({"traits": {"email": "a@b"}, "schema_id": "bogus"}), "schema_id"),
        (json!({"traits": {"email": "a@b"}, "state": "asleep"}), "state"),
        (json!({"traits": {"email": "a@b"}, "external_id": "a\nb"}), "external_id"),
        (
            json!({"traits": {"email": "a@b"}, "credentials": {"password": {"config": {"hashed_password": "$md4$x"}}}}),
            "hashed_password",
        ),
        (json!({"traits": {"email": "a@b"}, "credentials": {"totp": {"config": {}}}}), "totp_url"),
    ] {
        let answer = create(&server, body.clone()).await;
        let reason = answer.body["error"]["reason"].as_str().unwrap_or_default();
        assert!(answer.status == 400 && reason.contains(named), "{body}: {}", answer.body);
    }
    for id in [NOBODY, "not-a-uuid"] {
        assert_eq!(call(&server, Method::GET, &at(id), None).await.status, 404, "{id}");
    }
    assert_eq!(call(&server, Method::GET, &at("%00"), None).await.status, 400, "no path may hold U+0000");
    let bogus = call(&server, Method::GET, "/admin/identities?include_credential=bogus", None).await;
    assert_eq!(bogus.status, 400);
}

async fn identifiers_addresses_and_external_ids_are_taken_once(backend: Backend) {
    let server = start(backend).await;
    let id = ada(&server).await;
    for body in [
        json!({"traits": {"email": "ADA@example.org"}}),
        json!({"traits": {"email": "aDa@EXAMPLE.org"}}),
        json!({"traits": {"email": "other@example.org"}, "external_id": "ada"}),
    ] {
        let answer = create(&server, body.clone()).await;
        assert_eq!(answer.status, 409, "{body}: {}", answer.body);
        assert!(!answer.body.to_string().contains("example.org"), "the answer names no address");
    }
    let other = create(&server, json!({"traits": {"email": "other@example.org"}})).await;
    let other = other.body["id"].as_str().expect("an id").to_owned();
    let patch = json!([{"op": "replace", "path": "/traits/email", "value": "ada@example.org"}]);
    assert_eq!(call(&server, Method::PATCH, &at(&other), Some(patch)).await.status, 409);
    assert_eq!(call(&server, Method::DELETE, &at(&id), None).await.status, 204);
    ada(&server).await;
}

async fn lists_are_walked_by_token_and_by_number(backend: Backend) {
    let server = start(backend).await;
    for number in 0..5 {
        assert_eq!(create(&server, json!({"traits": {"email": format!("p{number}@example.org")}})).await.status, 201);
    }
    let (mut seen, mut path) = (Vec::new(), format!("{MANY}?page_size=2"));
    loop {
        let page = call(&server, Method::GET, &path, None).await;
        seen.extend(page.body.as_array().expect("a list").iter().map(|identity| identity["id"].clone()));
        let link = page.header("link").to_owned();
        let Some(next) = link.split(',').find(|link| link.contains("rel=\"next\"")) else { break };
        path = next.trim_start_matches('<').split('>').next().unwrap_or_default().to_owned();
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()), "in id order");

    let second = call(&server, Method::GET, &format!("{MANY}?page=1&per_page=2"), None).await;
    assert_eq!(second.body.as_array().map(Vec::len), Some(2));
    assert_eq!((second.header("x-total-count"), &second.body[0]["id"]), ("5", &seen[2]));
    for rel in ["first", "next", "prev", "last"] {
        assert!(second.header("link").contains(rel));
    }

    let found = call(&server, Method::GET, &format!("{MANY}?credentials_identifier=P3%40Example.org"), None).await;
    assert_eq!(found.body.as_array().map(Vec::len), Some(1), "{}", found.body);
    let nobody = call(&server, Method::GET, &format!("{MANY}?credentials_identifier=nobody"), None).await;
    assert_eq!((nobody.status, nobody.body), (200, json!([])));
    let ids = format!(
        "{MANY}?ids={}&ids={}&ids={NOBODY}",
        seen[0].as_str().unwrap_or_default(),
        seen[4].as_str().unwrap_or_default()
    );
    assert_eq!(call(&server, Method::GET, &ids, None).await.body.as_array().map(Vec::len), Some(2));
    assert_eq!(call(&server, Method::GET, &format!("{MANY}?ids=x"), None).await.status, 400);
}

async fn a_batch_answers_item_by_item_in_order(backend: Backend) {
    let server = start(backend).await;
    let batch = json!({"identities": [
        {"create": {"traits": {"email": "a@example.org"}}, "patch_id": NOBODY},
        {"create": {"traits": {"email": "nonsense"}}},
        {"create": {"traits": {"email": "b@example.org"}, "credentials": {"password": {"config": {"hashed_password": HASH}}}}},
    ]});
    let answer = call(&server, Method::PATCH, MANY, Some(batch)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let items = &answer.body["identities"];
    assert_eq!((&items[0]["action"], &items[0]["patch_id"]), (&json!("create"), &json!(NOBODY)));
    assert_eq!((&items[1]["action"], &items[1]["error"]["code"]), (&json!("error"), &json!(400)));
    let third = items[2]["identity"].as_str().expect("an id");
    assert_eq!(call(&server, Method::GET, &at(third), None).await.status, 200);
    let many: Vec<_> = (0..1001).map(|_| Value::Null).collect();
    assert_eq!(call(&server, Method::PATCH, MANY, Some(json!({"identities": many}))).await.status, 400);
}

async fn the_last_way_to_sign_in_stays(backend: Backend) {
    let server = start(backend).await;
    let remove = async |id: &str, kind: &str| {
        call(&server, Method::DELETE, &format!("{}/credentials/{kind}", at(id)), None).await.status
    };
    let id = ada(&server).await;
    assert_eq!(remove(&id, "password").await, 404, "there is only a reserved name");
    let password = json!({"password": {"config": {"hashed_password": HASH}}});
    let update = json!({"schema_id": "person", "state": "active", "traits": {"email": "ada@example.org"}, "credentials": password});
    assert_eq!(call(&server, Method::PUT, &at(&id), Some(update.clone())).await.status, 200);
    assert_eq!(remove(&id, "password").await, 400);
    assert_eq!(remove(&id, "passkey").await, 400);
    assert_eq!(remove(&id, "totp").await, 404);
    assert_eq!(remove(NOBODY, "totp").await, 404);
    let mut linked = update;
    linked["credentials"] = json!({"oidc": {"config": {"providers": [{"provider": "github", "subject": "7"}]}}});
    assert_eq!(call(&server, Method::PUT, &at(&id), Some(linked)).await.status, 200);
    assert_eq!(remove(&id, "password").await, 204);
    assert_eq!(remove(&id, "oidc?identifier=github:7").await, 400);
    assert_eq!(remove(&id, "oidc").await, 400);
    let found = call(&server, Method::GET, &format!("{MANY}?credentials_identifier=github%3A7"), None).await;
    assert_eq!(found.body[0]["id"], json!(id));
}

async fn sixteen_changes_at_once_all_count_or_say_so(backend: Backend) {
    let server = start(backend).await;
    let id = ada(&server).await;
    let changes = (0..16).map(|number| {
        let patch = json!([{"op": "add", "path": format!("/metadata_admin/{number}"), "value": true}]);
        let (server, path) = (&server, at(&id));
        async move { call(server, Method::PATCH, &path, Some(patch)).await.status }
    });
    let empty = json!([{"op": "add", "path": "/metadata_admin", "value": {}}]);
    assert_eq!(call(&server, Method::PATCH, &at(&id), Some(empty)).await.status, 200);
    let statuses = join_all(changes).await;
    assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    let stored = call(&server, Method::GET, &at(&id), None).await.body;
    let done = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(stored["metadata_admin"].as_object().map(serde_json::Map::len), Some(done), "no change was overwritten");
}

async fn the_first_generation_sees_what_it_can_decode(backend: Backend) {
    let server = start(backend).await;
    let id = ada(&server).await;
    let old = async |path: &str| ask(&server, "OpenAPI-Generator/1.0.0/go", Method::GET, path, None).await.body;
    assert!(old(&at(&id)).await.get("credentials").is_none());
    assert!(old(MANY).await[0].get("credentials").is_none());
    assert!(old(&format!("{}?include_credential=password", at(&id))).await["credentials"]["password"].is_object());
}

async fn schemas_are_public_and_identities_are_not(backend: Backend) {
    let server = start(backend).await;
    let list = call(&server, Method::GET, "/schemas", None).await;
    assert_eq!((list.status, &list.body[0]["id"], list.header("x-total-count")), (200, &json!("person"), "1"));
    for id in ["person", "cGVyc29u"] {
        let schema = call(&server, Method::GET, &format!("/schemas/{id}"), None).await;
        assert_eq!(schema.body, serde_json::from_str::<Value>(SCHEMA).expect("JSON"));
    }
    assert_eq!(call(&server, Method::GET, "/schemas/bogus", None).await.status, 404);
    for path in [MANY, "/identities"] {
        let answer = server.api().get(server.public(path)).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{path}");
    }
}
