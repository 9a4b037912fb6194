//! What a code is good for: tokens, userinfo, refreshing, and what happens when somebody else has a copy.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use orrery_testkit::{Backend, Browser, on_both_databases};
use serde_json::{Value, json};

use super::world::{CALLBACK, World, body, query};

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

/// The verifier of the challenge that [`World::request`] sends (RFC 7636 appendix B).
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A public client, Ada's browser, and her consent to `scope`.
async fn code(backend: Backend, scope: &str) -> (World, Browser, String) {
    let mut world = World::external(backend).await;
    world.client = world.register(json!({"token_endpoint_auth_method": "none"})).await;
    let browser = world.server.browser();
    let code = another(&world, &browser, scope).await;
    (world, browser, code)
}

async fn another(world: &World, browser: &Browser, scope: &str) -> String {
    let granted: Vec<_> = scope.split(' ').collect();
    let consent = json!({"grant_scope": granted, "session": {
        "id_token": {"email": "ada@example.org", "sub": "somebody else"}, "access_token": {"role": "admin"},
    }});
    let url = world.authorized(browser, &[("scope", scope), ("prompt", "login consent")], consent).await;
    query(&url, "code").expect("a code")
}

async fn post(world: &World, path: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let call = world.server.api().post(world.server.public(path)).body(form);
    let answer = call.header("content-type", "application/x-www-form-urlencoded").send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

async fn redeem(world: &World, code: &str, changes: &[(&str, &str)]) -> (u16, Value) {
    let mut pairs = std::collections::BTreeMap::from([
        ("grant_type", "authorization_code"),
        ("client_id", world.client.as_str()),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    pairs.extend(changes.iter().copied());
    let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    post(world, "/oauth2/token", &pairs).await
}

async fn refresh(world: &World, token: &Value, scope: &str) -> (u16, Value) {
    let token = token.as_str().expect("a token");
    let pairs = [("grant_type", "refresh_token"), ("client_id", world.client.as_str()), ("refresh_token", token)];
    let mut pairs = pairs.to_vec();
    if !scope.is_empty() {
        pairs.push(("scope", scope));
    }
    post(world, "/oauth2/token", &pairs).await
}

async fn tokens(world: &World, code: &str) -> Value {
    let (status, tokens) = redeem(world, code, &[]).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

async fn is_active(world: &World, token: &Value) -> bool {
    let form = format!("token={}", token.as_str().expect("a token"));
    let call = world.server.api().post(world.server.admin("/admin/oauth2/introspect")).body(form);
    let answer = call.header("content-type", "application/x-www-form-urlencoded").send().await.expect("an answer");
    body(answer).await["active"] == true
}

fn payload(token: &Value) -> Value {
    let part = token.as_str().expect("a token").split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

async fn a_code_becomes_tokens_that_say_who_signed_in(backend: Backend) {
    let (world, browser, code) = code(backend, "openid offline photos.read").await;
    let answer = tokens(&world, &code).await;
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("bearer"), &json!(3600)));
    assert_eq!(answer["scope"], "openid offline photos.read");
    let claims = payload(&answer["id_token"]);
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
        let (status, answer) = redeem(&world, &code, &[changes]).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")), "{changes:?}");
    }
    tokens(&world, &code).await;
}

async fn a_stolen_code_ends_what_it_brought(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline").await;
    let answer = tokens(&world, &code).await;
    assert!(is_active(&world, &answer["access_token"]).await);
    let (status, again) = redeem(&world, &code, &[]).await;
    assert_eq!((status, &again["error"]), (400, &json!("invalid_grant")));
    assert!(!is_active(&world, &answer["access_token"]).await);
    assert!(!is_active(&world, &answer["refresh_token"]).await);
    assert_eq!(refresh(&world, &answer["refresh_token"], "").await.0, 400);
}

async fn one_of_sixteen_redemptions_is_served(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline").await;
    let outcomes = join_all((0..16).map(|_| redeem(&world, &code, &[]))).await;
    let served = outcomes.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(served, 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|(status, answer)| *status == 200 || answer["error"] == "invalid_grant"));
}

async fn refreshing_gives_the_next_pair_and_ends_the_last(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline photos.read").await;
    let first = tokens(&world, &code).await;
    world.server.advance(Duration::from_secs(60));
    let (status, second) = refresh(&world, &first["refresh_token"], "").await;
    assert_eq!((status, &second["scope"]), (200, &first["scope"]), "{second}");
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert!(!is_active(&world, &first["access_token"]).await && is_active(&world, &second["access_token"]).await);
    let (old, new) = (payload(&first["id_token"]), payload(&second["id_token"]));
    for kept in ["sub", "nonce", "auth_time", "sid", "rat"] {
        assert_eq!(old[kept], new[kept], "{kept}");
    }
    assert_ne!((&old["jti"], &old["iat"]), (&new["jti"], &new["iat"]));
}

async fn a_client_that_asks_again_gets_the_same_successor(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline").await;
    let first = tokens(&world, &code).await;
    let (_, second) = refresh(&world, &first["refresh_token"], "").await;
    world.server.advance(Duration::from_secs(9));
    let (status, again) = refresh(&world, &first["refresh_token"], "").await;
    assert_eq!((status, &again["refresh_token"]), (200, &second["refresh_token"]));
    assert!(is_active(&world, &again["access_token"]).await && is_active(&world, &second["access_token"]).await);
}

async fn sixteen_refreshes_at_once_make_one_successor(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline").await;
    let first = tokens(&world, &code).await;
    let outcomes = join_all((0..16).map(|_| refresh(&world, &first["refresh_token"], ""))).await;
    let successor = &outcomes[0].1["refresh_token"];
    for (status, answer) in &outcomes {
        assert_eq!((*status, &answer["refresh_token"]), (200, successor), "{answer}");
    }
    world.server.advance(Duration::from_secs(60));
    assert_eq!(refresh(&world, successor, "").await.0, 200);
}

async fn a_stolen_refresh_token_ends_the_family(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline").await;
    let first = tokens(&world, &code).await;
    let (_, second) = refresh(&world, &first["refresh_token"], "").await;
    world.server.advance(Duration::from_secs(11));
    assert!(is_active(&world, &second["access_token"]).await);
    let (status, stolen) = refresh(&world, &first["refresh_token"], "").await;
    assert_eq!((status, &stolen["error"]), (400, &json!("invalid_grant")));
    assert!(!is_active(&world, &second["access_token"]).await, "nobody knows who is the thief");
    assert_eq!(refresh(&world, &second["refresh_token"], "").await.0, 400);
}

async fn refreshing_can_ask_for_less_and_not_for_more(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline photos.read").await;
    let first = tokens(&world, &code).await;
    let (status, more) = refresh(&world, &first["refresh_token"], "openid email").await;
    assert_eq!((status, &more["error"]), (400, &json!("invalid_scope")));
    let (status, less) = refresh(&world, &first["refresh_token"], "photos.read").await;
    assert_eq!((status, &less["scope"]), (200, &json!("photos.read")));
    let (status, all) = refresh(&world, &less["refresh_token"], "").await;
    assert_eq!((status, &all["scope"]), (200, &first["scope"]), "the refresh token keeps what was granted");
}

async fn a_family_ends_with_its_last_moment(backend: Backend) {
    let (world, _, code) = code(backend, "openid offline").await;
    let first = tokens(&world, &code).await;
    world.server.advance(Duration::from_secs(719 * 3600));
    let (status, second) = refresh(&world, &first["refresh_token"], "").await;
    assert_eq!(status, 200, "{second}");
    world.server.advance(Duration::from_secs(720 * 3600));
    let (status, late) = refresh(&world, &second["refresh_token"], "").await;
    assert_eq!((status, &late["error"]), (400, &json!("invalid_grant")));
    let late = another(&world, &world.server.browser(), "openid").await;
    world.server.advance(Duration::from_secs(600));
    assert_eq!(redeem(&world, &late, &[]).await.1["error"], "invalid_grant", "a code lives ten minutes");
}

async fn revoking_a_token_ends_its_family(backend: Backend) {
    let (world, browser, code) = code(backend, "openid offline").await;
    for name in ["access_token", "refresh_token"] {
        let code =
            if name == "access_token" { code.clone() } else { another(&world, &browser, "openid offline").await };
        let answer = tokens(&world, &code).await;
        let pairs = [("client_id", world.client.as_str()), ("token", answer[name].as_str().expect("a token"))];
        assert_eq!(post(&world, "/oauth2/revoke", &pairs).await.0, 200);
        assert!(!is_active(&world, &answer["access_token"]).await, "{name}");
        assert!(!is_active(&world, &answer["refresh_token"]).await, "{name}");
    }
}
