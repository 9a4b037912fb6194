//! Clients that each know people by another name: none of them learns the real one.

use orrery_testkit::{Backend, Browser, on_both_databases};
use serde_json::{Value, json};

use super::world::{CALLBACK, CONSENT_APP, LOGIN_APP, World, body, location, query, told};
use crate::flows::hooks::target::Target;
use crate::stage::{jwt_part, merge, send};

on_both_databases!(
    a_pairwise_client_never_learns_the_subject,
    a_resource_server_hears_of_what_is_for_it_by_its_own_name,
    introspection_can_be_opened_to_every_client,
    a_forced_subject_is_known_again,
    a_logout_names_people_as_the_client_knows_them,
);

async fn world(backend: Backend, changes: Value) -> World {
    let mut oauth2 = json!({
        "urls": {"login": LOGIN_APP, "consent": CONSENT_APP},
        "oidc": {"subject_identifiers": {"supported_types": ["public", "pairwise"], "pairwise": {"salt": "a salt of tests"}}},
    });
    merge(&mut oauth2, &changes);
    World::with(backend, json!({"oauth2": oauth2, "outbound": {"allowed_networks": ["127.0.0.1/32"]}})).await
}

/// A client with a secret in its forms; its id and secret.
async fn client(world: &World, changes: Value) -> (String, String) {
    let mut members = json!({
        "token_endpoint_auth_method": "client_secret_post", "skip_consent": true,
        "redirect_uris": [CALLBACK, "https://app.example/other"],
        "audience": ["https://api.example", "printer", "archive"],
    });
    merge(&mut members, &changes);
    let made = world.registered(members).await;
    let text = |name: &str| made[name].as_str().expect("text").to_owned();
    (text("client_id"), text("client_secret"))
}

fn pairwise() -> Value {
    json!({"subject_type": "pairwise"})
}

/// What Ada's sign-in brings: the login application may force a subject.
async fn tokens(
    world: &World,
    browser: &Browser,
    (id, secret): &(String, String),
    login: Value,
    more: &[(&str, &str)],
) -> Value {
    let mut asked = vec![("client_id", id.as_str()), ("scope", "openid offline"), ("prompt", "login")];
    asked.extend(more);
    let mut accept = json!({"subject": "ada", "remember": true});
    merge(&mut accept, &login);
    let challenge = world.signed_in(browser, &asked, accept).await;
    let audience: Vec<_> = more.iter().filter(|(name, _)| *name == "audience").map(|(_, value)| value).collect();
    let consent = json!({"grant_scope": ["openid", "offline"], "grant_access_token_audience": audience});
    let next = world.decide("consent", "accept", &challenge, consent).await;
    let code = query(&location(&browser.get(next).await), "code").expect("a code");
    let mut pairs = vec![("client_id", id.as_str()), ("client_secret", secret.as_str())];
    pairs.extend(more.iter().filter(|(name, _)| *name == "redirect_uri"));
    send(world.redeem(&code, &pairs)).await.expect(200).body
}

/// What a client is told of a token.
async fn ask(world: &World, (id, secret): &(String, String), token: &Value) -> Value {
    let pairs = [("client_id", id.as_str()), ("client_secret", secret.as_str()), ("token", text(token))];
    send(world.form("/oauth2/introspect", &pairs)).await.expect(200).body
}

