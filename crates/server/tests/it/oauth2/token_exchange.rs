//! `token-exchange` (RFC 8693): what a client that was handed a token may get for it, and what not.

use std::time::Duration;

use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::assertion_grant::Issuer;
use super::token_endpoint::{basic, introspect, post};
use super::{call, create, refusal};
use crate::authorize::world::{location, query};
use crate::stage::{Answer, Stage, jwt_part, merge, send};

on_both_databases!(
    a_service_gets_a_token_for_the_next_service,
    an_actor_is_named_in_front_of_those_before,
    what_was_exchanged_ends_with_what_it_was_exchanged_for,
    nobody_gets_more_than_the_token_is_good_for,
    tokens_that_are_not_good_are_refused,
    an_id_token_stands_for_what_was_granted_in_its_session,
    a_trusted_issuer_vouches_for_a_subject_once,
);

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ID: &str = "urn:ietf:params:oauth:token-type:id_token";
const CALLBACK: &str = "https://app.example/callback";
const SECRET: &str = "a-secret-of-some-length";

/// An application that people use, and two services behind it, each of which may call the next.
async fn stage(backend: Backend) -> Stage {
    let urls = json!({"login": "https://apps.example/login", "consent": "https://apps.example/consent"});
    let stage = Stage::with(backend, json!({"oauth2": {"urls": urls}})).await;
    let registered = async |id: &str, changes: Value| {
        let mut client = json!({
            "client_id": id, "client_secret": SECRET, "redirect_uris": [CALLBACK], "response_types": ["code"],
            "grant_types": [GRANT, "client_credentials", "authorization_code", "refresh_token"],
            "scope": "openid offline read write",
        });
        merge(&mut client, &changes);
        create(&stage, client).await;
    };
    registered("app", json!({"audience": ["orders", "https://api.example"]})).await;
    registered("orders", json!({"audience": ["stock", "https://stock.example"], "scope": "read write.*"})).await;
    registered("stock", json!({"audience": ["orders"], "access_token_strategy": "jwt"})).await;
    stage
}

async fn token(stage: &Stage, client: &str, pairs: &[(&str, &str)]) -> Answer {
    send(post(stage, "/oauth2/token", pairs).header("authorization", basic(client, SECRET))).await
}

async fn exchange(stage: &Stage, client: &str, subject: &str, more: &[(&str, &str)]) -> Answer {
    let mut pairs = vec![("grant_type", GRANT), ("subject_token", subject)];
    if !more.iter().any(|(name, _)| *name == "subject_token_type") {
        pairs.push(("subject_token_type", ACCESS));
    }
    pairs.extend(more);
    token(stage, client, &pairs).await
}

/// The access token of an answer.
async fn exchanged(stage: &Stage, client: &str, subject: &str, more: &[(&str, &str)]) -> String {
    let answer = exchange(stage, client, subject, more).await.expect(200);
    answer.body["access_token"].as_str().expect("a token").to_owned()
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().expect("text")
}

