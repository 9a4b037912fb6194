//! Tokens in the answer itself, what ID tokens say, and logout by ID token.

use std::collections::BTreeMap;

use orrery_testkit::Backend;
use serde_json::{Value, json};
use url::Url;

use super::world::{World, location, query, told};
use crate::stage::{jwt_part, merge, send};

const HYBRID: &str = "code id_token token";

async fn hybrid_client(world: &World, extra: Value) -> String {
    let mut members = json!({
        "response_types": [HYBRID, "id_token"], "grant_types": ["authorization_code", "implicit"], "skip_consent": true,
    });
    merge(&mut members, &extra);
    world.register(members).await
}

fn fragment(url: &Url) -> BTreeMap<String, String> {
    let text = url.fragment().expect("a fragment");
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

#[tokio::test]
async fn a_hybrid_answer_carries_what_was_asked_for_in_its_fragment() {
    let world = World::built_in(Backend::Sqlite).await;
    let client = hybrid_client(&world, json!({})).await;
    let browser = world.server.browser();
    let ada = world.with_account(&browser, "ada").await;
    let asked = [("client_id", client.as_str()), ("response_type", HYBRID), ("scope", "openid email")];
    let answer = browser.get(world.request(&asked)).await;
    assert_eq!(answer.status(), 303);
    let url = location(&answer);
    assert_eq!(url.query(), None);
    let sent = fragment(&url);
    assert!(sent["code"].starts_with("ory_ac_") && sent["access_token"].starts_with("ory_at_"), "{sent:?}");
    assert_eq!((sent["token_type"].as_str(), sent["expires_in"].as_str()), ("bearer", "3600"));
    let said = jwt_part(&sent["id_token"], 1);
    assert_eq!((&said["sub"], &said["nonce"]), (&json!(ada), &json!("a nonce of some length")));
    assert_eq!((&said["acr"], &said["amr"]), (&json!("aal1"), &json!(["password"])));
    assert_eq!((&said["email"], &said["email_verified"]), (&json!("ada@example.org"), &json!(false)));
    assert!(said["at_hash"].is_string() && said["c_hash"].is_string() && said["sid"].is_string(), "{said}");
    assert_eq!(said["iss"], json!(sent["iss"]));
}

#[tokio::test]
async fn what_is_asked_for_in_userinfo_stays_out_of_the_id_token() {
    let world = World::built_in(Backend::Sqlite).await;
    let client = hybrid_client(&world, json!({})).await;
    let browser = world.server.browser();
    world.with_account(&browser, "ada").await;
    let claims = r#"{"userinfo": {"email": {"essential": true}}, "id_token": {"updated_at": null}}"#;
    let asked = [("client_id", client.as_str()), ("response_type", HYBRID), ("scope", "openid"), ("claims", claims)];
    let sent = fragment(&location(&browser.get(world.request(&asked)).await));
    let said = jwt_part(&sent["id_token"], 1);
    assert!(said["updated_at"].is_number() && said.get("email").is_none(), "{said}");
    let userinfo = world.server.api().get(world.server.public("/userinfo")).bearer_auth(&sent["access_token"]);
    let told = send(userinfo).await.expect(200).body;
    assert_eq!((&told["email"], told.get("email_verified")), (&json!("ada@example.org"), None));
}

#[tokio::test]
async fn an_id_token_alone_needs_openid() {
    let world = World::built_in(Backend::Sqlite).await;
    let client = hybrid_client(&world, json!({})).await;
    let browser = world.server.browser();
    world.with_account(&browser, "ada").await;
    let asked = [("client_id", client.as_str()), ("response_type", "id_token"), ("scope", "email")];
    let sent = fragment(&location(&browser.get(world.request(&asked)).await));
    assert_eq!(sent["error"], "unsupported_response_type");
    let query = [("client_id", client.as_str()), ("response_type", "id_token"), ("response_mode", "query")];
    let sent = fragment(&location(&browser.get(world.request(&query)).await));
    assert_eq!(sent["error"], "unsupported_response_mode");
}

#[tokio::test]
async fn an_id_token_hint_says_who_is_meant() {
    let world = World::built_in(Backend::Sqlite).await;
    let client = hybrid_client(&world, json!({})).await;
    let (ada, bob) = (world.server.browser(), world.server.browser());
    world.with_account(&ada, "ada").await;
    world.with_account(&bob, "bob").await;
    let asked = [("client_id", client.as_str()), ("response_type", "id_token")];
    let token = fragment(&location(&ada.get(world.request(&asked)).await))["id_token"].clone();
    let hinted = [
        ("client_id", client.as_str()),
        ("response_type", "id_token"),
        ("id_token_hint", token.as_str()),
        ("prompt", "none"),
    ];
    assert!(fragment(&location(&ada.get(world.request(&hinted)).await)).contains_key("id_token"));
    assert_eq!(fragment(&location(&bob.get(world.request(&hinted)).await))["error"], "login_required");
    let nobody = world.server.browser();
    assert_eq!(fragment(&location(&nobody.get(world.request(&hinted)).await))["error"], "login_required");
}

#[tokio::test]
async fn a_client_signs_out_whom_its_id_token_names() {
    let world = World::built_in(Backend::Sqlite).await;
    let after = "https://app.example/after";
    let extra = json!({"post_logout_redirect_uris": [after]});
    let client = hybrid_client(&world, extra.clone()).await;
    let mut trusted = extra;
    trusted["skip_logout_consent"] = json!(true);
    let trusted = hybrid_client(&world, trusted).await;
    let browser = world.server.browser();
    world.with_account(&browser, "ada").await;
    let token = async |client: &str| {
        let asked = [("client_id", client), ("response_type", "id_token")];
        fragment(&location(&browser.get(world.request(&asked)).await))["id_token"].clone()
    };
    let logout = |token: &str, uri: &str| {
        let mut url = Url::parse(&world.server.public("/oauth2/sessions/logout")).expect("a URL");
        url.query_pairs_mut().append_pair("id_token_hint", token).append_pair("post_logout_redirect_uri", uri);
        url.query_pairs_mut().append_pair("state", "s");
        url
    };
    let hint = token(&client).await;
    let (status, _) = told(&browser, browser.get(logout(&hint, "https://evil.example/")).await).await;
    assert_eq!(status, 400);
    let url = location(&browser.get(logout(&hint, after)).await);
    assert_eq!(url.path(), "/ui/logout", "the person is asked");
    let challenge = query(&url, "logout_challenge").expect("a challenge");
    let asked: Value = world.read("logout", &challenge).await.json().await.expect("JSON");
    assert_eq!((&asked["rp_initiated"], &asked["client"]["client_id"]), (&json!(true), &json!(client)));
    assert!(!asked["request_url"].as_str().expect("text").contains("id_token_hint"));

    // A client that the operator trusts need not have anybody asked.
    let hint = token(&trusted).await;
    let answer = browser.get(logout(&hint, after)).await;
    assert_eq!(location(&answer).as_str(), "https://app.example/after?state=s");
    let asked = [("client_id", trusted.as_str()), ("response_type", "id_token"), ("prompt", "none")];
    assert_eq!(fragment(&location(&browser.get(world.request(&asked)).await))["error"], "login_required");
    // The session is over: there is nobody to ask.
    let again = browser.get(logout(&hint, after)).await;
    assert_eq!(location(&again).as_str(), "https://app.example/after?state=s");
}
