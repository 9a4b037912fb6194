//! Getting into somebody else's account by code, in vain.

use futures_util::future::join_all;
use orrery_persistence::Statements;
use orrery_testkit::{Backend, on_both_databases};
use serde_json::{Value, json};

use super::client::{action, csrf_token};
use super::code_world::{
    EMAIL, HOUR, SECOND, asking, entering, native_flow, password, passwordless, patient, person, settings,
};
use super::recovery::other_than;
use super::settings::PASSWORD;
use super::world::{World, message_ids};

on_both_databases! {
    asking_and_entering_do_not_tell_who_has_an_account,
    passwords_and_verifications_cost_the_same_for_nobody,
    two_hundred_guesses_at_once_are_no_more_than_the_flow_allows,
    two_hundred_guesses_in_many_flows_are_no_more_than_the_door_allows,
    guesses_at_codes_and_passwords_count_together,
    one_code_entered_sixteen_times_signs_in_once,
    a_code_is_good_in_its_own_flow_only,
    the_flow_of_a_browser_belongs_to_that_browser,
    strangers_do_not_lock_the_owner_out,
    strangers_do_not_use_up_what_the_owner_may_ask_for,
    nobodys_mailbox_is_filled_with_codes,
    a_link_with_a_code_in_it_signs_nobody_in,
}

const WRONG: u64 = 4_010_008;
const SENT: u64 = 1_010_014;

async fn asking_and_entering_do_not_tell_who_has_an_account(backend: Backend) {
    for fallback in [false, true] {
        let config = json!({"selfservice": {"methods": {"code": {"config": {
            "missing_credential_fallback_enabled": fallback,
        }}}}});
        // No courier: nobody but the test uses the database.
        let world = World::quiet_with(backend, settings("passwordless_enabled", config)).await;
        world.register(EMAIL, PASSWORD).await;
        let native = world.native();
        let mut seen = Vec::new();
        for address in [EMAIL, "nobody@example.org"] {
            let (mut answers, mut costs) = (Vec::new(), Vec::new());
            // The server itself cleans up now and then: the quietest of a few runs counts.
            for _ in 0..3 {
                let flow = native_flow(&native, "login").await;
                let before = world.statements();
                let sent = native.submit(&flow, asking(address)).await.expect(400);
                let between = world.statements();
                let wrong = native.submit(&flow, entering(address, "x00000")).await.expect(400);
                let cost = |run: Statements| (run.reads, run.writes, run.commits);
                costs.push((cost(between - before), cost(world.statements() - between)));
                let id = flow["id"].as_str().expect("an id");
                let plain = |value: &Value| value.to_string().replace(id, "FLOW").replace(address, "ADDRESS");
                answers.push((plain(&sent), plain(&wrong)));
            }
            let (sending, entering): (Vec<_>, Vec<_>) = costs.into_iter().unzip();
            seen.push((answers, sending.into_iter().min(), entering.into_iter().min()));
        }
        assert_eq!(seen[0], seen[1], "fallback: {fallback}");
    }
}

async fn passwords_and_verifications_cost_the_same_for_nobody(backend: Backend) {
    let verification = json!({"selfservice": {"flows": {"verification": {"enabled": true}}}});
    let world = World::quiet_with(backend, settings("passwordless_enabled", verification)).await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let mut seen = Vec::new();
    for address in [EMAIL, "nobody@example.org"] {
        let mut costs = Vec::new();
        for _ in 0..3 {
            let (login, verification) =
                (native_flow(&native, "login").await, native_flow(&native, "verification").await);
            let mut cost = Vec::new();
            for (flow, body) in [
                (&login, json!({"method": "password", "identifier": address, "password": "wrong"})),
                (&verification, json!({"method": "code", "email": address})),
                (&verification, json!({"method": "code", "code": "x00000"})),
            ] {
                let before = world.statements();
                native.submit(flow, body).await;
                let run = world.statements() - before;
                cost.push((run.reads, run.writes, run.commits));
            }
            costs.push(cost);
        }
        // The quietest run of each.
        seen.push((0..3).map(|step| costs.iter().map(|cost| cost[step]).min()).collect::<Vec<_>>());
    }
    assert_eq!(seen[0], seen[1]);
}

