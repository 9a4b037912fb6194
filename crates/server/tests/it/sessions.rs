//! Sessions: who am I, which others are there, and what administrators can do with them.

use std::time::Duration;

use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Jar, Stage, send};

on_both_databases! {
    whoami_answers_every_method_and_every_place_of_the_token,
    nobody_is_told_so_in_the_contracts_words,
    a_wrong_header_token_is_not_followed_by_the_cookie,
    forged_and_misplaced_cookies_are_nobody,
    signing_in_never_takes_over_a_session_that_was_there_before,
    a_session_ends_by_time_and_by_deactivation,
    deleting_an_account_ends_its_sessions,
    people_see_and_end_their_own_other_sessions_only,
    administrators_list_read_extend_and_end_sessions,
    administrators_end_many_sessions_at_once,
    what_does_not_say_whose_sessions_end_ends_none,
    a_session_that_has_ended_cannot_be_revived,
    an_extension_waits_for_its_time_and_renews_the_cookie,
    an_unknown_tokenizer_template_is_named,
    cacheable_sessions_say_for_how_long,
    session_cookies_are_out_of_reach_of_scripts_and_other_sites,
}

const COOKIE: &str = "ory_kratos_session";

async fn whoami_answers_every_method_and_every_place_of_the_token(backend: Backend) {
    let stage = Stage::start(backend).await;
    let id = stage.person("ada@example.org").await;
    let (token, session) = stage.login("ada@example.org").await;
    assert!(token.starts_with("ory_st_") && token.len() == 39, "{token}");
    for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD] {
        let head = method == Method::HEAD;
        let answer = send(stage.public(method, "/sessions/whoami").header("x-session-token", &token)).await.expect(200);
        assert_eq!(answer.header("x-kratos-authenticated-identity-id"), Some(id.as_str()));
        if !head {
            assert_eq!(answer.id(), session);
            assert_eq!(answer.body["active"], true);
            assert_eq!(answer.body["identity"]["traits"]["email"], "ada@example.org");
            assert_eq!(answer.body["authentication_methods"][0]["method"], "password");
            assert_eq!(answer.body["devices"][0]["ip_address"], "127.0.0.1");
            assert!(answer.body["identity"].get("credentials").is_none());
        }
    }
    let bearer = stage.public(Method::GET, "/sessions/whoami").header("authorization", format!("bearer {token}"));
    assert_eq!(send(bearer).await.expect(200).id(), session);
    let mut jar = Jar::default();
    jar.login(&stage, "ada@example.org").await;
    assert!(jar.get(COOKIE).is_some_and(|cookie| !cookie.contains(&token)));
    jar.send(stage.public(Method::GET, "/sessions/whoami")).await.expect(200);
}

async fn nobody_is_told_so_in_the_contracts_words(backend: Backend) {
    let stage = Stage::start(backend).await;
    for request in [
        stage.public(Method::GET, "/sessions/whoami"),
        stage
            .public(Method::GET, "/sessions/whoami")
            .header("x-session-token", "ory_st_00000000000000000000000000000000"),
        stage.public(Method::GET, "/sessions"),
        stage.public(Method::DELETE, "/sessions"),
        stage.public(Method::GET, "/self-service/logout/browser").header("accept", "application/json"),
    ] {
        let answer = send(request).await.expect(401);
        assert_eq!(answer.error_id(), "session_inactive");
        assert_eq!(answer.header("ory-error-id"), Some("session_inactive"));
        assert!(answer.body["error"]["message"].is_string());
    }
}

async fn a_wrong_header_token_is_not_followed_by_the_cookie(backend: Backend) {
    let stage = Stage::start(backend).await;
    stage.person("ada@example.org").await;
    let mut jar = Jar::default();
    jar.login(&stage, "ada@example.org").await;
    let request = stage.public(Method::GET, "/sessions/whoami").header("x-session-token", "ory_st_wrong");
    jar.send(request).await.expect(401);
    jar.send(stage.public(Method::GET, "/sessions/whoami")).await.expect(200);
}

