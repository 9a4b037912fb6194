//! Getting into somebody else's account, in vain.

use orrery_persistence::Statements;
use orrery_testkit::{Backend, on_both_databases};
use serde_json::{Value, json};

use super::recovery::{SECOND, ask, patient_world, world};
use super::settings::PASSWORD;
use super::world::{World, message_ids};

on_both_databases! {
    asking_does_not_tell_which_addresses_have_accounts,
    strangers_are_told_when_the_operator_wants_it,
    two_hundred_guesses_at_once_are_no_more_than_the_flow_allows,
    one_code_entered_sixteen_times_signs_in_once,
    one_link_opened_sixteen_times_signs_in_once,
    a_code_is_good_in_its_own_flow_only,
    the_flow_of_a_browser_belongs_to_that_browser,
    a_link_never_takes_the_place_of_somebody_elses_session,
    nobodys_mailbox_is_filled_with_codes,
    fresh_flows_bring_no_fresh_guesses,
}

const WRONG: u64 = 4_060_006;

async fn asking_does_not_tell_which_addresses_have_accounts(backend: Backend) {
    // No courier: nobody but the test uses the database.
    let world = World::quiet_with(backend, super::recovery::settings(json!({}))).await;
    world.register("ada@example.org", PASSWORD).await;
    world.advance(SECOND);
    let native = world.native();
    let mut seen = Vec::new();
    for address in ["ada@example.org", "nobody@example.org"] {
        let (mut answers, mut costs) = (Vec::new(), Vec::new());
        // The server itself cleans up now and then: the quietest of a few runs counts.
        for _ in 0..3 {
            let flow = native.get("/self-service/recovery/api").await.expect(200);
            let before = world.statements();
            let sent = ask(&native, &flow, address).await;
            let between = world.statements();
            let wrong = native.submit(&flow, json!({"method": "code", "code": "x00000"})).await.expect(200);
            let costs_of = |run: Statements| (run.reads, run.writes, run.commits);
            costs.push((costs_of(between - before), costs_of(world.statements() - between)));
            let id = flow["id"].as_str().expect("an id");
            let plain = |value: &Value| value.to_string().replace(id, "FLOW").replace(address, "ADDRESS");
            answers.push((plain(&sent), plain(&wrong)));
        }
        let (sending, entering): (Vec<_>, Vec<_>) = costs.into_iter().unzip();
        seen.push((answers, sending.into_iter().min(), entering.into_iter().min()));
    }
    assert_eq!(seen[0], seen[1]);
}

async fn strangers_are_told_when_the_operator_wants_it(backend: Backend) {
    let notify = json!({"selfservice": {"flows": {"recovery": {"notify_unknown_recipients": true}}}});
    let world = world(backend, notify).await;
    let native = world.native();
    let flow = native.get("/self-service/recovery/api").await.expect(200);
    ask(&native, &flow, "nobody@example.org").await;
    let path = "/admin/courier/messages?recipient=nobody@example.org";
    let messages = world.admin(reqwest::Method::GET, path, json!({})).await;
    assert_eq!(messages[0]["template_type"], "recovery_code_invalid");
}

async fn two_hundred_guesses_at_once_are_no_more_than_the_flow_allows(backend: Backend) {
    // The door would stop them earlier; here only the flow does.
    let world = patient_world(backend, json!({})).await;
    let native = world.native();
    let flow = native.get("/self-service/recovery/api").await.expect(200);
    ask(&native, &flow, "ada@example.org").await;
    let code = world.server.code_for("ada@example.org").await;
    let guesses = (0..200).map(|guess| {
        let guess = format!("{guess:06}");
        let guess = if guess == code { "999999".to_owned() } else { guess };
        native.submit(&flow, json!({"method": "code", "code": guess}))
    });
    let answers = futures_util::future::join_all(guesses).await;
    let evaluated = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(evaluated <= 5, "{evaluated} guesses were evaluated");
    assert!(
        answers.iter().all(|answer| matches!(answer.status, 200 | 303)),
        "{:?}",
        answers.iter().map(|it| it.status).collect::<Vec<_>>()
    );
    native.submit(&flow, json!({"method": "code", "code": code})).await.location(303);
}

async fn one_code_entered_sixteen_times_signs_in_once(backend: Backend) {
    let world =
        world(backend, json!({"selfservice": {"methods": {"code": {"config": {"max_submissions": 100}}}}})).await;
    let native = world.native();
    let flow = native.get("/self-service/recovery/api").await.expect(200);
    ask(&native, &flow, "ada@example.org").await;
    let code = world.server.code_for("ada@example.org").await;
    let tries = (0..16).map(|_| native.submit(&flow, json!({"method": "code", "code": code})));
    let answers = futures_util::future::join_all(tries).await;
    let tokens = answers.iter().filter(|it| it.body.as_ref().is_some_and(|body| body.to_string().contains("ory_st_")));
    assert_eq!(tokens.count(), 1);
}

