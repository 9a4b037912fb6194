//! Strangers' guesses do not lock the owner out, and knowing a browser brings a bounded number of guesses, no account.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Answer, Jar, PASSWORD, Stage, send};

on_both_databases! {
    a_stranger_cannot_lock_the_owners_browser_out,
    a_native_app_with_a_session_is_not_locked_out_either,
    a_known_browser_has_a_bounded_number_of_guesses_however_often_it_is_locked,
    a_browser_is_known_for_its_own_account_only,
    a_forged_or_old_cookie_is_worth_nothing,
    an_account_with_three_names_has_one_door,
    a_lock_behind_one_name_does_not_show_at_another,
    a_flood_of_guesses_does_not_keep_the_owner_waiting,
}

const WRONG: u64 = 4_000_006;
const REFUSED: u64 = 4_000_001;
const COOKIE: &str = "orrery_known_browser";

async fn failing(backend: Backend, attempts: u32) -> Stage {
    Stage::with(backend, json!({"limits": {"failed_attempts": attempts, "attempt_window": "10m", "lockout": "15m"}}))
        .await
}

/// Tries to sign in as a page's script does.
async fn guess(stage: &Stage, jar: &mut Jar, identifier: &str, password: &str) -> Answer {
    let flow = jar.script(stage.public(Method::GET, "/self-service/login/browser")).await.expect(200);
    let token = flow.node("csrf_token").expect("a token")["value"].clone();
    let body = json!({"method": "password", "identifier": identifier, "password": password, "csrf_token": token});
    jar.script(stage.public(Method::POST, &format!("/self-service/login?flow={}", flow.id())).json(&body)).await
}

/// A browser that signed in as somebody once, and has kept nothing but what it is known by.
async fn known(stage: &Stage, identifier: &str) -> Jar {
    let mut jar = Jar::default();
    jar.login(stage, identifier).await;
    jar.0.retain(|(name, _)| name == COOKIE);
    assert_eq!(jar.0.len(), 1);
    jar
}

async fn lock(stage: &Stage, identifier: &str, attempts: u32) {
    for _ in 0..attempts {
        assert_eq!(stage.try_login(identifier, "wrong").await.expect(400).messages(), [WRONG]);
    }
    assert_eq!(stage.try_login(identifier, PASSWORD).await.expect(400).messages(), [REFUSED]);
}

async fn a_stranger_cannot_lock_the_owners_browser_out(backend: Backend) {
    let stage = failing(backend, 3).await;
    stage.person("ada@example.org").await;
    let mut ada = Jar::default();
    let answer = ada.login(&stage, "ada@example.org").await;
    let cookies = answer.headers.get_all("set-cookie").iter().filter_map(|it| it.to_str().ok());
    let cookie = cookies.into_iter().find(|cookie| cookie.starts_with(COOKIE)).expect("what it is known by").to_owned();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=15552000"] {
        assert!(cookie.contains(attribute), "{attribute} in {cookie}");
    }
    ada.0.retain(|(name, _)| name == COOKIE);
    lock(&stage, "ada@example.org", 3).await;
    guess(&stage, &mut ada, " ADA@example.org", PASSWORD).await.expect(200);
    assert_eq!(stage.try_login("ada@example.org", PASSWORD).await.messages(), [REFUSED], "the lock holds for others");
}

async fn a_native_app_with_a_session_is_not_locked_out_either(backend: Backend) {
    let stage = failing(backend, 3).await;
    stage.person("ada@example.org").await;
    let (token, _) = stage.login("ada@example.org").await;
    lock(&stage, "ada@example.org", 3).await;
    let begin = stage.public(Method::GET, "/self-service/login/api?refresh=true").header("x-session-token", &token);
    let flow = send(begin).await.expect(200);
    let body = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
    let submit = stage.public(Method::POST, &format!("/self-service/login?flow={}", flow.id()));
    send(submit.header("x-session-token", &token).json(&body)).await.expect(200);
}

async fn a_known_browser_has_a_bounded_number_of_guesses_however_often_it_is_locked(backend: Backend) {
    let stage = failing(backend, 3).await;
    stage.person("ada@example.org").await;
    let mut thief = known(&stage, "ada@example.org").await;
    let mut evaluated = 0;
    for _ in 0..8 {
        let answer = guess(&stage, &mut thief, "ada@example.org", "a guess").await.expect(400);
        evaluated += usize::from(answer.messages() == [WRONG]);
    }
    assert_eq!(evaluated, 3);
    assert_eq!(guess(&stage, &mut thief, "ada@example.org", PASSWORD).await.messages(), [REFUSED]);
    stage.login("ada@example.org").await;
    stage.advance(Duration::from_secs(15 * 60));
    guess(&stage, &mut thief, "ada@example.org", PASSWORD).await.expect(200);
}