async fn forged_and_misplaced_cookies_are_nobody(backend: Backend) {
    let stage = Stage::start(backend).await;
    stage.person("ada@example.org").await;
    let (token, _) = stage.login("ada@example.org").await;
    let mut jar = Jar::default();
    jar.login(&stage, "ada@example.org").await;
    let real = jar.get(COOKIE).expect("a cookie").to_owned();
    // Another deployment with other secrets seals its cookies in the same way.
    let other = Stage::with(backend, json!({"secrets": {"default": ["the secret of another deployment"]}})).await;
    other.person("ada@example.org").await;
    let mut foreign = Jar::default();
    foreign.login(&other, "ada@example.org").await;
    let foreign = foreign.get(COOKIE).expect("a cookie").to_owned();
    let mut changed = real.clone().into_bytes();
    let middle = changed.len() / 2;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("ASCII");
    for forged in [token.as_str(), foreign.as_str(), changed.as_str(), "", "%00", &real[1..], &"A".repeat(4000)] {
        let mut thief = Jar(vec![(COOKIE.to_owned(), forged.to_owned())]);
        thief.send(stage.public(Method::GET, "/sessions/whoami")).await.expect(401);
    }
    // A sealed cookie is no token either.
    stage.whoami(&real).await.expect(401);
}

async fn signing_in_never_takes_over_a_session_that_was_there_before(backend: Backend) {
    let stage = Stage::start(backend).await;
    stage.person("ada@example.org").await;
    stage.person("eve@example.org").await;
    // Eve plants her own session and anti-CSRF cookies in Ada's browser before Ada signs in.
    let mut jar = Jar::default();
    jar.login(&stage, "eve@example.org").await;
    let planted = jar.clone();
    let flow = jar.script(stage.public(Method::GET, "/self-service/login/browser?refresh=true")).await.expect(200);
    let token = flow.node("csrf_token").expect("a token")["value"].clone();
    let body = json!({"method": "password", "identifier": "ada@example.org", "password": crate::stage::PASSWORD,
        "csrf_token": token});
    let path = format!("/self-service/login?flow={}", flow.id());
    let answer = jar.script(stage.public(Method::POST, &path).json(&body)).await.expect(200);
    assert_eq!(answer.body["session"]["identity"]["traits"]["email"], "ada@example.org");
    assert_ne!(jar.get(COOKIE), planted.get(COOKIE), "Ada has a session of her own");
    assert!(planted.0.iter().all(|(name, value)| jar.get(name) != Some(value)), "nothing that Eve knows is left");
    let eve = planted.clone().send(stage.public(Method::GET, "/sessions/whoami")).await.expect(200);
    assert_eq!(eve.body["identity"]["traits"]["email"], "eve@example.org", "Eve's cookie never becomes Ada's");
}

async fn a_session_ends_by_time_and_by_deactivation(backend: Backend) {
    let stage = Stage::start(backend).await;
    let id = stage.person("ada@example.org").await;
    let (token, _) = stage.login("ada@example.org").await;
    let path = format!("/admin/identities/{id}");
    let set_state = async |state: &str| {
        let patch = json!([{"op": "replace", "path": "/state", "value": state}]);
        send(stage.admin(Method::PATCH, &path).json(&patch)).await.expect(200);
    };
    set_state("inactive").await;
    stage.whoami(&token).await.expect(401);
    set_state("active").await;
    stage.whoami(&token).await.expect(200);
    stage.advance(Duration::from_secs(24 * 3600 - 1));
    stage.whoami(&token).await.expect(200);
    stage.advance(Duration::from_secs(1));
    assert_eq!(stage.whoami(&token).await.expect(401).error_id(), "session_inactive");
}

async fn deleting_an_account_ends_its_sessions(backend: Backend) {
    let stage = Stage::start(backend).await;
    let id = stage.person("ada@example.org").await;
    let (token, _) = stage.login("ada@example.org").await;
    send(stage.admin(Method::DELETE, &format!("/admin/identities/{id}"))).await.expect(204);
    stage.whoami(&token).await.expect(401);
}