/// What Ada lets the application do. `claims` go into the access token.
async fn ada(stage: &Stage, audience: &str, claims: Value) -> Value {
    let browser = stage.browser();
    let decide = async |kind: &str, challenge: &str, body: Value| {
        let path = format!("/admin/oauth2/auth/requests/{kind}/accept?{kind}_challenge={challenge}");
        let answer = call(stage, Method::PUT, &path, &body).await.expect(200);
        text(&answer.body, "redirect_to").to_owned()
    };
    let mut url = Url::parse(&stage.public_url()).and_then(|url| url.join("/oauth2/auth")).expect("an address");
    url.query_pairs_mut().extend_pairs([
        ("client_id", "app"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid offline read"),
        ("state", "a state of some length"),
        ("audience", audience),
    ]);
    let login = query(&location(&browser.get(url).await), "login_challenge").expect("a challenge");
    let next = decide("login", &login, json!({"subject": "ada"})).await;
    let consent = query(&location(&browser.get(next).await), "consent_challenge").expect("a challenge");
    let granted = json!({
        "grant_scope": ["openid", "offline", "read"], "grant_access_token_audience": audience.split(' ').collect::<Vec<_>>(),
        "session": {"access_token": claims},
    });
    let next = decide("consent", &consent, granted).await;
    let code = query(&location(&browser.get(next).await), "code").expect("a code");
    let pairs = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
    token(stage, "app", &pairs).await.expect(200).body
}

async fn active(stage: &Stage, token: &str) -> bool {
    introspect(stage, token).await["active"] == true
}

async fn a_service_gets_a_token_for_the_next_service(backend: Backend) {
    let stage = stage(backend).await;
    let tokens = ada(&stage, "orders https://api.example", json!({"role": "buyer"})).await;
    let asked = [("resource", "https://stock.example/v1"), ("scope", "read")];
    let answer = exchange(&stage, "orders", text(&tokens, "access_token"), &asked).await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!((&answer.body["issued_token_type"], &answer.body["token_type"]), (&json!(ACCESS), &json!("bearer")));
    assert!(answer.body.get("refresh_token").is_none() && answer.body.get("id_token").is_none(), "{}", answer.body);
    let told = introspect(&stage, text(&answer.body, "access_token")).await;
    assert_eq!((&told["sub"], &told["client_id"], &told["scope"]), (&json!("ada"), &json!("orders"), &json!("read")));
    assert_eq!((&told["aud"], &told["ext"]["role"]), (&json!(["https://stock.example/v1"]), &json!("buyer")));
    assert!(told.get("act").is_none() && told.get("obfuscated_subject").is_none(), "nobody else acts: {told}");
    // Without a wish it is good for as much as it can be.
    let answer = exchange(&stage, "orders", text(&tokens, "access_token"), &[]).await.expect(200);
    assert_eq!(answer.body["scope"], "read");
    // Not longer than the token that it was exchanged for.
    stage.advance(Duration::from_secs(3000));
    let answer = exchange(&stage, "orders", text(&tokens, "access_token"), &[]).await.expect(200);
    assert_eq!(answer.body["expires_in"], 600);
}

async fn an_actor_is_named_in_front_of_those_before(backend: Backend) {
    let stage = stage(backend).await;
    let tokens = ada(&stage, "orders", json!({})).await;
    let itself = [("grant_type", "client_credentials"), ("scope", "read")];
    let actor = |tokens: Answer| text(&tokens.expect(200).body, "access_token").to_owned();
    let orders = actor(token(&stage, "orders", &itself).await);
    let asked = [("actor_token", orders.as_str()), ("actor_token_type", ACCESS), ("audience", "stock")];
    let first = exchanged(&stage, "orders", text(&tokens, "access_token"), &asked).await;
    let issuer = stage.public_url().trim_end_matches('/').to_owned();
    let act = json!({"sub": "orders", "iss": issuer});
    assert_eq!(introspect(&stage, &first).await["act"], act);
    let stock = actor(token(&stage, "stock", &itself).await);
    let asked = [("actor_token", stock.as_str()), ("actor_token_type", JWT), ("requested_token_type", JWT)];
    let answer = exchange(&stage, "stock", &first, &asked).await.expect(200);
    assert_eq!(answer.body["issued_token_type"], JWT);
    let second = text(&answer.body, "access_token");
    let claims = jwt_part(second, 1);
    assert_eq!(claims["act"], json!({"sub": "stock", "iss": issuer, "act": act}));
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("ada"), &json!("stock")));
    // Whoever goes on without naming an actor does not hide who acted before.
    let passed = exchanged(&stage, "stock", second, &[("subject_token_type", JWT)]).await;
    assert_eq!(introspect(&stage, &passed).await["act"]["act"], act);
    // No chain without an end.
    let mut token = passed;
    let more = [("actor_token", stock.as_str()), ("actor_token_type", ACCESS)];
    for _ in 0..6 {
        token = exchanged(&stage, "stock", &token, &more).await;
    }
    assert!(refusal(&exchange(&stage, "stock", &token, &more).await).2.contains("8 actors"));
}

