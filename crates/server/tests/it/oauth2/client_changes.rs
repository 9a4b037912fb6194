//! Changing clients as an administrator.

use futures_util::future::join_all;
use orrery_testkit::psql::Hold;
use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::{call, create, get, refusal};
use crate::outage::Scene;
use crate::stage::{Stage, send};

on_both_databases!(
    a_patch_changes_parts,
    a_patch_that_cannot_be_applied_changes_nothing,
    sixteen_patches_at_once_all_count_or_say_so,
    lifespans_are_replaced_all_at_once,
    secrets_are_rotated_and_forgotten,
    a_secret_comes_and_goes_with_the_method,
    a_change_can_be_meant_for_one_version,
    one_of_sixteen_changes_the_version_that_all_mean,
);

const CLIENT: &str = "/admin/clients/app";

async fn started(backend: Backend) -> Stage {
    let stage = Stage::start(backend).await;
    create(&stage, json!({"client_id": "app", "client_name": "App", "metadata": {}})).await;
    stage
}

async fn patch(stage: &Stage, operations: Value) -> crate::stage::Answer {
    call(stage, Method::PATCH, CLIENT, &operations).await
}

async fn a_patch_changes_parts(backend: Backend) {
    let stage = started(backend).await;
    let patched = patch(
        &stage,
        json!([
            {"op": "replace", "path": "/client_name", "value": "Other"},
            {"op": "add", "path": "/redirect_uris/-", "value": "https://app.example.org/cb"},
            {"op": "replace", "path": "/metadata/team/name", "value": "blue"},
            {"op": "add", "path": "/implicit_grant_access_token_lifespan", "value": "90m"},
        ]),
    );
    let patched = patched.await.expect(200);
    assert_eq!(patched.body["client_name"], "Other");
    assert_eq!(patched.body["redirect_uris"], json!(["https://app.example.org/cb"]));
    assert_eq!(patched.body["metadata"], json!({"team": {"name": "blue"}}));
    assert_eq!(patched.body["implicit_grant_access_token_lifespan"], "90m");
    assert_eq!(patched.body.get("client_secret"), None);
    assert_eq!(get(&stage, CLIENT).await.expect(200).body, patched.body);
    let removed = patch(&stage, json!([{"op": "remove", "path": "/implicit_grant_access_token_lifespan"}])).await;
    assert_eq!(removed.expect(200).body.get("implicit_grant_access_token_lifespan"), None);
    let secret = patch(&stage, json!([{"op": "add", "path": "/client_secret", "value": "a chosen one"}])).await;
    assert_eq!(secret.expect(200).body["client_secret"], "a chosen one");
}

async fn a_patch_that_cannot_be_applied_changes_nothing(backend: Backend) {
    let stage = started(backend).await;
    let before = get(&stage, CLIENT).await.expect(200).body;
    let first = json!({"op": "replace", "path": "/client_name", "value": "Other"});
    for (operation, code) in [
        (json!({"op": "test", "path": "/client_name", "value": "App"}), "invalid_request"),
        (json!({"op": "move", "from": "/client_name", "path": "/owner"}), "invalid_request"),
        (json!({"op": "remove", "path": "/nowhere"}), "invalid_request"),
        (json!({"op": "replace", "path": "/client_id", "value": "other"}), "invalid_request"),
        (json!({"op": "replace", "path": "/id", "value": "other"}), "invalid_request"),
        (json!({"op": "bogus", "path": "/client_name"}), "invalid_request"),
        (json!({"op": "replace", "path": "/redirect_uris", "value": ["#"]}), "invalid_redirect_uri"),
        (json!({"op": "replace", "path": "/redirect_uris", "value": 7}), "invalid_client_metadata"),
    ] {
        let (status, error, _) = refusal(&patch(&stage, json!([first, operation])).await);
        assert_eq!((status, error.as_str()), (400, code), "{operation}");
    }
    let (status, error, _) = refusal(&call(&stage, Method::PATCH, "/admin/clients/none", &json!([first])).await);
    assert_eq!((status, error.as_str()), (404, "not_found"));
    assert_eq!(get(&stage, CLIENT).await.expect(200).body, before);
}