async fn people_see_and_end_their_own_other_sessions_only(backend: Backend) {
    let stage = Stage::start(backend).await;
    stage.person("ada@example.org").await;
    stage.person("eve@example.org").await;
    let (mine, my_id) = stage.login("ada@example.org").await;
    let (other, other_id) = stage.login("ada@example.org").await;
    let (third, _) = stage.login("ada@example.org").await;
    let (eve, eve_id) = stage.login("eve@example.org").await;
    let me = |method: Method, path: &str| stage.public(method, path).header("x-session-token", &mine);

    let list = send(me(Method::GET, "/sessions")).await.expect(200);
    let ids: Vec<_> = list.body.as_array().expect("a list").iter().map(|session| session["id"].clone()).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&json!(other_id)) && !ids.contains(&json!(my_id)) && !ids.contains(&json!(eve_id)));
    assert_eq!(list.header("x-total-count"), Some("2"), "counted although nobody asked for pages");
    let first = send(me(Method::GET, "/sessions?page_size=1")).await.expect(200);
    assert_eq!((first.body.as_array().map(Vec::len), first.header("x-total-count")), (Some(1), Some("2")));
    let numbered = send(me(Method::GET, "/sessions?page=0&per_page=1")).await.expect(200);
    assert_eq!((numbered.body.as_array().map(Vec::len), numbered.header("x-total-count")), (Some(1), Some("2")));
    assert!(numbered.header("link").is_some_and(|link| link.contains("rel=\"next\"")));

    send(me(Method::DELETE, &format!("/sessions/{my_id}"))).await.expect(400);
    send(me(Method::DELETE, "/sessions/not-a-uuid")).await.expect(400);
    send(me(Method::DELETE, "/sessions/00000000-0000-4000-8000-000000000000")).await.expect(204);
    send(me(Method::DELETE, &format!("/sessions/{eve_id}"))).await.expect(204);
    stage.whoami(&eve).await.expect(200);
    send(me(Method::DELETE, &format!("/sessions/{other_id}"))).await.expect(204);
    stage.whoami(&other).await.expect(401);

    let count = send(me(Method::DELETE, "/sessions")).await.expect(200);
    assert_eq!(count.body, json!({"count": 1}));
    stage.whoami(&third).await.expect(401);
    stage.whoami(&mine).await.expect(200);
    stage.whoami(&eve).await.expect(200);
    // Like every method there: asked about the present session.
    send(me(Method::DELETE, "/sessions/whoami")).await.expect(200);
    stage.whoami(&mine).await.expect(200);
}

async fn administrators_list_read_extend_and_end_sessions(backend: Backend) {
    let stage = Stage::start(backend).await;
    let ada = stage.person("ada@example.org").await;
    stage.person("eve@example.org").await;
    let (token, id) = stage.login("ada@example.org").await;
    stage.advance(Duration::from_secs(60));
    let (_, eve_id) = stage.login("eve@example.org").await;
    let get = |path: &str| stage.admin(Method::GET, path);

    let list = send(get("/admin/sessions?page_size=1")).await.expect(200);
    assert_eq!(list.body[0]["id"], json!(eve_id), "newest first");
    assert!(list.body[0].get("identity").is_none() && list.body[0].get("devices").is_none());
    let link = list.header("link").expect("links").to_owned();
    let next = link.split(',').find(|link| link.contains("rel=\"next\"")).expect("a next page");
    let next = next.trim().trim_start_matches('<').split('>').next().expect("an address");
    let second = send(get(next)).await.expect(200);
    assert_eq!(second.body[0]["id"], json!(id));
    let whole = send(get("/admin/sessions?expand=identity&expand=devices&active=true")).await.expect(200);
    assert_eq!(whole.body[1]["identity"]["id"], json!(ada));
    assert!(whole.body[1]["devices"].is_array());
    for bad in ["?active=maybe", "?expand=everything", "?page_token=rubbish", "?page_size=many"] {
        send(get(&format!("/admin/sessions{bad}"))).await.expect(400);
    }

    let before = send(get(&format!("/admin/sessions/{id}?expand=identity"))).await.expect(200);
    assert_eq!(before.body["identity"]["id"], json!(ada));
    let extended = send(stage.admin(Method::PATCH, &format!("/admin/sessions/{id}/extend"))).await.expect(200);
    assert!(extended.body["expires_at"].as_str() > before.body["expires_at"].as_str());
    send(get("/admin/sessions/not-a-uuid")).await.expect(400);
    let unknown = "/admin/sessions/00000000-0000-4000-8000-000000000000";
    for method in [Method::GET, Method::DELETE] {
        send(stage.admin(method, unknown)).await.expect(404);
    }
    send(stage.admin(Method::PATCH, &format!("{unknown}/extend"))).await.expect(404);

    let own = send(get(&format!("/admin/identities/{ada}/sessions?active=true"))).await.expect(200);
    assert_eq!((own.body.as_array().map(Vec::len), own.header("x-total-count")), (Some(1), Some("1")));
    send(stage.admin(Method::DELETE, &format!("/admin/sessions/{id}"))).await.expect(204);
    send(stage.admin(Method::DELETE, &format!("/admin/sessions/{id}"))).await.expect(204);
    stage.whoami(&token).await.expect(401);
    let own = send(get(&format!("/admin/identities/{ada}/sessions?active=true"))).await.expect(200);
    assert_eq!(own.body, json!([]));
    let ended = send(get(&format!("/admin/identities/{ada}/sessions?active=false"))).await.expect(200);
    assert_eq!(ended.body[0]["active"], false);
    let path = format!("/admin/identities/{ada}/sessions");
    send(stage.admin(Method::DELETE, &path)).await.expect(204);
    send(stage.admin(Method::DELETE, &path)).await.expect(404);
    let nobody = send(get("/admin/identities/00000000-0000-4000-8000-000000000000/sessions")).await.expect(200);
    assert_eq!(nobody.body, json!([]));
}