async fn what_was_exchanged_ends_with_what_it_was_exchanged_for(backend: Backend) {
    let stage = stage(backend).await;
    let tokens = ada(&stage, "orders", json!({})).await;
    let first = exchanged(&stage, "orders", text(&tokens, "access_token"), &[("audience", "stock")]).await;
    let second = exchanged(&stage, "stock", &first, &[("audience", "orders")]).await;
    let beside = exchanged(&stage, "orders", text(&tokens, "access_token"), &[]).await;
    let revoke = async |client: &str, token: &str| {
        let call = post(&stage, "/oauth2/revoke", &[("token", token)]);
        send(call.header("authorization", basic(client, SECRET))).await.expect(200);
    };
    // A service ends what it got, and what came of it, and nothing of the application's.
    revoke("orders", &first).await;
    assert!(!active(&stage, &first).await && !active(&stage, &second).await);
    assert!(active(&stage, &beside).await && active(&stage, text(&tokens, "access_token")).await);
    assert!(active(&stage, text(&tokens, "refresh_token")).await);
    // Ada's application ends everything.
    revoke("app", text(&tokens, "access_token")).await;
    assert!(!active(&stage, &beside).await);
    let refused = exchange(&stage, "orders", text(&tokens, "access_token"), &[]).await;
    assert_eq!(refusal(&refused).1, "invalid_request");
    // So does Ada.
    let tokens = ada(&stage, "orders", json!({})).await;
    let derived = exchanged(&stage, "orders", text(&tokens, "access_token"), &[]).await;
    let path = "/admin/oauth2/auth/sessions/consent?subject=ada&all=true";
    send(stage.admin(Method::DELETE, path)).await.expect(204);
    assert!(!active(&stage, &derived).await);
}

