//! Pushed authorization requests (RFC 9126).

use std::time::Duration;

use orrery_testkit::{Backend, Browser, on_both_databases};
use reqwest::Response;
use serde_json::{Value, json};
use url::Url;

use super::world::{CONSENT_APP, World, body, location, query, told};
use crate::oauth2::dpop::Holder;
use crate::stage::{jwt_part, merge, send};

on_both_databases!(a_proof_beside_a_pushed_request_binds_its_code, whoever_must_push_can_have_somebody_else_sign_in,);

/// A client with a secret.
struct Pusher {
    id: String,
    secret: String,
}

async fn pusher(world: &World, extra: Value) -> Pusher {
    let mut members = json!({"scope": "openid", "token_endpoint_auth_method": "client_secret_post"});
    merge(&mut members, &extra);
    let client = world.registered(members).await;
    let text = |name: &str| client[name].as_str().expect("text").to_owned();
    Pusher { id: text("client_id"), secret: text("client_secret") }
}

async fn push(world: &World, client: &Pusher, changes: &[(&str, &str)]) -> Response {
    push_with(world, client, changes, None).await
}

async fn push_with(world: &World, client: &Pusher, changes: &[(&str, &str)], proof: Option<&str>) -> Response {
    let mut asked = vec![("client_id", client.id.as_str()), ("scope", "openid")];
    asked.extend(changes.iter().copied());
    let url = Url::parse(&world.request(&asked)).expect("a URL");
    let mut form: Vec<_> = url.query_pairs().collect();
    form.push(("client_secret".into(), client.secret.as_str().into()));
    let call = world.server.api().post(world.server.public("/oauth2/par")).form(&form);
    let call = if let Some(proof) = proof { call.header("dpop", proof) } else { call };
    call.send().await.expect("an answer")
}

async fn bring(world: &World, browser: &Browser, client: &str, request_uri: &str) -> Response {
    let mut url = Url::parse(&world.server.public("/oauth2/auth")).expect("a URL");
    url.query_pairs_mut().append_pair("client_id", client).append_pair("request_uri", request_uri);
    browser.get(url).await
}

#[tokio::test]
async fn a_pushed_request_is_good_once_for_its_client_and_for_a_short_time() {
    let world = World::external(Backend::Sqlite).await;
    let (browser, client) = (world.server.browser(), pusher(&world, json!({})).await);
    let answer = push(&world, &client, &[]).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["cache-control"].to_str().ok()), (201, Some("no-store")));
    let pushed = body(answer).await;
    let uri = pushed["request_uri"].as_str().expect("text");
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"), "{uri}");
    assert_eq!(pushed["expires_in"], 90);

    let (status, page) = told(&browser, bring(&world, &browser, &world.client, uri).await).await;
    assert_eq!(status, 400, "another client: {page}");
    // Two tabs; the first decision counts.
    let one =
        query(&location(&bring(&world, &browser, &client.id, uri).await), "login_challenge").expect("a challenge");
    let two =
        query(&location(&bring(&world, &browser, &client.id, uri).await), "login_challenge").expect("a challenge");
    world.decide("login", "accept", &one, json!({"subject": "ada"})).await;
    assert_eq!(world.put("login", "accept", &two, &json!({"subject": "ada"})).await.status(), 410);
    let (status, _) = told(&browser, bring(&world, &browser, &client.id, uri).await).await;
    assert_eq!(status, 400);

    let pushed = body(push(&world, &client, &[]).await).await;
    world.server.advance(Duration::from_secs(91));
    let late = bring(&world, &browser, &client.id, pushed["request_uri"].as_str().expect("text")).await;
    assert_eq!(told(&browser, late).await.0, 400);
}

#[tokio::test]
async fn what_is_wrong_is_told_at_once_and_nobody_pushes_for_another() {
    let world = World::external(Backend::Sqlite).await;
    let client = pusher(&world, json!({})).await;
    for (changes, error) in [
        (("redirect_uri", "https://evil.example/"), "invalid_request"),
        (("scope", "openid admin"), "invalid_scope"),
        (("state", "short"), "invalid_state"),
        (("request_uri", "urn:ietf:params:oauth:request_uri:x"), "invalid_request"),
    ] {
        let answer = push(&world, &client, &[changes]).await;
        assert_eq!(answer.status(), 400, "{changes:?}");
        assert_eq!(body(answer).await["error"], error, "{changes:?}");
    }
    let stranger = Pusher { secret: "wrong".to_owned(), id: client.id.clone() };
    assert_eq!(push(&world, &stranger, &[]).await.status(), 401);
}

#[tokio::test]
async fn a_client_that_must_push_cannot_send_the_browser_with_its_request() {
    let world = World::external(Backend::Sqlite).await;
    let client = pusher(&world, json!({"require_pushed_authorization_requests": true})).await;
    let browser = world.server.browser();
    let direct = browser.get(world.request(&[("client_id", &client.id), ("scope", "openid")])).await;
    assert_eq!(told(&browser, direct).await.0, 400);
    let pushed = body(push(&world, &client, &[]).await).await;
    let answer = bring(&world, &browser, &client.id, pushed["request_uri"].as_str().expect("text")).await;
    assert!(query(&location(&answer), "login_challenge").is_some());
}

