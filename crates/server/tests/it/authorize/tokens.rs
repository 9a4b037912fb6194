//! What a code is good for: tokens, userinfo, refreshing, and what happens when somebody else has a copy.

use std::time::Duration;

use futures_util::future::join_all;
use orrery_testkit::{Backend, Browser, on_both_databases};
use serde_json::{Value, json};

use super::world::{World, body};
use crate::stage::{Answer, jwt_part, send};

on_both_databases!(
    a_code_becomes_tokens_that_say_who_signed_in,
    a_code_is_good_for_one_client_one_address_and_one_verifier,
    a_stolen_code_ends_what_it_brought,
    one_of_sixteen_redemptions_is_served,
    refreshing_gives_the_next_pair_and_ends_the_last,
    a_client_that_asks_again_gets_the_same_successor,
    sixteen_refreshes_at_once_make_one_successor,
    a_stolen_refresh_token_ends_the_family,
    refreshing_can_ask_for_less_and_not_for_more,
    a_family_ends_with_its_last_moment,
    revoking_a_token_ends_its_family,
);

/// A public client, Ada's browser, and her consent to `scope`.
async fn code(backend: Backend, scope: &str) -> (World, Browser, String) {
    let mut world = World::external(backend).await;
    world.client = world.register(json!({"token_endpoint_auth_method": "none"})).await;
    let browser = world.server.browser();
    let code = another(&world, &browser, scope).await;
    (world, browser, code)
}

async fn another(world: &World, browser: &Browser, scope: &str) -> String {
    let session = json!({
        "id_token": {"email": "ada@example.org", "sub": "somebody else"}, "access_token": {"role": "admin"},
    });
    world.code(browser, scope, session).await
}

async fn refresh(world: &World, token: &Value, scope: &str) -> Answer {
    let client = ("client_id", world.client.as_str());
    let mut pairs = vec![("grant_type", "refresh_token"), client, ("refresh_token", text(token))];
    if !scope.is_empty() {
        pairs.push(("scope", scope));
    }
    send(world.form("/oauth2/token", &pairs)).await
}

async fn tokens(world: &World, code: &str) -> Value {
    send(world.redeem(code, &[])).await.expect(200).body
}

async fn is_active(world: &World, token: &Value) -> bool {
    let call = world.server.api().post(world.server.admin("/admin/oauth2/introspect"));
    send(call.form(&[("token", text(token))])).await.expect(200).body["active"] == true
}

/// The status and the error of a refusal.
fn refusal(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), text(&answer.body["error"]))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

async fn a_code_becomes_tokens_that_say_who_signed_in(backend: Backend) {
    let (world, browser, code) = code(backend, "openid offline photos.read").await;
    let answer = tokens(&world, &code).await;
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("bearer"), &json!(3600)));
    assert_eq!(answer["scope"], "openid offline photos.read");
    let claims = jwt_part(text(&answer["id_token"]), 1);
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!("ada"), &json!([world.client])), "nobody else may say who");
    assert_eq!((&claims["nonce"], &claims["email"]), (&json!("a nonce of some length"), &json!("ada@example.org")));
    for name in ["iss", "exp", "iat", "auth_time", "rat", "jti", "sid", "at_hash"] {
        assert!(!claims[name].is_null(), "{name} in {claims}");
    }
    let call = world.server.api().get(world.server.public("/userinfo"));
    let call = call.bearer_auth(answer["access_token"].as_str().expect("a token"));
    let seen = body(call.send().await.expect("an answer")).await;
    assert_eq!(
        (&seen["sub"], &seen["email"], &seen["iss"]),
        (&json!("ada"), &json!("ada@example.org"), &claims["iss"])
    );
    for hidden in ["nonce", "at_hash", "exp", "sid", "jti"] {
        assert_eq!(seen.get(hidden), None, "{hidden}");
    }
    let wrong = world.server.api().get(world.server.public("/userinfo"));
    let wrong = wrong.bearer_auth(answer["refresh_token"].as_str().expect("a token")).send().await.expect("an answer");
    assert_eq!(wrong.status(), 401, "a refresh token tells nothing");
    assert!(wrong.headers()["www-authenticate"].to_str().expect("text").starts_with("Bearer error=\"invalid_token\""));
    let plain = another(&world, &browser, "photos.read").await;
    let plain = tokens(&world, &plain).await;
    assert_eq!((plain.get("id_token"), plain.get("refresh_token")), (None, None));
    let call = world.server.api().get(world.server.public("/userinfo"));
    let refused = call.bearer_auth(plain["access_token"].as_str().expect("a token")).send().await.expect("an answer");
    assert_eq!(refused.status(), 403, "without `openid`");
}

async fn a_code_is_good_for_one_client_one_address_and_one_verifier(backend: Backend) {
    let (world, _, code) = code(backend, "openid").await;
    let other = world.register(json!({"token_endpoint_auth_method": "none"})).await;
    for changes in [
        ("client_id", other.as_str()),
        ("redirect_uri", "https://app.example/callback/"),
        ("redirect_uri", ""),
        ("code_verifier", ""),
        ("code_verifier", "another-verifier-that-is-long-enough-to-be-one"),
        ("code", "ory_ac_unknown"),
    ] {
        let refused = send(world.redeem(&code, &[changes])).await;
        assert_eq!(refusal(&refused), (400, "invalid_grant"), "{changes:?}");
    }
    tokens(&world, &code).await;
}