async fn a_browser_is_known_for_its_own_account_only(backend: Backend) {
    let stage = failing(backend, 3).await;
    stage.person("ada@example.org").await;
    stage.person("eve@example.org").await;
    let mut eve = known(&stage, "eve@example.org").await;
    lock(&stage, "ada@example.org", 3).await;
    assert_eq!(guess(&stage, &mut eve, "ada@example.org", PASSWORD).await.messages(), [REFUSED]);
    assert_eq!(guess(&stage, &mut eve, "nobody@example.org", PASSWORD).await.messages(), [WRONG]);
    guess(&stage, &mut eve, "eve@example.org", PASSWORD).await.expect(200);
}

async fn a_forged_or_old_cookie_is_worth_nothing(backend: Backend) {
    let stage = failing(backend, 3).await;
    stage.person("ada@example.org").await;
    let real = known(&stage, "ada@example.org").await;
    let value = real.get(COOKIE).expect("a cookie").to_owned();
    lock(&stage, "ada@example.org", 3).await;
    for forged in ["", "AAAA", &value[1..], &format!("{value}AAAA"), &"A".repeat(3000)] {
        let mut jar = Jar(vec![(COOKIE.to_owned(), forged.to_owned())]);
        assert_eq!(guess(&stage, &mut jar, "ada@example.org", PASSWORD).await.messages(), [REFUSED], "{forged:.20}");
    }
    stage.advance(Duration::from_secs(180 * 24 * 3600));
    lock(&stage, "ada@example.org", 3).await;
    assert_eq!(guess(&stage, &mut real.clone(), "ada@example.org", PASSWORD).await.messages(), [REFUSED]);
}

const NAMES: [&str; 3] = ["ada@example.org", "ada", "lovelace"];

/// Accounts sign in with an address and two more names.
async fn with_three_names(backend: Backend, attempts: u32) -> Stage {
    let name = |format: Option<&str>| {
        let mut name = json!({"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}});
        if let Some(format) = format {
            name["format"] = json!(format);
        }
        name
    };
    let schema = json!({"type": "object", "properties": {"traits": {"type": "object", "properties": {
        "email": name(Some("email")), "nick": name(None), "family": name(None),
    }}}});
    let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
    let config = json!({
        "limits": {"failed_attempts": attempts, "attempt_window": "10m", "lockout": "15m"},
        "identity": {"schemas": [{"id": "default", "url": url}]},
    });
    let stage = Stage::with(backend, config).await;
    let body = json!({"schema_id": "default", "traits": {"email": NAMES[0], "nick": NAMES[1], "family": NAMES[2]},
        "credentials": {"password": {"config": {"password": PASSWORD}}}});
    send(stage.admin(Method::POST, "/admin/identities").json(&body)).await.expect(201);
    stage
}

async fn an_account_with_three_names_has_one_door(backend: Backend) {
    let stage = with_three_names(backend, 4).await;
    for name in NAMES {
        stage.login(name).await;
    }
    for number in 0..4 {
        stage.try_login(NAMES[number % 3], "a guess").await.expect(400);
    }
    for name in NAMES {
        let answer = stage.try_login(name, PASSWORD).await.expect(400);
        assert!(answer.body["session_token"].is_null(), "{name}: four guesses were all there were");
    }
    stage.advance(Duration::from_secs(15 * 60));
    stage.login(NAMES[2]).await;
    // All at once, under all names.
    let guesses = (0..90).map(|number| stage.try_login(NAMES[number % 3], "a guess"));
    futures_util::future::join_all(guesses).await;
    for name in NAMES {
        assert!(stage.try_login(name, PASSWORD).await.body["session_token"].is_null(), "{name}");
    }
}

/// What an outsider sees of an answer: everything but what differs from flow to flow.
fn visible(answer: &Answer) -> (u16, Vec<u64>, Value) {
    (answer.status.as_u16(), answer.messages(), answer.body["ui"]["messages"].clone())
}

async fn a_lock_behind_one_name_does_not_show_at_another(backend: Backend) {
    let stage = with_three_names(backend, 3).await;
    lock(&stage, NAMES[0], 3).await;
    // The account is locked. Its other names answer as names that nobody has.
    for _ in 0..5 {
        let known = stage.try_login(NAMES[1], "a guess").await;
        let unknown = stage.try_login("nobody", "a guess").await;
        assert_eq!(visible(&known), visible(&unknown));
    }
    let right = stage.try_login(NAMES[2], PASSWORD).await.expect(400);
    assert_eq!(right.messages(), [WRONG], "not evaluated, and not said to be locked");
}

async fn a_flood_of_guesses_does_not_keep_the_owner_waiting(backend: Backend) {
    let stage = failing(backend, 10).await;
    stage.person("ada@example.org").await;
    let mut ada = known(&stage, "ada@example.org").await;
    let flood = futures_util::future::join_all((0..300).map(|_| stage.try_login("ada@example.org", "a guess")));
    let owner = async { guess(&stage, &mut ada, "ada@example.org", PASSWORD).await };
    let (_, answer) = futures_util::future::join(flood, owner).await;
    // The hashing pool may be busy, which is said with 503; the door is never the reason.
    assert!(answer.status == 200 || answer.status == 503, "{}", answer.body);
}
