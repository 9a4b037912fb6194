//! A session ends, wherever that happens, and the clients that it signed somebody in to hear of it.

use orrery_testkit::{Backend, Browser, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::world::{LOGIN_APP, PASSWORD, World, body, location, query};
use crate::flows::hooks::target::{Call, Target};
use crate::stage::{jwt_part, send};

on_both_databases!(
    whoever_ends_a_session_has_its_clients_told,
    all_sign_ins_of_a_subject_are_told_of,
    a_client_is_told_of_the_person_it_knows,
);

/// The claims of a logout token.
fn claims(call: &Call) -> Value {
    jwt_part(call.body.strip_prefix("logout_token=").expect("one parameter"), 1)
}

async fn whoami(world: &World, browser: &Browser) -> Value {
    let asked = browser.script(Method::GET, world.server.public("/sessions/whoami"));
    body(asked.send().await.expect("an answer")).await
}

/// A native app's session, by which somebody can end the browser's.
async fn elsewhere(world: &World, name: &str) -> String {
    let server = &world.server;
    let flow = send(server.api().get(server.public("/self-service/login/api"))).await.expect(200);
    let action = flow.body["ui"]["action"].as_str().expect("an action");
    let body = json!({"method": "password", "identifier": format!("{name}@example.org"), "password": PASSWORD});
    let answer = send(server.api().post(action).json(&body)).await.expect(200);
    answer.body["session_token"].as_str().expect("a token").to_owned()
}

async fn whoever_ends_a_session_has_its_clients_told(backend: Backend) {
    let target = Target::start().await;
    let world = World::with(backend, json!({"outbound": {"allowed_networks": ["127.0.0.1/32"]}})).await;
    let back = format!("{}/out", target.url);
    let client = world.register(json!({"skip_consent": true, "backchannel_logout_uri": back})).await;
    let (server, api) = (&world.server, world.server.api());
    let ways = ["out", "one", "others", "revoked", "all", "inactive", "deleted", "subject"];
    for (told, way) in ways.into_iter().enumerate() {
        let browser = server.browser();
        let identity = world.with_account(&browser, way).await;
        let answer = browser.get(world.request(&[("client_id", &client)])).await;
        assert!(query(&location(&answer), "code").is_some(), "{way}");
        let session = whoami(&world, &browser).await["id"].as_str().expect("an id").to_owned();
        let ended = match way {
            "out" => {
                let flow = browser.script(Method::GET, server.public("/self-service/logout/browser"));
                let flow = body(flow.send().await.expect("an answer")).await;
                let out = browser.get(flow["logout_url"].as_str().expect("an address")).await;
                assert!(out.status().is_redirection(), "{}", out.status());
                None
            }
            "one" | "others" => {
                let token = elsewhere(&world, way).await;
                let path = if way == "one" { format!("/sessions/{session}") } else { "/sessions".to_owned() };
                Some(api.delete(server.public(&path)).header("x-session-token", token))
            }
            "revoked" => Some(api.delete(server.admin(&format!("/admin/sessions/{session}")))),
            "all" => Some(api.delete(server.admin(&format!("/admin/identities/{identity}/sessions")))),
            "inactive" => {
                let patch = json!([{"op": "replace", "path": "/state", "value": "inactive"}]);
                Some(api.patch(server.admin(&format!("/admin/identities/{identity}"))).json(&patch))
            }
            "deleted" => Some(api.delete(server.admin(&format!("/admin/identities/{identity}")))),
            _ => Some(api.delete(server.admin(&format!("/admin/oauth2/auth/sessions/login?subject={identity}")))),
        };
        if let Some(call) = ended {
            let answer = send(call).await;
            assert!(answer.status.is_success(), "{way}: {} {}", answer.status, answer.body);
        }
        let calls = target.wait_for(told + 1).await;
        let claims = claims(&calls[told]);
        assert_eq!((&claims["sub"], &claims["sid"]), (&json!(identity), &json!(session)), "{way}");
        assert_eq!(claims["aud"], json!([client]), "{way}");
    }
    assert_eq!(target.calls().len(), ways.len(), "each is told of once");
}

async fn all_sign_ins_of_a_subject_are_told_of(backend: Backend) {
    let target = Target::start().await;
    let urls = json!({"login": LOGIN_APP, "consent": super::world::CONSENT_APP});
    let config = json!({"oauth2": {"urls": urls}, "outbound": {"allowed_networks": ["127.0.0.1/32"]}});
    let mut world = World::with(backend, config).await;
    world.client = world.register(json!({"backchannel_logout_uri": format!("{}/out", target.url)})).await;
    let mut known = Vec::new();
    for _ in 0..2 {
        let browser = world.server.browser();
        world.authorized(&browser, &[], json!({"grant_scope": ["openid"]})).await;
        let login = body(world.read("login", &world.begin(&browser, &[]).await).await).await;
        known.push(login["session_id"].as_str().expect("an id").to_owned());
    }
    let ended = world.server.admin("/admin/oauth2/auth/sessions/login?subject=ada");
    send(world.server.api().delete(ended)).await.expect(204);
    let mut told: Vec<_> = target.wait_for(2).await.iter().map(claims).map(|claims| claims["sid"].clone()).collect();
    told.sort_by_key(ToString::to_string);
    known.sort();
    assert_eq!(json!(told), json!(known));
}

/// Who a client knows by another name never hears the real one, even when that name could not be computed any more.
async fn a_client_is_told_of_the_person_it_knows(backend: Backend) {
    let target = Target::start().await;
    let subjects = json!({"supported_types": ["public", "pairwise"], "pairwise": {"salt": "a salt of tests"}});
    let urls = json!({"login": LOGIN_APP, "consent": super::world::CONSENT_APP});
    let config = json!({
        "oauth2": {"urls": urls, "oidc": {"subject_identifiers": subjects}},
        "outbound": {"allowed_networks": ["127.0.0.1/32"]},
    });
    let mut world = World::with(backend, config).await;
    let back = format!("{}/out", target.url);
    world.client = world.register(json!({"subject_type": "pairwise", "backchannel_logout_uri": back})).await;
    let browser = world.server.browser();
    let login = json!({"subject": "ada", "remember": true, "force_subject_identifier": "somebody"});
    let challenge = world.signed_in(&browser, &[], login).await;
    let next = world.decide("consent", "accept", &challenge, json!({"grant_scope": ["openid"]})).await;
    assert!(query(&location(&browser.get(next).await), "code").is_some());
    send(world.server.api().delete(world.server.admin("/admin/oauth2/auth/sessions/login?subject=ada"))).await;
    let told = claims(&target.wait_for(1).await[0]);
    assert_eq!(told["sub"], "somebody");
    assert!(!told.to_string().contains("ada"), "{told}");
}