async fn a_stolen_code_ends_what_it_brought(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline").await;
    let answer = tokens(&world, &code).await;
    assert!(is_active(&world, &answer["access_token"]).await);
    assert_eq!(refusal(&send(world.redeem(&code, &[])).await), (400, "invalid_grant"));
    assert!(!is_active(&world, &answer["access_token"]).await);
    assert!(!is_active(&world, &answer["refresh_token"]).await);
    assert_eq!(refresh(&world, &answer["refresh_token"], "").await.status, 400);
}

async fn one_of_sixteen_redemptions_is_served(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline").await;
    let outcomes = join_all((0..16).map(|_| send(world.redeem(&code, &[])))).await;
    let served = outcomes.iter().filter(|outcome| outcome.status == 200).count();
    assert_eq!(served, 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| outcome.status == 200 || outcome.body["error"] == "invalid_grant"));
}

async fn refreshing_gives_the_next_pair_and_ends_the_last(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline photos.read").await;
    let first = tokens(&world, &code).await;
    world.server.advance(Duration::from_secs(60));
    let second = refresh(&world, &first["refresh_token"], "").await.expect(200).body;
    assert_eq!(second["scope"], first["scope"], "{second}");
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert!(!is_active(&world, &first["access_token"]).await && is_active(&world, &second["access_token"]).await);
    let (old, new) = (jwt_part(text(&first["id_token"]), 1), jwt_part(text(&second["id_token"]), 1));
    for kept in ["sub", "nonce", "auth_time", "sid", "rat"] {
        assert_eq!(old[kept], new[kept], "{kept}");
    }
    assert_ne!((&old["jti"], &old["iat"]), (&new["jti"], &new["iat"]));
}

async fn a_client_that_asks_again_gets_the_same_successor(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline").await;
    let first = tokens(&world, &code).await;
    let second = refresh(&world, &first["refresh_token"], "").await.expect(200).body;
    world.server.advance(Duration::from_secs(9));
    let again = refresh(&world, &first["refresh_token"], "").await.expect(200).body;
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    assert!(is_active(&world, &again["access_token"]).await && is_active(&world, &second["access_token"]).await);
}

async fn sixteen_refreshes_at_once_make_one_successor(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline").await;
    let first = tokens(&world, &code).await;
    let outcomes = join_all((0..16).map(|_| refresh(&world, &first["refresh_token"], ""))).await;
    let successor = &outcomes[0].body["refresh_token"];
    for Answer { status, body, .. } in &outcomes {
        assert_eq!((status.as_u16(), &body["refresh_token"]), (200, successor), "{body}");
    }
    world.server.advance(Duration::from_secs(60));
    refresh(&world, successor, "").await.expect(200);
}

async fn a_stolen_refresh_token_ends_the_family(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline").await;
    let first = tokens(&world, &code).await;
    let second = refresh(&world, &first["refresh_token"], "").await.expect(200).body;
    world.server.advance(Duration::from_secs(11));
    assert!(is_active(&world, &second["access_token"]).await);
    assert_eq!(refusal(&refresh(&world, &first["refresh_token"], "").await), (400, "invalid_grant"));
    assert!(!is_active(&world, &second["access_token"]).await, "nobody knows who is the thief");
    assert_eq!(refresh(&world, &second["refresh_token"], "").await.status, 400);
}

async fn refreshing_can_ask_for_less_and_not_for_more(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline photos.read").await;
    let first = tokens(&world, &code).await;
    let more = refresh(&world, &first["refresh_token"], "openid email").await;
    assert_eq!(refusal(&more), (400, "invalid_scope"));
    let less = refresh(&world, &first["refresh_token"], "photos.read").await.expect(200).body;
    assert_eq!(less["scope"], "photos.read");
    let all = refresh(&world, &less["refresh_token"], "").await.expect(200).body;
    assert_eq!(all["scope"], first["scope"], "the refresh token keeps what was granted");
}

async fn a_family_ends_with_its_last_moment(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline").await;
    let first = tokens(&world, &code).await;
    world.server.advance(Duration::from_secs(719 * 3600));
    let second = refresh(&world, &first["refresh_token"], "").await.expect(200).body;
    world.server.advance(Duration::from_secs(720 * 3600));
    assert_eq!(refusal(&refresh(&world, &second["refresh_token"], "").await), (400, "invalid_grant"));
    let late = another(&world, &world.server.browser(), "openid").await;
    world.server.advance(Duration::from_secs(600));
    assert_eq!(refusal(&send(world.redeem(&late, &[])).await).1, "invalid_grant", "a code lives ten minutes");
}

async fn revoking_a_token_ends_its_family(backend: Backend) {
    let (world, browser, code) = code(backend, "openid offline").await;
    for name in ["access_token", "refresh_token"] {
        let code =
            if name == "access_token" { code.clone() } else { another(&world, &browser, "openid offline").await };
        let answer = tokens(&world, &code).await;
        let pairs = [("client_id", world.client.as_str()), ("token", answer[name].as_str().expect("a token"))];
        send(world.form("/oauth2/revoke", &pairs)).await.expect(200);
        assert!(!is_active(&world, &answer["access_token"]).await, "{name}");
        assert!(!is_active(&world, &answer["refresh_token"]).await, "{name}");
    }
}