async fn administrator(world: &World, token: &Value) -> Value {
    let call = world.server.api().post(world.server.admin("/admin/oauth2/introspect"));
    send(call.form(&[("token", text(token))])).await.expect(200).body
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

async fn a_pairwise_client_never_learns_the_subject(backend: Backend) {
    let world = world(backend, json!({})).await;
    let mut known: Option<Value> = None;
    for strategy in ["opaque", "jwt", "stateless_jwt"] {
        let mut members = pairwise();
        members["access_token_strategy"] = json!(strategy);
        let client = client(&world, members).await;
        let tokens = tokens(&world, &world.server.browser(), &client, json!({}), &[]).await;
        let sub = jwt_part(text(&tokens["id_token"]), 1)["sub"].clone();
        assert_eq!(text(&sub).len(), 64, "{sub}");
        assert_eq!(known.get_or_insert_with(|| sub.clone()), &sub, "one sector, one name");
        let access = &tokens["access_token"];
        if strategy != "opaque" {
            assert_eq!(jwt_part(text(access), 1)["sub"], sub, "{strategy}");
        }
        let userinfo = world.server.api().get(world.server.public("/userinfo")).bearer_auth(text(access));
        assert_eq!(send(userinfo).await.expect(200).body["sub"], sub, "{strategy}");
        for token in [access, &tokens["refresh_token"]] {
            let seen = ask(&world, &client, token).await;
            assert_eq!((&seen["active"], &seen["sub"]), (&json!(true), &sub), "{strategy}");
            assert_eq!(seen.get("obfuscated_subject"), None, "{strategy}");
            assert!(!seen.to_string().contains("\"ada\""), "{strategy}: {seen}");
            let seen = administrator(&world, token).await;
            assert_eq!((&seen["sub"], &seen["obfuscated_subject"]), (&json!("ada"), &sub), "{strategy}");
        }
    }
}

async fn a_resource_server_hears_of_what_is_for_it_by_its_own_name(backend: Backend) {
    let world = world(backend, json!({})).await;
    let app = client(&world, pairwise()).await;
    let elsewhere = json!({"client_id": "printer", "redirect_uris": ["https://printer.example/cb"]});
    let mut printer = pairwise();
    merge(&mut printer, &elsewhere);
    let printer = client(&world, printer).await;
    let archive = client(&world, json!({"client_id": "archive"})).await;
    let stranger = client(&world, json!({})).await;
    let given = tokens(&world, &world.server.browser(), &app, json!({}), &[("audience", "printer")]).await;
    let sub = jwt_part(text(&given["id_token"]), 1)["sub"].clone();

    let seen = ask(&world, &printer, &given["access_token"]).await;
    assert_eq!((&seen["active"], &seen["aud"], &seen["client_id"]), (&json!(true), &json!(["printer"]), &json!(app.0)));
    assert!(text(&seen["sub"]).len() == 64 && seen["sub"] != sub, "another sector, another name: {seen}");
    assert_eq!(seen.get("obfuscated_subject"), None);
    // The same as it knows her by when she signs in there.
    let there = [("redirect_uri", "https://printer.example/cb")];
    let own = tokens(&world, &world.server.browser(), &printer, json!({}), &there).await;
    assert_eq!(jwt_part(text(&own["id_token"]), 1)["sub"], seen["sub"]);
    // A name that was forced on it counts here too.
    tokens(&world, &world.server.browser(), &printer, json!({"force_subject_identifier": "countess"}), &there).await;
    assert_eq!(ask(&world, &printer, &given["access_token"]).await["sub"], "countess");

    let inactive = json!({"active": false});
    assert_eq!(
        ask(&world, &printer, &given["refresh_token"]).await,
        inactive,
        "nobody hands that to a resource server"
    );
    for other in [&stranger, &archive] {
        for token in ["access_token", "refresh_token"] {
            assert_eq!(ask(&world, other, &given[token]).await, inactive, "{token}");
        }
    }
    let given = tokens(&world, &world.server.browser(), &app, json!({}), &[("audience", "archive")]).await;
    assert_eq!(ask(&world, &archive, &given["access_token"]).await["sub"], "ada", "it knows people by their subject");
}

async fn introspection_can_be_opened_to_every_client(backend: Backend) {
    let world = world(backend, json!({"introspection": {"open": true}})).await;
    let (app, reader) = (client(&world, json!({})).await, client(&world, json!({})).await);
    let hidden = client(&world, pairwise()).await;
    let given = tokens(&world, &world.server.browser(), &app, json!({}), &[]).await;
    assert_eq!(ask(&world, &reader, &given["access_token"]).await["sub"], "ada");
    let seen = ask(&world, &hidden, &given["access_token"]).await;
    assert!(text(&seen["sub"]).len() == 64, "open or not, it knows people by its own names: {seen}");
}

async fn a_forced_subject_is_known_again(backend: Backend) {
    let world = world(backend, json!({})).await;
    let client = client(&world, pairwise()).await;
    let (ada, bob) = (world.server.browser(), world.server.browser());
    let forced = json!({"force_subject_identifier": "countess"});
    let hint = tokens(&world, &ada, &client, forced, &[]).await["id_token"].clone();
    assert_eq!(jwt_part(text(&hint), 1)["sub"], "countess");
    tokens(&world, &bob, &client, json!({"subject": "bob"}), &[]).await;
    let hinted = [("client_id", client.0.as_str()), ("id_token_hint", text(&hint)), ("prompt", "none")];
    let challenge = world.begin(&ada, &hinted).await;
    let asked = body(world.read("login", &challenge).await).await;
    assert_eq!((&asked["skip"], &asked["subject"]), (&json!(true), &json!("ada")));
    let answer = bob.get(world.request(&hinted)).await;
    assert_eq!(query(&location(&answer), "error").as_deref(), Some("login_required"), "it does not mean Bob");
    // The same when nobody is remembered: whoever signs in has to be the one who is meant.
    for (subject, forced, meant) in
        [("ada", "countess", true), ("ada", "", true), ("carol", "countess of carol", false), ("carol", "", false)]
    {
        let browser = world.server.browser();
        let challenge = world.begin(&browser, &hinted[..2]).await;
        let accept = json!({"subject": subject, "force_subject_identifier": forced});
        let answer = browser.get(world.decide("login", "accept", &challenge, accept).await).await;
        let error = query(&location(&answer), "error");
        assert_eq!(error.as_deref(), (!meant).then_some("login_required"), "{subject} {forced}");
    }
}

async fn a_logout_names_people_as_the_client_knows_them(backend: Backend) {
    let target = Target::start().await;
    let world = world(backend, json!({})).await;
    let listening = |name: &str| json!({"backchannel_logout_uri": format!("{}/{name}", target.url)});
    let with = |name: &str, mut members: Value| {
        merge(&mut members, &listening(name));
        members
    };
    let forced = client(&world, with("forced", pairwise())).await;
    let computed = client(&world, with("computed", pairwise())).await;
    // It has become pairwise since: what it knows people by is what it was told.
    let changed = client(&world, with("changed", json!({}))).await;
    let browser = world.server.browser();
    let subject = json!({"force_subject_identifier": "countess"});
    let first = tokens(&world, &browser, &forced, subject, &[]).await;
    let second = tokens(&world, &browser, &computed, json!({}), &[]).await;
    tokens(&world, &browser, &changed, json!({}), &[]).await;
    let patch = json!([
        {"op": "replace", "path": "/subject_type", "value": "pairwise"},
        {"op": "replace", "path": "/redirect_uris", "value": []},
    ]);
    let path = format!("/admin/clients/{}", changed.0);
    send(world.server.api().patch(world.server.admin(&path)).json(&patch)).await.expect(200);
    let claims = jwt_part(text(&first["id_token"]), 1);
    let path = format!("/admin/oauth2/auth/sessions/login?sid={}", text(&claims["sid"]));
    send(world.server.api().delete(world.server.admin(&path))).await.expect(204);
    let mut heard: Vec<_> = target.wait_for(3).await.into_iter().map(|call| (call.path, call.body)).collect();
    heard.sort();
    let token = |at: usize| heard[at].1.strip_prefix("logout_token=").expect("a token");
    let sub = |at: usize| jwt_part(token(at), 1).get("sub").cloned();
    assert_eq!(heard.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["/changed", "/computed", "/forced"]);
    assert_eq!(sub(0), Some(json!("ada")), "it was told that name before");
    assert_eq!(jwt_part(token(0), 1)["sid"], claims["sid"]);
    assert_eq!(sub(1).as_ref(), Some(&jwt_part(text(&second["id_token"]), 1)["sub"]));
    assert_eq!(sub(2), Some(json!("countess")));

    // What tells of a logout proves nothing about anybody.
    for wrong in [token(2), token(1)] {
        let hinted = [("client_id", forced.0.as_str()), ("id_token_hint", wrong)];
        let answer = browser.get(world.request(&hinted)).await;
        assert_eq!(query(&location(&answer), "error").as_deref(), Some("invalid_request"));
        let url = world.server.public(&format!("/oauth2/sessions/logout?id_token_hint={wrong}"));
        assert_eq!(told(&browser, browser.get(url).await).await.0, 400);
    }
}