async fn sixteen_patches_at_once_all_count_or_say_so(backend: Backend) {
    let stage = started(backend).await;
    let stage = &stage;
    let racers = (0..16).map(|number| async move {
        let path = format!("/metadata/{number}");
        (path.clone(), patch(stage, json!([{"op": "add", "path": path, "value": true}])).await)
    });
    let outcomes = join_all(racers).await;
    let stored = get(stage, CLIENT).await.expect(200).body;
    for (path, answer) in &outcomes {
        let counted = stored.pointer(path).is_some();
        match answer.status.as_u16() {
            200 => assert!(counted, "{path} was undone"),
            409 => assert!(!counted && answer.body["error"] == "conflict", "{path}"),
            other => panic!("{path}: {other} {}", answer.body),
        }
    }
    assert!(outcomes.iter().any(|(_, answer)| answer.status == 200));
}

async fn lifespans_are_replaced_all_at_once(backend: Backend) {
    let stage = started(backend).await;
    let path = format!("{CLIENT}/lifespans");
    let first =
        json!({"implicit_grant_id_token_lifespan": "1h30m", "refresh_token_grant_refresh_token_lifespan": "720h"});
    let set = call(&stage, Method::PUT, &path, &first).await.expect(200);
    assert_eq!(set.body["implicit_grant_id_token_lifespan"], "90m");
    assert_eq!(set.body["refresh_token_grant_refresh_token_lifespan"], "720h");
    let second = json!({"jwt_bearer_grant_access_token_lifespan": "5m", "implicit_grant_id_token_lifespan": null});
    let set = call(&stage, Method::PUT, &path, &second).await.expect(200);
    let members = set.body.as_object().expect("an object");
    let names: Vec<_> = members.keys().filter(|name| name.ends_with("_lifespan")).collect();
    assert_eq!(names, ["jwt_bearer_grant_access_token_lifespan"]);
    assert_eq!(set.body["client_name"], "App", "nothing else changes");
    let bad = json!({"implicit_grant_id_token_lifespan": "soon"});
    let (status, _, description) = refusal(&call(&stage, Method::PUT, &path, &bad).await);
    assert!(status == 400 && description.contains("implicit_grant_id_token_lifespan"), "{description}");
    assert_eq!(refusal(&call(&stage, Method::PUT, "/admin/clients/none/lifespans", &json!({})).await).0, 404);
}

async fn secrets_are_rotated_and_forgotten(backend: Backend) {
    let stage = started(backend).await;
    let path = format!("{CLIENT}/secrets/rotate");
    let first = send(stage.admin(Method::POST, &path)).await.expect(200);
    let second = send(stage.admin(Method::POST, &path)).await.expect(200);
    assert!(first.body["client_secret"].is_string());
    assert_ne!(first.body["client_secret"], second.body["client_secret"]);
    let forgotten = send(stage.admin(Method::DELETE, &path)).await.expect(200);
    assert_eq!((forgotten.body.get("client_secret"), &forgotten.body["client_id"]), (None, &json!("app")));
    for method in ["none", "private_key_jwt"] {
        let body =
            json!({"client_id": method, "token_endpoint_auth_method": method, "jwks_uri": "https://a.example/k"});
        create(&stage, body).await;
        let answer = send(stage.admin(Method::POST, &format!("/admin/clients/{method}/secrets/rotate"))).await;
        let (status, error, _) = refusal(&answer);
        assert_eq!((status, error.as_str()), (400, "invalid_request"), "{method}");
    }
    for method in [Method::POST, Method::DELETE] {
        assert_eq!(refusal(&send(stage.admin(method, "/admin/clients/none-such/secrets/rotate")).await).0, 404);
    }
}