async fn one_link_opened_sixteen_times_signs_in_once(backend: Backend) {
    let by_link =
        json!({"selfservice": {"flows": {"recovery": {"use": "link"}}, "methods": {"link": {"enabled": true}}}});
    let world = world(backend, by_link).await;
    let script = world.script();
    let flow = script.begin("recovery", "").await;
    script.submit(&flow, json!({"method": "link", "email": "ada@example.org"})).await.expect(200);
    let inbox = world.server.inbox().await;
    let mail = inbox.iter().find(|mail| mail["recipient"] == "ada@example.org").expect("a mail");
    let text = mail["text"].as_str().expect("a text");
    let link =
        text[text.find("/self-service/").expect("a link")..].split_whitespace().next().expect("a path").to_owned();
    let browsers: Vec<_> = (0..16).map(|_| world.browser()).collect();
    let answers = futures_util::future::join_all(browsers.iter().map(|browser| browser.get(&link))).await;
    let inside = answers.into_iter().filter(|answer| {
        let to = answer.headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or_default();
        to.contains("/ui/settings?flow=")
    });
    assert_eq!(inside.count(), 1);
}

async fn a_code_is_good_in_its_own_flow_only(backend: Backend) {
    let world = world(backend, json!({})).await;
    world.register("eve@example.org", PASSWORD).await;
    world.advance(SECOND);
    let native = world.native();
    let (hers, ours) = (
        native.get("/self-service/recovery/api").await.expect(200),
        native.get("/self-service/recovery/api").await.expect(200),
    );
    ask(&native, &hers, "ada@example.org").await;
    ask(&native, &ours, "eve@example.org").await;
    let code = world.server.code_for("eve@example.org").await;
    let tried = native.submit(&hers, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(message_ids(&tried), [WRONG], "Eve's code does not open Ada's account");
    let again = ask(&native, &ours, "ada@example.org").await;
    assert_eq!(again["state"], "sent_email");
    let tried = native.submit(&ours, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(message_ids(&tried), [WRONG], "nor after the flow was turned to her address");
}

async fn the_flow_of_a_browser_belongs_to_that_browser(backend: Backend) {
    let world = world(backend, json!({})).await;
    let script = world.script();
    let flow = script.begin("recovery", "").await;
    let eve = world.script();
    eve.begin("recovery", "").await;
    let read = format!("/self-service/recovery/flows?id={}", flow["id"].as_str().expect("an id"));
    assert_eq!(eve.get(&read).await.error_id(403), "security_csrf_violation");
    for body in [json!({"method": "code", "email": "ada@example.org"}), json!({"method": "code", "code": "123456"})] {
        assert_eq!(eve.submit(&flow, body).await.error_id(403), "security_csrf_violation");
    }
    ask(&script, &flow, "ada@example.org").await;
    let code = world.server.code_for("ada@example.org").await;
    let body = json!({"method": "code", "code": code, "csrf_token": ""});
    assert_eq!(
        script.submit(&flow, body).await.error_id(403),
        "security_csrf_violation",
        "a page cannot enter it unseen"
    );
    let native = world.native().sending("origin", "https://evil.example");
    let app = world.native().get("/self-service/recovery/api").await.expect(200);
    assert_eq!(native.submit(&app, json!({"method": "code", "email": "ada@example.org"})).await.status, 400);
}

async fn a_link_never_takes_the_place_of_somebody_elses_session(backend: Backend) {
    let by_link =
        json!({"selfservice": {"flows": {"recovery": {"use": "link"}}, "methods": {"link": {"enabled": true}}}});
    let world = world(backend, by_link).await;
    world.register("eve@example.org", PASSWORD).await;
    world.advance(SECOND);
    let eve = world.script();
    let flow = eve.begin("recovery", "").await;
    eve.submit(&flow, json!({"method": "link", "email": "eve@example.org"})).await.expect(200);
    let inbox = world.server.inbox().await;
    let text = inbox[0]["text"].as_str().expect("a text");
    let link =
        text[text.find("/self-service/").expect("a link")..].split_whitespace().next().expect("a path").to_owned();
    let ada = world.script();
    let login = ada.begin("login", "").await;
    let body = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
    ada.submit(&login, body).await.expect(200);
    let to = ada.accepting("text/html").get(&link).await.location(303);
    assert!(to.starts_with("https://app.example/"), "{to}");
    let session = ada.get("/sessions/whoami").await.expect(200);
    assert_eq!(session["identity"]["traits"]["email"], "ada@example.org");
}

async fn nobodys_mailbox_is_filled_with_codes(backend: Backend) {
    let config = json!({"limits": {"failed_attempts": 3}, "identity": super::recovery::settings(json!({}))});
    let world = World::with(backend, config).await;
    world.register("ada@example.org", PASSWORD).await;
    world.advance(SECOND);
    let before = world.mails().await;
    let native = world.native();
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let flow = native.get("/self-service/recovery/api").await.expect(200);
        statuses.push(native.submit(&flow, json!({"method": "code", "email": "ada@example.org"})).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 400, 400, 400]);
    assert_eq!(world.mails().await - before, 3);
}

async fn fresh_flows_bring_no_fresh_guesses(backend: Backend) {
    let config = json!({"limits": {"failed_attempts": 7}, "identity": super::recovery::settings(json!({}))});
    let world = World::with(backend, config).await;
    world.register("ada@example.org", PASSWORD).await;
    world.advance(SECOND);
    let native = world.native();
    let mut evaluated = 0;
    for _ in 0..3 {
        world.advance(SECOND);
        let flow = native.get("/self-service/recovery/api").await.expect(200);
        ask(&native, &flow, "ada@example.org").await;
        let code = world.server.code_for("ada@example.org").await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for _ in 0..4 {
            evaluated += u32::from(native.submit(&flow, json!({"method": "code", "code": wrong})).await.status == 200);
        }
    }
    assert_eq!(evaluated, 7);
}