async fn two_hundred_guesses_at_once_are_no_more_than_the_flow_allows(backend: Backend) {
    // The door would stop them earlier; here only the flow does.
    let world = patient(backend, json!({})).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, asking(EMAIL)).await.expect(400);
    let code = world.server.code_for(EMAIL).await;
    let guesses = (0..200).map(|guess| {
        let guess = format!("{guess:06}");
        let guess = if guess == code { "999999".to_owned() } else { guess };
        native.submit(&flow, entering(EMAIL, &guess))
    });
    let told: Vec<_> = join_all(guesses).await.into_iter().map(|answer| message_ids(&answer.expect(400))).collect();
    assert_eq!(told.iter().filter(|told| **told == [WRONG]).count(), 5);
    native.submit(&flow, entering(EMAIL, &code)).await.expect(400);
}

async fn two_hundred_guesses_in_many_flows_are_no_more_than_the_door_allows(backend: Backend) {
    let world = World::with(
        backend,
        json!({"limits": {"failed_attempts": 10}, "identity": settings("passwordless_enabled", json!({}))}),
    )
    .await;
    world.register(EMAIL, PASSWORD).await;
    for address in [EMAIL, "nobody@example.org"] {
        let native = world.native();
        let mut flows = Vec::new();
        for _ in 0..10 {
            let flow = native_flow(&native, "login").await;
            native.submit(&flow, asking(address)).await.expect(400);
            flows.push(flow);
        }
        let guesses = (0..200).map(|guess| native.submit(&flows[guess % 10], entering(address, "x00000")));
        let told = join_all(guesses).await;
        let told: Vec<_> = told.into_iter().map(|answer| message_ids(&answer.expect(400))).collect();
        assert_eq!(told.iter().filter(|told| **told == [WRONG]).count(), 10, "{address}");
    }
}

async fn guesses_at_codes_and_passwords_count_together(backend: Backend) {
    // The world's doors lock after five.
    let world = passwordless(backend, json!({})).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, asking(EMAIL)).await.expect(400);
    let code = world.server.code_for(EMAIL).await;
    for _ in 0..3 {
        assert_eq!(message_ids(&native.submit(&flow, entering(EMAIL, other_than(&code))).await.expect(400)), [WRONG]);
    }
    let other = native_flow(&native, "login").await;
    let wrong = json!({"method": "password", "identifier": EMAIL, "password": "wrong"});
    for _ in 0..2 {
        assert_eq!(message_ids(&native.submit(&other, wrong.clone()).await.expect(400)), [4_000_006]);
    }
    assert_eq!(message_ids(&native.submit(&flow, entering(EMAIL, &code)).await.expect(400)), [4_000_001]);
    assert_eq!(message_ids(&native.submit(&other, password(EMAIL)).await.expect(400)), [4_000_001]);
}

async fn one_code_entered_sixteen_times_signs_in_once(backend: Backend) {
    let many = json!({"selfservice": {"methods": {"code": {"config": {"max_submissions": 100}}}}});
    let world = patient(backend, many).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, asking(EMAIL)).await.expect(400);
    let code = world.server.code_for(EMAIL).await;
    let tries = (0..16).map(|_| native.submit(&flow, entering(EMAIL, &code)));
    let answers = join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

async fn a_code_is_good_in_its_own_flow_only(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    person(&world, json!({"email": "eve@example.org"})).await;
    let native = world.native();
    let (hers, ours) = (native_flow(&native, "login").await, native_flow(&native, "login").await);
    native.submit(&hers, asking(EMAIL)).await.expect(400);
    native.submit(&ours, asking("eve@example.org")).await.expect(400);
    let code = world.server.code_for("eve@example.org").await;
    let tried = native.submit(&hers, entering(EMAIL, &code)).await.expect(400);
    assert_eq!(message_ids(&tried), [WRONG], "Eve's code does not open Ada's account");
    let tried = native.submit(&ours, entering(EMAIL, &code)).await.expect(400);
    assert_eq!(message_ids(&tried), [WRONG], "nor under her name in Eve's flow");
    native.submit(&ours, asking(EMAIL)).await.expect(400);
    let tried = native.submit(&ours, entering(EMAIL, &code)).await.expect(400);
    assert_eq!(message_ids(&tried), [WRONG], "nor after the flow was turned to her address");
    // A code that recovers or verifies does not sign in.
    world.advance(SECOND);
    let recovery = native_flow(&native, "recovery").await;
    native.submit(&recovery, json!({"method": "code", "email": EMAIL})).await;
    let code = world.server.code_for(EMAIL).await;
    let tried = native.submit(&hers, entering(EMAIL, &code)).await.expect(400);
    assert_eq!(message_ids(&tried), [WRONG]);
}