/// The code of a pushed request that Ada consents to.
async fn code(world: &World, client: &Pusher, pushed: Response) -> String {
    let pushed = body(pushed).await;
    let browser = world.server.browser();
    let answer = bring(world, &browser, &client.id, pushed["request_uri"].as_str().expect("text")).await;
    let challenge = query(&location(&answer), "login_challenge").expect("a challenge");
    let next = world.decide("login", "accept", &challenge, json!({"subject": "ada"})).await;
    consented(world, &browser, next).await
}

async fn consented(world: &World, browser: &Browser, next: String) -> String {
    let url = location(&browser.get(next).await);
    assert!(url.as_str().starts_with(CONSENT_APP), "{url}");
    let challenge = query(&url, "consent_challenge").expect("a challenge");
    let next = world.decide("consent", "accept", &challenge, json!({"grant_scope": ["openid"]})).await;
    query(&location(&browser.get(next).await), "code").expect("a code")
}

/// RFC 9449 section 10.1.
async fn a_proof_beside_a_pushed_request_binds_its_code(backend: Backend) {
    let world = World::external(backend).await;
    let client = pusher(&world, json!({})).await;
    let [holder, thief] = [(); 2].map(|()| Holder::at(world.server.public("/oauth2/par")));
    let redeem = async |code: &str, proof: Option<&str>| {
        let call = world.redeem(code, &[("client_id", &client.id), ("client_secret", &client.secret)]);
        send(if let Some(proof) = proof { call.header("dpop", proof) } else { call }).await
    };
    let token_endpoint = world.server.public("/oauth2/token");
    let proof = |holder: &Holder, jti: &str| holder.proof(&json!({"htu": token_endpoint, "jti": jti}));

    let pushed = push_with(&world, &client, &[], Some(&holder.proof(&json!({})))).await;
    assert_eq!(pushed.status(), 201);
    let code = code(&world, &client, pushed).await;
    for wrong in [None, Some(proof(&thief, "2"))] {
        assert_eq!(redeem(&code, wrong.as_deref()).await.expect(400).body["error"], "invalid_grant", "{wrong:?}");
    }
    let tokens = redeem(&code, Some(&proof(&holder, "3"))).await.expect(200).body;
    assert_eq!(tokens["token_type"], "DPoP");

    // Whoever names a key and proves another means one of them, and nobody knows which.
    let (own, other) = (holder.thumbprint(), thief.thumbprint());
    for (named, jti, status) in [(&own, "4", 201), (&other, "5", 400)] {
        let answer =
            push_with(&world, &client, &[("dpop_jkt", named)], Some(&holder.proof(&json!({"jti": jti})))).await;
        assert_eq!(answer.status(), status, "{jti}");
    }
    for wrong in [holder.proof(&json!({"jti": "4"})), proof(&holder, "6"), "x.y.z".to_owned()] {
        let refused = push_with(&world, &client, &[], Some(&wrong)).await;
        assert_eq!(refused.status(), 400);
        assert_eq!(body(refused).await["error"], "invalid_dpop_proof");
    }
}

async fn whoever_must_push_can_have_somebody_else_sign_in(backend: Backend) {
    let world = World::external(backend).await;
    let client = pusher(&world, json!({"require_pushed_authorization_requests": true})).await;
    let browser = world.server.browser();
    let begin = async || {
        let pushed = body(push(&world, &client, &[("prompt", "consent")]).await).await;
        let uri = pushed["request_uri"].as_str().expect("text").to_owned();
        let answer = bring(&world, &browser, &client.id, &uri).await;
        (uri, query(&location(&answer), "login_challenge").expect("a challenge"))
    };
    let (_, challenge) = begin().await;
    let next = world.decide("login", "accept", &challenge, json!({"subject": "ada", "remember": true})).await;
    consented(&world, &browser, next).await;

    let (uri, challenge) = begin().await;
    assert_eq!(body(world.read("login", &challenge).await).await["subject"], "ada");
    let next = world.decide("login", "accept", &challenge, json!({"subject": "bob"})).await;
    let url = Url::parse(&next).expect("an address");
    assert_eq!((query(&url, "prompt").as_deref(), query(&url, "login_verifier")), (Some("login"), None));
    let stranger = world.server.browser();
    assert_eq!(told(&stranger, stranger.get(&next).await).await.0, 403, "it is not a link for others");
    let again = query(&location(&browser.get(&next).await), "login_challenge").expect("a challenge");
    let asked = body(world.read("login", &again).await).await;
    assert_eq!((&asked["skip"], &asked["subject"]), (&json!(false), &json!("")));
    let request = asked["request_url"].as_str().expect("an address");
    assert!(request.contains("prompt=consent+login") && request.contains("a+state+of+some+length"), "{request}");
    let next = world.decide("login", "accept", &again, json!({"subject": "bob"})).await;
    let code = consented(&world, &browser, next).await;
    let changes = [("client_id", client.id.as_str()), ("client_secret", &client.secret)];
    let tokens = send(world.redeem(&code, &changes)).await.expect(200).body;
    assert_eq!(jwt_part(tokens["id_token"].as_str().expect("a token"), 1)["sub"], "bob");
    // It was one request, and is good for one decision.
    assert_eq!(world.put("login", "accept", &challenge, &json!({"subject": "ada"})).await.status(), 410);
    assert_eq!(told(&browser, bring(&world, &browser, &client.id, &uri).await).await.0, 400);
}