async fn administrators_end_many_sessions_at_once(backend: Backend) {
    let stage = Stage::start(backend).await;
    let (ada, eve) = (stage.person("ada@example.org").await, stage.person("eve@example.org").await);
    let (first, first_id) = stage.login("ada@example.org").await;
    let (second, _) = stage.login("ada@example.org").await;
    let (eves, eves_id) = stage.login("eve@example.org").await;
    let end = async |body: Value| send(stage.admin(Method::POST, "/admin/sessions").json(&body)).await.expect(200).body;
    let done = |processed: u64| json!({"processed": processed, "more": false});
    let alone = json!({"action": "disable", "sessions": [first_id, "00000000-0000-4000-8000-000000000000"]});
    assert_eq!(end(alone.clone()).await, done(1), "unknown ones end nobody's session");
    assert_eq!(end(alone).await, done(0), "only active ones are disabled");
    stage.whoami(&first).await.expect(401);
    stage.whoami(&second).await.expect(200);
    assert_eq!(end(json!({"action": "disable", "identities": [ada]})).await, done(1));
    stage.whoami(&second).await.expect(401);
    stage.whoami(&eves).await.expect(200);
    let of_ada = async || send(stage.admin(Method::GET, &format!("/admin/identities/{ada}/sessions"))).await.body;
    assert_eq!(of_ada().await.as_array().map(Vec::len), Some(2), "they are still listed");
    assert_eq!(end(json!({"action": "delete", "identities": [ada, eve]})).await, done(3));
    assert_eq!(of_ada().await, json!([]));
    send(stage.admin(Method::GET, &format!("/admin/sessions/{eves_id}"))).await.expect(404);

    let mut everybody = Vec::new();
    for email in ["ada@example.org", "eve@example.org"] {
        everybody.push(stage.login(email).await.0);
    }
    assert_eq!(end(json!({"action": "disable", "identities": ["*"]})).await, done(2));
    for token in everybody {
        stage.whoami(&token).await.expect(401);
    }
    assert_eq!(end(json!({"action": "delete", "identities": ["*"]})).await, done(2));
}

async fn what_does_not_say_whose_sessions_end_ends_none(backend: Backend) {
    let stage = Stage::start(backend).await;
    let ada = stage.person("ada@example.org").await;
    let (token, id) = stage.login("ada@example.org").await;
    let many = vec![id.clone(); 501];
    for (body, named) in [
        (json!({"action": "disable"}), "exactly one"),
        (json!({"action": "disable", "identities": [ada], "sessions": [id]}), "exactly one"),
        (json!({"action": "disable", "sessions": ["*"]}), "sessions"),
        (json!({"action": "disable", "identities": ["*", ada]}), "identities"),
        (json!({"action": "disable", "identities": []}), "identities"),
        (json!({"action": "disable", "sessions": many}), "sessions"),
        (json!({"action": "disable", "sessions": ["not-a-uuid"]}), "sessions"),
        (json!({"action": "revoke", "sessions": [id]}), "action"),
        (json!({"sessions": [id]}), "action"),
        (json!({"action": "disable", "sessions": [id], "dry_run": true}), "dry_run"),
    ] {
        let refused = send(stage.admin(Method::POST, "/admin/sessions").json(&body)).await.expect(400);
        assert!(refused.body["error"].to_string().contains(named), "{named}: {}", refused.body);
    }
    stage.whoami(&token).await.expect(200);
}