async fn the_flow_of_a_browser_belongs_to_that_browser(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let script = world.script();
    let flow = script.begin("login", "").await;
    let eve = world.script();
    let own = eve.begin("login", "").await;
    script.submit(&flow, asking(EMAIL)).await.expect(400);
    let code = world.server.code_for(EMAIL).await;
    for body in [asking(EMAIL), entering(EMAIL, &code)] {
        assert_eq!(eve.submit(&flow, body.clone()).await.error_id(403), "security_csrf_violation");
        let mut forged = body;
        forged["csrf_token"] = json!(csrf_token(&own));
        assert_eq!(script.post_json(&action(&flow), &forged).await.error_id(403), "security_csrf_violation");
        forged["csrf_token"] = json!("");
        assert_eq!(script.post_json(&action(&flow), &forged).await.error_id(403), "security_csrf_violation");
    }
    let app = native_flow(&world.native(), "login").await;
    let page = world.native().sending("origin", "https://evil.example");
    assert_eq!(message_ids(&page.submit(&app, asking(EMAIL)).await.expect(400)), [4_000_001]);
    script.submit(&flow, entering(EMAIL, &code)).await.expect(200);
}

async fn strangers_do_not_lock_the_owner_out(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let browser = world.script();
    let flow = browser.begin("login", "").await;
    browser.submit(&flow, password(EMAIL)).await.expect(200);
    sign_out(&browser).await;
    // Strangers guess until the door is locked.
    let native = world.native();
    let theirs = native_flow(&native, "login").await;
    native.submit(&theirs, asking(EMAIL)).await.expect(400);
    for _ in 0..6 {
        native.submit(&theirs, entering(EMAIL, "x00000")).await.expect(400);
    }
    let told = native.submit(&theirs, entering(EMAIL, "x00000")).await.expect(400);
    assert_eq!(message_ids(&told), [4_000_001]);
    world.advance(SECOND);
    let flow = browser.begin("login", "").await;
    browser.submit(&flow, asking(EMAIL)).await.expect(400);
    let code = world.server.code_for(EMAIL).await;
    browser.submit(&flow, entering(EMAIL, &code)).await.expect(200);
}

async fn strangers_do_not_use_up_what_the_owner_may_ask_for(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let browser = world.script();
    let flow = browser.begin("login", "").await;
    browser.submit(&flow, password(EMAIL)).await.expect(200);
    sign_out(&browser).await;
    let native = world.native();
    for expected in [SENT, SENT, SENT, SENT, SENT, 4_000_001] {
        let flow = native_flow(&native, "login").await;
        assert_eq!(message_ids(&native.submit(&flow, asking(EMAIL)).await.expect(400)), [expected]);
    }
    let flow = browser.begin("login", "").await;
    assert_eq!(message_ids(&browser.submit(&flow, asking(EMAIL)).await.expect(400)), [SENT]);
}

/// Signs out, and stays a browser that is known.
async fn sign_out(browser: &super::client::Client<'_>) {
    let logout = browser.get("/self-service/logout/browser").await.expect(200);
    let token = logout["logout_token"].as_str().expect("a token");
    assert_eq!(browser.get(&format!("/self-service/logout?token={token}")).await.status, 204);
    browser.jar.borrow_mut().retain(|name, _| name.contains("known_browser"));
}

async fn nobodys_mailbox_is_filled_with_codes(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let native = world.native();
    let before = world.mails().await;
    for _ in 0..8 {
        let flow = native_flow(&native, "login").await;
        native.submit(&flow, asking(EMAIL)).await.expect(400);
        native.submit(&flow, json!({"method": "code", "identifier": EMAIL, "resend": "code"})).await.expect(400);
    }
    assert_eq!(world.mails().await - before, 5);
    world.advance(HOUR + SECOND);
    let flow = native_flow(&native, "login").await;
    assert_eq!(message_ids(&native.submit(&flow, asking(EMAIL)).await.expect(400)), [SENT]);
}

async fn a_link_with_a_code_in_it_signs_nobody_in(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, asking(EMAIL)).await.expect(400);
    let code = world.server.code_for(EMAIL).await;
    let path = format!("{}&method=code&identifier={EMAIL}&code={code}", action(&flow));
    assert_eq!(message_ids(&native.get(&path).await.expect(400)), [4_010_002]);
}
