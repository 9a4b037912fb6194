//! Access tokens that rest nowhere: what they are good for here, and that nobody is told that they were revoked.

use std::time::Duration;

use orrery_testkit::{Backend, Browser, on_both_databases};
use serde_json::{Value, json};

use super::world::{CONSENT_APP, LOGIN_APP, World, location, query};
use crate::stage::{Answer, jwt_part, merge, send};

on_both_databases!(
    it_says_who_signed_in_until_what_was_granted_is_taken_back,
    it_tells_nothing_of_whoever_is_disabled,
    revoking_it_ends_what_can_be_ended_and_says_so,
    it_is_exchanged_while_its_grant_lasts,
    a_client_of_the_same_name_does_not_inherit_it,
);

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const SCOPE: &str = "openid offline userinfo_credential_draft_00";

async fn world(backend: Backend) -> World {
    let oauth2 = json!({
        "urls": {"login": LOGIN_APP, "consent": CONSENT_APP}, "strategies": {"access_token": "stateless_jwt"},
    });
    let mut world = World::with(backend, json!({"oauth2": oauth2})).await;
    world.client = public(&world, json!({})).await;
    world
}

async fn public(world: &World, changes: Value) -> String {
    let mut members = json!({"token_endpoint_auth_method": "none", "scope": SCOPE});
    merge(&mut members, &changes);
    world.register(members).await
}

async fn tokens(world: &World, browser: &Browser) -> Value {
    let code = world.code(browser, SCOPE, json!({"id_token": {"email": "ada@example.org"}})).await;
    send(world.redeem(&code, &[])).await.expect(200).body
}

async fn userinfo(world: &World, token: &Value) -> Answer {
    send(world.server.api().get(world.server.public("/userinfo")).bearer_auth(text(token))).await
}

async fn credential(world: &World, token: &Value) -> Answer {
    let body = json!({"format": "jwt_vc_json", "types": ["VerifiableCredential", "UserInfoCredential"]});
    let call = world.server.api().post(world.server.public("/credentials")).json(&body);
    send(call.bearer_auth(text(token))).await
}