async fn a_session_that_has_ended_cannot_be_revived(backend: Backend) {
    let stage = Stage::start(backend).await;
    stage.person("ada@example.org").await;
    let (token, id) = stage.login("ada@example.org").await;
    let before = send(stage.admin(Method::GET, &format!("/admin/sessions/{id}"))).await.expect(200);
    stage.advance(Duration::from_secs(24 * 3600));
    let extended = send(stage.admin(Method::PATCH, &format!("/admin/sessions/{id}/extend"))).await.expect(200);
    assert_eq!((&extended.body["active"], &extended.body["expires_at"]), (&json!(false), &before.body["expires_at"]));
    stage.whoami(&token).await.expect(401);
}

async fn an_extension_waits_for_its_time_and_renews_the_cookie(backend: Backend) {
    let stage = Stage::with(backend, json!({"identity": {"session": {"earliest_possible_extend": "1h"}}})).await;
    stage.person("ada@example.org").await;
    let mut jar = Jar::default();
    let login = jar.login(&stage, "ada@example.org").await;
    let id = login.body["session"]["id"].as_str().expect("an id").to_owned();
    let path = format!("/admin/sessions/{id}/extend");
    stage.advance(Duration::from_secs(22 * 3600));
    let early = send(stage.admin(Method::PATCH, &path)).await.expect(200);
    assert_eq!(early.body["expires_at"], login.body["session"]["expires_at"]);
    let before = jar.get(COOKIE).map(str::to_owned);
    jar.send(stage.public(Method::GET, "/sessions/whoami")).await.expect(200);
    assert_eq!(jar.get(COOKIE), before.as_deref(), "nothing moved, no new cookie");
    stage.advance(Duration::from_secs(3600 + 60));
    let late = send(stage.admin(Method::PATCH, &path)).await.expect(200);
    assert_ne!(late.body["expires_at"], login.body["session"]["expires_at"]);
    jar.send(stage.public(Method::GET, "/sessions/whoami")).await.expect(200);
    assert_ne!(jar.get(COOKIE), before.as_deref());
    stage.advance(Duration::from_secs(2 * 3600));
    jar.send(stage.public(Method::GET, "/sessions/whoami")).await.expect(200);
}

async fn an_unknown_tokenizer_template_is_named(backend: Backend) {
    let stage = Stage::start(backend).await;
    stage.person("ada@example.org").await;
    let (token, _) = stage.login("ada@example.org").await;
    let request = stage.public(Method::GET, "/sessions/whoami?tokenize_as=jwt").header("x-session-token", token);
    let answer = send(request).await.expect(400);
    assert!(answer.body["error"]["reason"].as_str().is_some_and(|reason| reason.contains("jwt")));
}

async fn cacheable_sessions_say_for_how_long(backend: Backend) {
    let flags =
        json!({"identity": {"feature_flags": {"cacheable_sessions": true, "cacheable_sessions_max_age": "5m"}}});
    let stage = Stage::with(backend, flags).await;
    stage.person("ada@example.org").await;
    let (token, _) = stage.login("ada@example.org").await;
    assert_eq!(stage.whoami(&token).await.header("ory-session-cache-for"), Some("300"));
    stage.advance(Duration::from_secs(24 * 3600 - 10));
    assert_eq!(stage.whoami(&token).await.header("ory-session-cache-for"), Some("10"));
    let nobody = send(stage.public(Method::GET, "/sessions/whoami")).await.expect(401);
    assert_eq!(nobody.header("ory-session-cache-for"), Some("60"));
    assert_eq!(stage.whoami("ory_st_wrong").await.header("ory-session-cache-for"), None);
    let plain = Stage::start(backend).await;
    let silent = send(plain.public(Method::GET, "/sessions/whoami")).await.expect(401);
    assert_eq!(silent.header("ory-session-cache-for"), None);
}

async fn session_cookies_are_out_of_reach_of_scripts_and_other_sites(backend: Backend) {
    let stage = Stage::start(backend).await;
    stage.person("ada@example.org").await;
    let mut jar = Jar::default();
    let answer = jar.login(&stage, "ada@example.org").await;
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().filter_map(|it| it.to_str().ok()).collect();
    let cookie = cookies.iter().find(|cookie| cookie.starts_with(COOKIE)).expect("a session cookie");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=86400"] {
        assert!(cookie.contains(attribute), "{attribute} in {cookie}");
    }
    assert!(cookie.len() < 1024);
    assert_eq!(answer.body.get("session_token"), None, "a browser never sees the token");
    assert_ne!(answer.body["session"], Value::Null);
}