async fn nobody_gets_more_than_the_token_is_good_for(backend: Backend) {
    let stage = stage(backend).await;
    let tokens = ada(&stage, "orders https://api.example/v1", json!({})).await;
    let subject = text(&tokens, "access_token");
    for (client, more, error) in [
        // The client is registered for it, and Ada did not grant it; the other way round; and what is Ada's own.
        ("orders", ("scope", "write.all"), "invalid_scope"),
        ("app", ("scope", "write"), "invalid_scope"),
        ("app", ("scope", "read write"), "invalid_scope"),
        ("app", ("scope", "openid"), "invalid_scope"),
        ("app", ("scope", "offline"), "invalid_scope"),
        // Where the client is not registered, and where its own token was not granted for.
        ("orders", ("audience", "https://api.example"), "invalid_target"),
        ("orders", ("resource", "https://elsewhere.example"), "invalid_target"),
        ("app", ("resource", "https://api.example/v2"), "invalid_target"),
        ("app", ("resource", "no address"), "invalid_target"),
        ("orders", ("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), "invalid_request"),
        ("orders", ("requested_token_type", ID), "invalid_request"),
        ("orders", ("requested_token_type", JWT), "invalid_request"),
    ] {
        let refused = exchange(&stage, client, subject, &[more]).await;
        let (status, code, told) = refusal(&refused);
        assert_eq!((status, code.as_str()), (400, error), "{client} {more:?}: {told}");
    }
    let narrowed =
        exchange(&stage, "app", subject, &[("resource", "https://api.example/v1/a"), ("scope", "read")]).await;
    assert_eq!(narrowed.expect(200).body["scope"], "read");
    // What was narrowed stays narrow.
    let none = exchanged(&stage, "orders", subject, &[("audience", "stock"), ("scope", "read")]).await;
    assert_eq!(refusal(&exchange(&stage, "stock", &none, &[("scope", "write")]).await).1, "invalid_scope");
}

async fn tokens_that_are_not_good_are_refused(backend: Backend) {
    let stage = stage(backend).await;
    let elsewhere = ada(&stage, "https://api.example", json!({})).await;
    let tokens = ada(&stage, "orders", json!({"may_act": {"sub": "orders"}})).await;
    let named = ada(&stage, "orders", json!({"may_act": {"sub": "somebody", "iss": "https://else.example"}})).await;
    let odd = ada(&stage, "orders", json!({"may_act": {"sub": "orders", "email": "orders@example.org"}})).await;
    let (good, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    let id_token = text(&tokens, "id_token");
    exchanged(&stage, "orders", good, &[]).await;
    for (client, token, token_type, told) in [
        ("stock", good, ACCESS, "issued to another client"),
        ("orders", text(&elsewhere, "access_token"), ACCESS, "issued to another client"),
        ("orders", text(&named, "access_token"), ACCESS, "may_act"),
        ("orders", text(&odd, "access_token"), ACCESS, "may_act"),
        ("app", good, ACCESS, "may_act"),
        ("app", refresh, ACCESS, "another type"),
        ("app", id_token, ACCESS, "another type"),
        ("app", good, ID, "another type"),
        ("app", good, JWT, "no JWT"),
        ("app", id_token, JWT, "another type"),
        ("orders", id_token, ID, "issued to another client"),
        ("orders", "ory_at_unknown", ACCESS, "unknown"),
        ("orders", good, "urn:ietf:params:oauth:token-type:saml2", "must be one of"),
    ] {
        let refused = exchange(&stage, client, token, &[("subject_token_type", token_type)]).await;
        let (status, code, description) = refusal(&refused);
        assert_eq!((status, code.as_str()), (400, "invalid_request"), "{client} {token_type}: {description}");
        assert!(description.contains(told), "{client} {token_type}: {description}");
    }
    // An actor is judged like a subject, and comes with its type.
    for (more, told) in [
        (vec![("actor_token", "ory_at_unknown"), ("actor_token_type", ACCESS)], "actor_token"),
        (vec![("actor_token", good)], "actor_token_type"),
        (vec![("actor_token_type", ACCESS)], "actor_token"),
    ] {
        assert!(refusal(&exchange(&stage, "orders", good, &more).await).2.contains(told), "{more:?}");
    }
    // `may_act` means whoever acts, and not the client that asks for them.
    let more = [("actor_token", good), ("actor_token_type", ACCESS)];
    assert!(refusal(&exchange(&stage, "orders", good, &more).await).2.contains("may_act"));
    // Whoever is not registered, or cannot prove who it is.
    let public = json!({"client_id": "public", "token_endpoint_auth_method": "none", "grant_types": [GRANT]});
    create(&stage, public).await;
    let other = json!({"client_id": "other", "client_secret": SECRET, "grant_types": ["client_credentials"]});
    create(&stage, other).await;
    let pairs =
        [("grant_type", GRANT), ("client_id", "public"), ("subject_token", good), ("subject_token_type", ACCESS)];
    assert_eq!(refusal(&send(post(&stage, "/oauth2/token", &pairs)).await).1, "unauthorized_client");
    assert_eq!(refusal(&exchange(&stage, "other", good, &[]).await).1, "unauthorized_client");
    stage.advance(Duration::from_secs(3600));
    assert!(refusal(&exchange(&stage, "orders", good, &[]).await).2.contains("expired"));
}

async fn an_id_token_stands_for_what_was_granted_in_its_session(backend: Backend) {
    let stage = stage(backend).await;
    let tokens = ada(&stage, "https://api.example", json!({})).await;
    let id_token = text(&tokens, "id_token");
    let asked = [("subject_token_type", ID), ("audience", "https://api.example/v1")];
    let derived = exchanged(&stage, "app", id_token, &asked).await;
    let told = introspect(&stage, &derived).await;
    assert_eq!((&told["sub"], &told["scope"]), (&json!("ada"), &json!("read")));
    for (more, error) in [(("scope", "write"), "invalid_scope"), (("audience", "orders"), "invalid_target")] {
        let refused = exchange(&stage, "app", id_token, &[("subject_token_type", ID), more]).await;
        assert_eq!(refusal(&refused).1, error, "{more:?}");
    }
    send(stage.admin(Method::DELETE, "/admin/oauth2/auth/sessions/login?subject=ada")).await.expect(204);
    let refused = exchange(&stage, "app", id_token, &[("subject_token_type", ID)]).await;
    assert!(refusal(&refused).2.contains("its sign-in has ended"));
}

async fn a_trusted_issuer_vouches_for_a_subject_once(backend: Backend) {
    let stage = stage(backend).await;
    let issuer = Issuer::trusted(&stage, "grace", &["read"]).await;
    let said = |mut changes: Value| {
        merge(&mut changes, &json!({"act": {"sub": "their agent"}}));
        issuer.assertion(&changes)
    };
    let asked = [("subject_token_type", JWT), ("audience", "stock")];
    let answer = exchange(&stage, "orders", &said(json!({})), &asked).await.expect(200);
    assert_eq!((&answer.body["scope"], &answer.body["expires_in"]), (&json!("read"), &json!(60)));
    let told = introspect(&stage, text(&answer.body, "access_token")).await;
    assert_eq!((&told["sub"], &told["act"]), (&json!("grace"), &json!({"sub": "their agent"})));
    assert_eq!(refusal(&exchange(&stage, "orders", &said(json!({})), &asked).await).1, "jti_known");
    for changes in [
        json!({"jti": "2", "sub": "ada"}),
        json!({"jti": "2", "iss": "https://else.example"}),
        json!({"jti": "2", "aud": "https://else.example"}),
        json!({"jti": "2", "exp": 1_767_225_500}),
        json!({"jti": "2", "may_act": {"sub": "somebody"}}),
    ] {
        let refused = exchange(&stage, "orders", &said(changes.clone()), &asked).await;
        assert_eq!(refusal(&refused).1, "invalid_request", "{changes}");
    }
}