async fn is_active(world: &World, token: &Value) -> bool {
    let call = world.server.api().post(world.server.admin("/admin/oauth2/introspect"));
    send(call.form(&[("token", text(token))])).await.expect(200).body["active"] == true
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

async fn it_says_who_signed_in_until_what_was_granted_is_taken_back(backend: Backend) {
    let world = world(backend).await;
    let tokens = tokens(&world, &world.server.browser()).await;
    let access = &tokens["access_token"];
    let told = userinfo(&world, access).await.expect(200).body;
    assert_eq!((&told["sub"], &told["email"]), (&json!("ada"), &json!("ada@example.org")));
    assert_eq!(credential(&world, access).await.expect(400).body["error"], "missing_proof", "it asks for a proof");
    // What a token says of its family nobody can make up.
    let forged = text(access).replace('.', "x.");
    userinfo(&world, &json!(forged)).await.expect(401);
    let path = "/admin/oauth2/auth/sessions/consent?subject=ada&all=true";
    send(world.server.api().delete(world.server.admin(path))).await.expect(204);
    for refused in [userinfo(&world, access).await, credential(&world, access).await] {
        assert_eq!(refused.expect(401).body["error"], "invalid_token");
    }
}

async fn it_tells_nothing_of_whoever_is_disabled(backend: Backend) {
    let oauth2 = json!({"strategies": {"access_token": "stateless_jwt"}});
    let mut world = World::with(backend, json!({"oauth2": oauth2})).await;
    world.client = public(&world, json!({"skip_consent": true})).await;
    let browser = world.server.browser();
    let ada = world.with_account(&browser, "ada").await;
    let code = query(&location(&browser.get(world.request(&[("scope", "openid")])).await), "code").expect("a code");
    let tokens = send(world.redeem(&code, &[])).await.expect(200).body;
    let told = userinfo(&world, &tokens["access_token"]).await.expect(200).body;
    assert_eq!(told["sub"], json!(ada));
    let patch = json!([{"op": "replace", "path": "/state", "value": "inactive"}]);
    let call = world.server.api().patch(world.server.admin(&format!("/admin/identities/{ada}")));
    send(call.json(&patch)).await.expect(200);
    userinfo(&world, &tokens["access_token"]).await.expect(401);
}

async fn revoking_it_ends_what_can_be_ended_and_says_so(backend: Backend) {
    let world = world(backend).await;
    let other = public(&world, json!({})).await;
    let tokens = tokens(&world, &world.server.browser()).await;
    let revoke = async |client: &str, token: &Value| {
        send(world.form("/oauth2/revoke", &[("client_id", client), ("token", text(token))])).await
    };
    revoke(&other, &tokens["access_token"]).await.expect(200);
    assert!(is_active(&world, &tokens["refresh_token"]).await, "it is not theirs to end");
    let refused = revoke(&world.client, &tokens["access_token"]).await.expect(400);
    assert_eq!(refused.body["error"], "unsupported_token_type");
    assert!(!is_active(&world, &tokens["refresh_token"]).await, "no other follows it");
    assert!(is_active(&world, &tokens["access_token"]).await, "as was said");
    revoke(&world.client, &json!("eyJ.x.y")).await.expect(200);
    world.server.advance(Duration::from_secs(3600));
    revoke(&world.client, &tokens["access_token"]).await.expect(200);
}

async fn it_is_exchanged_while_its_grant_lasts(backend: Backend) {
    let mut world = world(backend).await;
    let members = json!({"grant_types": [EXCHANGE], "token_endpoint_auth_method": "client_secret_post"});
    let service = world.registered(members).await;
    let service = (text(&service["client_id"]).to_owned(), text(&service["client_secret"]).to_owned());
    world.client = public(&world, json!({"audience": [service.0]})).await;
    let browser = world.server.browser();
    let consent = json!({"grant_scope": ["openid"], "grant_access_token_audience": [service.0]});
    let asked = [("scope", "openid"), ("audience", service.0.as_str())];
    let code = query(&world.authorized(&browser, &asked, consent).await, "code").expect("a code");
    let token = send(world.redeem(&code, &[])).await.expect(200).body["access_token"].clone();
    let exchange = async || {
        let pairs = [
            ("grant_type", EXCHANGE),
            ("client_id", service.0.as_str()),
            ("client_secret", service.1.as_str()),
            ("subject_token", text(&token)),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ];
        send(world.form("/oauth2/token", &pairs)).await
    };
    let exchanged = exchange().await.expect(200).body;
    let (before, after) = (jwt_part(text(&token), 1), jwt_part(text(&exchanged["access_token"]), 1));
    assert_eq!((&after["grant_id"], &after["sub"]), (&before["grant_id"], &json!("ada")), "of the same family");
    // Whoever was handed it cannot end what belongs to somebody else.
    let pairs = [
        ("client_id", service.0.as_str()),
        ("client_secret", service.1.as_str()),
        ("token", text(&exchanged["access_token"])),
    ];
    assert_eq!(send(world.form("/oauth2/revoke", &pairs)).await.body["error"], "unsupported_token_type");
    exchange().await.expect(200);
    let path = "/admin/oauth2/auth/sessions/consent?subject=ada&all=true";
    send(world.server.api().delete(world.server.admin(path))).await.expect(204);
    assert_eq!(exchange().await.expect(400).body["error"], "invalid_request");
}

async fn a_client_of_the_same_name_does_not_inherit_it(backend: Backend) {
    let mut world = world(backend).await;
    let named = json!({"client_id": "reborn"});
    world.client = public(&world, named.clone()).await;
    let tokens = tokens(&world, &world.server.browser()).await;
    assert!(is_active(&world, &tokens["access_token"]).await);
    send(world.server.api().delete(world.server.admin("/admin/clients/reborn"))).await.expect(204);
    world.server.advance(Duration::from_secs(1));
    public(&world, named).await;
    assert!(!is_active(&world, &tokens["access_token"]).await);
    userinfo(&world, &tokens["access_token"]).await.expect(401);
}