async fn a_secret_comes_and_goes_with_the_method(backend: Backend) {
    let stage = started(backend).await;
    let method = |name: &str| json!({"token_endpoint_auth_method": name});
    let public = call(&stage, Method::PUT, CLIENT, &method("none")).await.expect(200);
    assert_eq!(public.body.get("client_secret"), None);
    let confidential = call(&stage, Method::PUT, CLIENT, &method("client_secret_post")).await.expect(200);
    assert!(confidential.body["client_secret"].is_string(), "or it could never prove who it is");
    let (status, _, description) = refusal(&call(&stage, Method::PUT, CLIENT, &method("client_secret_jwt")).await);
    assert!(status == 400 && description.contains("client_secret"), "{description}");
    let mut signing = method("client_secret_jwt");
    signing["client_secret"] = json!("a chosen secret that is long enough to sign");
    call(&stage, Method::PUT, CLIENT, &signing).await.expect(200);
    let kept = call(&stage, Method::PUT, CLIENT, &method("client_secret_jwt")).await.expect(200);
    assert_eq!(kept.body.get("client_secret"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_lost_in_a_change_of_a_client_is_no_refusal() {
    let mut scene = Scene::new().await;
    let body = json!({"client_id": "app"});
    let request = scene.admin(Method::POST, "/admin/clients").json(&body);
    let answer = scene.cut("clients", Hold::Writes, request).await;
    assert_eq!(answer.body["error"], "temporarily_unavailable");
    scene.nothing_in(&["clients"]);
    send(scene.admin(Method::POST, "/admin/clients").json(&body)).await.expect(201);
    let patch = json!([{"op": "replace", "path": "/client_name", "value": "x"}]);
    for hold in [Hold::Everything, Hold::Writes] {
        let request = scene.admin(Method::PATCH, CLIENT).json(&patch);
        scene.cut("clients", hold, request).await;
    }
    let request = scene.admin(Method::DELETE, CLIENT);
    scene.cut("tokens", Hold::Everything, request).await;
    let read = send(scene.admin(Method::GET, CLIENT)).await.expect(200);
    assert_eq!(read.body["client_name"], "", "neither changed nor deleted");
}

/// RFC 9110 section 13.1.1.
async fn a_change_can_be_meant_for_one_version(backend: Backend) {
    let stage = Stage::start(backend).await;
    let made = create(&stage, json!({"client_id": "app", "client_name": "App"})).await;
    let tag = |answer: &crate::stage::Answer| answer.header("etag").expect("a tag").to_owned();
    let first = tag(&made);
    assert_eq!(tag(&get(&stage, CLIENT).await), first);
    let meant = |method: Method, path: &str, tag: &str| stage.admin(method, path).header("if-match", tag.to_owned());
    let rename = json!([{"op": "replace", "path": "/client_name", "value": "Other"}]);
    let other = send(meant(Method::PATCH, CLIENT, "\"1.1\", W/\"2.2\"").json(&rename)).await.expect(412);
    assert_eq!(other.body["error"], "precondition_failed");
    let weak = format!("W/{first}");
    send(meant(Method::PATCH, CLIENT, &weak).json(&rename)).await.expect(412);
    assert_eq!(get(&stage, CLIENT).await.body["client_name"], "App", "nothing has changed");
    let patched = send(meant(Method::PATCH, CLIENT, &format!("\"1.1\", {first}")).json(&rename)).await.expect(200);
    let second = tag(&patched);
    assert_ne!(first, second);
    let replacement = json!({"client_name": "Third"});
    send(meant(Method::PUT, CLIENT, &first).json(&replacement)).await.expect(412);
    let third = tag(&send(meant(Method::PUT, CLIENT, &second).json(&replacement)).await.expect(200));
    let (lifespans, secrets) = (format!("{CLIENT}/lifespans"), format!("{CLIENT}/secrets/rotate"));
    send(meant(Method::PUT, &lifespans, &second).json(&json!({}))).await.expect(412);
    send(meant(Method::POST, &secrets, &second)).await.expect(412);
    send(meant(Method::DELETE, CLIENT, &second)).await.expect(412);
    send(meant(Method::PUT, CLIENT, "*").json(&replacement)).await.expect(200);
    send(meant(Method::DELETE, CLIENT, &third)).await.expect(412);
    let last = tag(&get(&stage, CLIENT).await);
    send(meant(Method::DELETE, CLIENT, &last)).await.expect(204);
    send(meant(Method::DELETE, CLIENT, &last)).await.expect(404);
}

async fn one_of_sixteen_changes_the_version_that_all_mean(backend: Backend) {
    let stage = started(backend).await;
    let tag = get(&stage, CLIENT).await.header("etag").expect("a tag").to_owned();
    let racers = (0..16).map(|number| {
        let rename = json!([{"op": "replace", "path": "/client_name", "value": number.to_string()}]);
        send(stage.admin(Method::PATCH, CLIENT).header("if-match", tag.clone()).json(&rename))
    });
    let statuses: Vec<_> = join_all(racers).await.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 15, "{statuses:?}");
}
