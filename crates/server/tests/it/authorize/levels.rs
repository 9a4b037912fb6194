//! Levels of sign-in: `acr_values` and the claim `acr`, and the way to the second factor.

use orrery_testkit::{Backend, Browser, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::world::{LOGIN_APP, World, body, location, query};
use crate::stage::{jwt_part, send};

on_both_databases!(whoever_can_do_better_is_sent_to_the_second_factor);

const EMAIL: &str = "ada@example.org";
/// A client that insists.
const INSISTS: &str = r#"{"id_token":{"acr":{"essential":true,"values":["aal2"]}}}"#;

/// A server on which one factor is enough to be signed in, and codes are a second one.
async fn two_factors(backend: Backend) -> (World, Browser) {
    let identity = json!({
        "session": {"whoami": {"required_aal": "aal1"}},
        "selfservice": {"methods": {"code": {"mfa_enabled": true}}},
    });
    signed_in(World::with(backend, json!({"identity": identity})).await).await
}

/// Ada is signed in with her password, and asked for nothing else by a client of the operator's own.
async fn signed_in(mut world: World) -> (World, Browser) {
    let members = json!({"skip_consent": true, "token_endpoint_auth_method": "none"});
    world.client = world.register(members).await;
    let browser = world.server.browser();
    world.with_account(&browser, "ada").await;
    // What is sent from now on is newer than the message of the registration.
    world.server.advance(std::time::Duration::from_secs(1));
    (world, browser)
}

async fn ask(world: &World, browser: &Browser, changes: &[(&str, &str)]) -> Url {
    location(&browser.get(world.request(changes)).await)
}

/// Enters the code that the page sends. Returns where the browser may go on.
async fn step_up(world: &World, browser: &Browser, page: &Url) -> String {
    assert_eq!(query(page, "aal").as_deref(), Some("aal2"), "{page}");
    let flow = body(browser.script(Method::GET, page).send().await.expect("an answer")).await;
    let nodes = flow["ui"]["nodes"].as_array().expect("nodes");
    let token = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token").expect("a token");
    let code = world.server.code_for(EMAIL).await;
    let entered =
        json!({"method": "code", "identifier": EMAIL, "code": code, "csrf_token": token["attributes"]["value"]});
    let action = flow["ui"]["action"].as_str().expect("an address");
    let answer = browser.script(Method::POST, action).json(&entered).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    query(page, "return_to").expect("an address")
}

/// `acr` in the ID token for a code.
async fn acr(world: &World, answer: &Url) -> Value {
    let code = query(answer, "code").expect("a code");
    let tokens = send(world.redeem(&code, &[])).await.expect(200).body;
    jwt_part(tokens["id_token"].as_str().expect("a token"), 1)["acr"].clone()
}

async fn whoever_can_do_better_is_sent_to_the_second_factor(backend: Backend) {
    let (world, browser) = two_factors(backend).await;
    // What is reached already, what nobody offers, and a wish of a client that wants no page.
    for changes in [
        vec![],
        vec![("acr_values", "aal1")],
        vec![("acr_values", "urn:mace:incommon:iap:silver")],
        vec![("acr_values", "aal2"), ("prompt", "none")],
    ] {
        let answer = ask(&world, &browser, &changes).await;
        assert_eq!(acr(&world, &answer).await, "aal1", "{changes:?}");
    }
    let refused = ask(&world, &browser, &[("claims", INSISTS), ("prompt", "none")]).await;
    assert_eq!(query(&refused, "error").as_deref(), Some("login_required"));
    // Nobody gets past the page by going back to where it leads.
    let wished = ask(&world, &browser, &[("acr_values", "aal2")]).await;
    let insisted = ask(&world, &browser, &[("claims", INSISTS)]).await;
    for page in [&wished, &insisted] {
        let back = query(page, "return_to").expect("an address");
        assert_eq!(query(&location(&browser.get(back).await), "aal").as_deref(), Some("aal2"));
    }
    let back = step_up(&world, &browser, &insisted).await;
    let answer = location(&browser.get(back).await);
    assert_eq!(acr(&world, &answer).await, "aal2");
    let answer = location(&browser.get(query(&wished, "return_to").expect("an address")).await);
    assert_eq!(acr(&world, &answer).await, "aal2");
    let answer = ask(&world, &browser, &[("claims", INSISTS), ("prompt", "none")]).await;
    assert_eq!(acr(&world, &answer).await, "aal2", "reached once, it lasts as long as the session");
}

#[tokio::test]
async fn a_client_that_insists_is_told_where_nobody_can_do_better() {
    let (world, browser) = signed_in(World::built_in(Backend::Sqlite).await).await;
    let refused = ask(&world, &browser, &[("claims", INSISTS)]).await;
    assert_eq!(query(&refused, "error").as_deref(), Some("unmet_authentication_requirements"));
    let unheard_of = r#"{"id_token":{"acr":{"essential":true,"value":"urn:x"}}}"#;
    let refused = ask(&world, &browser, &[("claims", unheard_of)]).await;
    assert_eq!(query(&refused, "error").as_deref(), Some("unmet_authentication_requirements"));
    let answer = ask(&world, &browser, &[("acr_values", "aal2")]).await;
    assert_eq!(acr(&world, &answer).await, "aal1", "a wish is a wish");
    let discovery = world.server.public("/.well-known/openid-configuration");
    let discovery = body(world.server.api().get(discovery).send().await.expect("an answer")).await;
    assert_eq!(discovery["acr_values_supported"], json!(["aal1", "aal2"]));
}

#[tokio::test]
async fn somebody_else_than_the_claims_name_is_not_taken_for_them() {
    let (world, browser) = signed_in(World::built_in(Backend::Sqlite).await).await;
    let somebody = r#"{"id_token":{"sub":{"value":"somebody"}}}"#;
    let refused = ask(&world, &browser, &[("claims", somebody)]).await;
    assert_eq!(query(&refused, "error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn a_login_application_has_to_reach_what_is_essential() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    let at = |level: &str| json!({"subject": "ada", "remember": true, "acr": level});
    for (level, error) in [("", true), ("aal1", true), ("aal2", false)] {
        let challenge = world.begin(&browser, &[("claims", INSISTS), ("prompt", "login")]).await;
        let next = world.decide("login", "accept", &challenge, at(level)).await;
        let told = query(&location(&browser.get(next).await), "error");
        assert_eq!(told.as_deref(), error.then_some("unmet_authentication_requirements"), "{level}");
    }
    // Who is remembered at a lower level is not who is asked for.
    let lower = world.server.browser();
    world.signed_in(&lower, &[], at("aal1")).await;
    for (browser, skips) in [(&lower, false), (&browser, true)] {
        let challenge = world.begin(browser, &[("claims", INSISTS)]).await;
        assert_eq!(body(world.read("login", &challenge).await).await["skip"], skips);
    }
    let refused = ask(&world, &lower, &[("claims", INSISTS), ("prompt", "none")]).await;
    assert_eq!(query(&refused, "error").as_deref(), Some("login_required"), "{LOGIN_APP} is not asked");
    // A wish is passed on, and nothing else.
    let challenge = world.begin(&lower, &[("acr_values", "aal2")]).await;
    let shown = body(world.read("login", &challenge).await).await;
    assert_eq!((&shown["skip"], &shown["oidc_context"]["acr_values"]), (&json!(true), &json!(["aal2"])));
}
