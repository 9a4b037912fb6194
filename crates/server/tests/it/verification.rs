//! Proving an address by code.

use std::time::Duration;

use orrery_testkit::{Backend, Call, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Answer, Jar, Stage, send};

on_both_databases! {
    a_code_proves_the_address_it_was_sent_to,
    asking_does_not_tell_which_addresses_have_accounts,
    strangers_are_told_when_the_operator_wants_it,
    a_code_works_once_in_its_own_flow_and_only_the_latest,
    codes_and_flows_run_out,
    a_flow_has_five_tries_and_then_not_even_the_right_code_helps,
    fresh_flows_bring_no_fresh_guesses,
    nobodys_mailbox_is_filled_with_codes,
    what_is_missing_or_wrong_is_said_in_the_form,
    a_flow_of_a_browser_belongs_to_that_browser,
    the_link_of_the_mail_fills_in_the_code_in_any_browser,
    a_made_up_link_takes_no_flow_over_and_counts_as_a_guess,
    where_verification_is_off_it_says_so,
    one_code_entered_many_times_at_once_passes_once,
    two_hundred_guesses_at_once_are_no_more_than_the_flow_allows,
    one_link_opened_sixteen_times_at_once_passes_once,
}

const MAILED: u64 = 1_080_003;
const VERIFIED: u64 = 1_080_002;
const WRONG: u64 = 4_070_006;
const COMPLETED: u64 = 4_070_002;
const EXPIRED: u64 = 4_070_005;
const REFUSED: u64 = 4_000_001;

async fn begin(stage: &Stage) -> String {
    send(stage.public(Method::GET, "/self-service/verification/api")).await.expect(200).id().to_owned()
}

fn submit(stage: &Stage, flow: &str, body: &Value) -> Call {
    stage.public(Method::POST, &format!("/self-service/verification?flow={flow}")).json(body)
}

async fn ask(stage: &Stage, flow: &str, address: &str) -> Answer {
    send(submit(stage, flow, &json!({"method": "code", "email": address}))).await
}

async fn enter(stage: &Stage, flow: &str, code: &str) -> Answer {
    send(submit(stage, flow, &json!({"method": "code", "code": code}))).await
}

async fn verified(stage: &Stage, identity: &str) -> Value {
    let identity = send(stage.admin(Method::GET, &format!("/admin/identities/{identity}"))).await.expect(200);
    identity.body["verifiable_addresses"][0].clone()
}

/// A code that is not the right one.
fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

async fn a_code_proves_the_address_it_was_sent_to(backend: Backend) {
    let stage = Stage::start(backend).await;
    let ada = stage.person("ada@example.org").await;
    assert_eq!(verified(&stage, &ada).await["status"], "pending");
    let flow = begin(&stage).await;
    let sent = ask(&stage, &flow, " Ada@Example.org ").await.expect(200);
    assert_eq!((sent.messages(), &sent.body["state"]), (vec![MAILED], &json!("sent_email")));
    assert_eq!(sent.node("email").expect("a resend button")["value"], "ada@example.org");
    assert_eq!(verified(&stage, &ada).await["status"], "sent");
    let code = stage.code("ada@example.org").await.expect("a mail with a code");
    let passed = enter(&stage, &flow, &code).await.expect(200);
    assert_eq!((passed.messages(), &passed.body["state"]), (vec![VERIFIED], &json!("passed_challenge")));
    assert_eq!(passed.body["ui"]["method"], "GET");
    let nodes = passed.body["ui"]["nodes"].as_array().expect("nodes");
    let anchor = nodes.iter().map(|node| &node["attributes"]).find(|it| it["node_type"] == "a").expect("an anchor");
    assert_eq!((&anchor["id"], &anchor["href"]), (&json!("continue"), &passed.body["ui"]["action"]));
    let address = verified(&stage, &ada).await;
    assert_eq!((&address["verified"], &address["status"]), (&json!(true), &json!("completed")));
    assert!(passed.headers.get("set-cookie").is_none(), "nobody is signed in");
    // It is over: a fresh flow begins.
    let again = enter(&stage, &flow, &code).await.expect(410);
    assert_eq!(again.error_id(), "self_service_flow_replaced");
    let fresh = again.body["use_flow_id"].as_str().expect("a flow").to_owned();
    let path = format!("/self-service/verification/flows?id={fresh}");
    assert_eq!(send(stage.public(Method::GET, &path)).await.expect(200).messages(), [COMPLETED]);
}

async fn asking_does_not_tell_which_addresses_have_accounts(backend: Backend) {
    let stage = Stage::start(backend).await;
    stage.person("ada@example.org").await;
    let mut shown = Vec::new();
    for address in ["ada@example.org", "nobody@example.org"] {
        let flow = begin(&stage).await;
        let sent = ask(&stage, &flow, address).await.expect(200);
        let wrong = enter(&stage, &flow, "000000").await.expect(200);
        let text = |answer: &Answer| answer.body.to_string().replace(&flow, "FLOW").replace(address, "ADDRESS");
        shown.push((text(&sent), wrong.messages(), text(&wrong).len()));
    }
    assert_eq!(shown[0], shown[1]);
    assert!(stage.code("nobody@example.org").await.is_none(), "strangers get no mail");
}

async fn strangers_are_told_when_the_operator_wants_it(backend: Backend) {
    let notify = json!({"identity": {"selfservice": {"flows": {"verification": {"notify_unknown_recipients": true}}}}});
    let stage = Stage::with(backend, notify).await;
    let flow = begin(&stage).await;
    ask(&stage, &flow, "nobody@example.org").await.expect(200);
    let path = "/admin/courier/messages?recipient=nobody@example.org";
    let messages = send(stage.admin(Method::GET, path)).await.expect(200);
    assert_eq!(messages.body[0]["template_type"], "verification_code_invalid");
    assert!(stage.code("nobody@example.org").await.is_none());
}

async fn a_code_works_once_in_its_own_flow_and_only_the_latest(backend: Backend) {
    let stage = Stage::start(backend).await;
    let ada = stage.person("ada@example.org").await;
    let (first, second) = (begin(&stage).await, begin(&stage).await);
    ask(&stage, &first, "ada@example.org").await.expect(200);
    let old = stage.code("ada@example.org").await.expect("a code");
    stage.advance(Duration::from_secs(1));
    ask(&stage, &second, "ada@example.org").await.expect(200);
    assert_eq!(enter(&stage, &second, &old).await.expect(200).messages(), [WRONG], "another flow's code");
    stage.advance(Duration::from_secs(1));
    ask(&stage, &first, "ada@example.org").await.expect(200);
    let new = stage.code("ada@example.org").await.expect("a code");
    assert_ne!(new, old);
    assert_eq!(enter(&stage, &first, &old).await.expect(200).messages(), [WRONG], "replaced by a newer one");
    assert_eq!(
        enter(&stage, &first, &format!(" {} {}", &new[..3], &new[3..])).await.expect(200).messages(),
        [VERIFIED]
    );
    assert_eq!(verified(&stage, &ada).await["verified"], true);
}

async fn codes_and_flows_run_out(backend: Backend) {
    let stage = Stage::with(
        backend,
        json!({"identity": {"selfservice": {
            "methods": {"code": {"config": {"lifespan": "10m"}}},
        }}}),
    )
    .await;
    let ada = stage.person("ada@example.org").await;
    let flow = begin(&stage).await;
    ask(&stage, &flow, "ada@example.org").await.expect(200);
    let code = stage.code("ada@example.org").await.expect("a code");
    stage.advance(Duration::from_secs(600));
    assert_eq!(enter(&stage, &flow, &code).await.expect(200).messages(), [WRONG]);
    stage.advance(Duration::from_secs(3600));
    let answer = enter(&stage, &flow, &code).await.expect(303);
    let location = answer.header("location").expect("the fresh flow").to_owned();
    let path = location.strip_prefix(&stage.public_url()).expect("on this server");
    assert_eq!(send(stage.public(Method::GET, path)).await.expect(200).messages(), [EXPIRED]);
    let read =
        send(stage.public(Method::GET, &format!("/self-service/verification/flows?id={flow}"))).await.expect(410);
    assert_eq!(read.error_id(), "self_service_flow_expired");
    assert_eq!(verified(&stage, &ada).await["verified"], false);
}

async fn a_flow_has_five_tries_and_then_not_even_the_right_code_helps(backend: Backend) {
    let stage = Stage::start(backend).await;
    let ada = stage.person("ada@example.org").await;
    let flow = begin(&stage).await;
    ask(&stage, &flow, "ada@example.org").await.expect(200);
    let code = stage.code("ada@example.org").await.expect("a code");
    for _ in 0..5 {
        assert_eq!(enter(&stage, &flow, other_than(&code)).await.expect(200).messages(), [WRONG]);
    }
    let over = enter(&stage, &flow, &code).await.expect(410);
    assert_eq!(over.error_id(), "self_service_flow_replaced");
    assert_eq!(verified(&stage, &ada).await["verified"], false);
}

async fn fresh_flows_bring_no_fresh_guesses(backend: Backend) {
    let stage = Stage::with(backend, json!({"limits": {"failed_attempts": 7}})).await;
    let ada = stage.person("ada@example.org").await;
    let (mut wrong, mut refused) = (0, 0);
    let mut last = String::new();
    for _ in 0..4 {
        last = begin(&stage).await;
        ask(&stage, &last, "ada@example.org").await.expect(200);
        let code = stage.code("ada@example.org").await.expect("a code");
        for _ in 0..4 {
            let answer = enter(&stage, &last, other_than(&code)).await;
            match answer.messages().as_slice() {
                [WRONG] => wrong += 1,
                [REFUSED] => refused += 1,
                other => panic!("{other:?}"),
            }
        }
        stage.advance(Duration::from_secs(1));
    }
    assert_eq!((wrong, refused), (7, 9));
    let code = stage.code("ada@example.org").await.expect("a code");
    assert_eq!(enter(&stage, &last, &code).await.expect(400).messages(), [REFUSED]);
    assert_eq!(verified(&stage, &ada).await["verified"], false);
}

async fn nobodys_mailbox_is_filled_with_codes(backend: Backend) {
    let stage = Stage::with(backend, json!({"limits": {"failed_attempts": 3}})).await;
    stage.person("ada@example.org").await;
    for address in ["ada@example.org", "nobody@example.org"] {
        for _ in 0..3 {
            let flow = begin(&stage).await;
            ask(&stage, &flow, address).await.expect(200);
        }
        let flow = begin(&stage).await;
        assert_eq!(ask(&stage, &flow, address).await.expect(400).messages(), [REFUSED], "{address}");
    }
    let messages =
        send(stage.admin(Method::GET, "/admin/courier/messages?recipient=ada@example.org")).await.expect(200);
    assert_eq!(messages.body.as_array().map(Vec::len), Some(3));
}

async fn what_is_missing_or_wrong_is_said_in_the_form(backend: Backend) {
    let stage = Stage::start(backend).await;
    let flow = begin(&stage).await;
    let at = |body: Value| submit(&stage, &flow, &body);
    assert_eq!(send(at(json!({"method": "code"}))).await.expect(400).messages(), [4_000_002]);
    assert_eq!(
        send(at(json!({"method": "code", "email": "not an address"}))).await.expect(400).messages(),
        [4_000_040]
    );
    assert_eq!(send(at(json!({"other": 1}))).await.expect(400).messages(), [4_010_006]);
    send(at(json!({"method": "link", "email": "ada@example.org"}))).await.expect(404);
    send(at(json!([1]))).await.expect(400);
    let unknown = "/self-service/verification?flow=00000000-0000-4000-8000-000000000000";
    send(stage.public(Method::POST, unknown).json(&json!({"method": "code", "code": "1"}))).await.expect(404);
    send(stage.public(Method::POST, "/self-service/verification?flow=x").json(&json!({"code": "1"}))).await.expect(400);
    send(stage.public(Method::POST, "/self-service/verification").json(&json!({"code": "1"}))).await.expect(400);
}

async fn a_flow_of_a_browser_belongs_to_that_browser(backend: Backend) {
    let stage = Stage::returning(backend).await;
    stage.person("ada@example.org").await;
    let (mut ada, mut eve) = (Jar::default(), Jar::default());
    let to = "/self-service/verification/browser?return_to=https%3A%2F%2Fapp.example.org%2Fdone";
    let flow = ada.script(stage.public(Method::GET, to)).await.expect(200);
    let read = |id: &str| stage.public(Method::GET, &format!("/self-service/verification/flows?id={id}"));
    let refused = eve.script(read(flow.id())).await.expect(403);
    assert_eq!(refused.error_id(), "security_csrf_violation");
    ada.script(read(flow.id())).await.expect(200);
    let asked = json!({"method": "code", "email": "ada@example.org"});
    let refused = ada.script(submit(&stage, flow.id(), &asked)).await.expect(403);
    assert_eq!(refused.error_id(), "security_csrf_violation", "no token");
    let token = flow.node("csrf_token").expect("a token")["value"].clone();
    let asked = json!({"method": "code", "email": "ada@example.org", "csrf_token": token});
    eve.script(submit(&stage, flow.id(), &asked)).await.expect(403);
    ada.script(submit(&stage, flow.id(), &asked)).await.expect(200);
    let code = stage.code("ada@example.org").await.expect("a code");
    // The code proves itself: no token is needed.
    let passed = ada.script(submit(&stage, flow.id(), &json!({"method": "code", "code": code}))).await.expect(200);
    assert_eq!(passed.body["ui"]["action"], "https://app.example.org/done");
}

async fn the_link_of_the_mail_fills_in_the_code_in_any_browser(backend: Backend) {
    let stage = Stage::start(backend).await;
    let ada = stage.person("ada@example.org").await;
    let mut desk = Jar::default();
    let flow = desk.script(stage.public(Method::GET, "/self-service/verification/browser")).await.expect(200);
    let token = flow.node("csrf_token").expect("a token")["value"].clone();
    let asked = json!({"method": "code", "email": "ada@example.org", "csrf_token": token});
    desk.script(submit(&stage, flow.id(), &asked)).await.expect(200);
    let code = stage.code("ada@example.org").await.expect("a code");
    let mut phone = Jar::default();
    let link = format!("/self-service/verification?flow={}&code={code}", flow.id());
    let page = phone.send(stage.public(Method::GET, &link)).await.expect(303);
    assert!(page.header("location").is_some_and(|to| to.contains(&format!("flow={}", flow.id()))));
    assert_eq!(verified(&stage, &ada).await["verified"], false, "opening a link proves nothing: scanners do it, too");
    let path = format!("/self-service/verification/flows?id={}", flow.id());
    let shown = phone.script(stage.public(Method::GET, &path)).await.expect(200);
    assert_eq!(shown.node("code").expect("a field")["value"], json!(code));
    let body =
        json!({"method": "code", "code": code, "csrf_token": shown.node("csrf_token").expect("a token")["value"]});
    let passed = phone.script(submit(&stage, flow.id(), &body)).await.expect(200);
    assert_eq!(passed.messages(), [VERIFIED]);
}

async fn a_made_up_link_takes_no_flow_over_and_counts_as_a_guess(backend: Backend) {
    let stage = Stage::with(backend, json!({"limits": {"failed_attempts": 4}})).await;
    stage.person("ada@example.org").await;
    let mut ada = Jar::default();
    let flow = ada.script(stage.public(Method::GET, "/self-service/verification/browser")).await.expect(200);
    let token = flow.node("csrf_token").expect("a token")["value"].clone();
    let asked = json!({"method": "code", "email": "ada@example.org", "csrf_token": token});
    ada.script(submit(&stage, flow.id(), &asked)).await.expect(200);
    let code = stage.code("ada@example.org").await.expect("a code");
    let mut eve = Jar::default();
    let read = format!("/self-service/verification/flows?id={}", flow.id());
    let link = |code: &str| format!("/self-service/verification?flow={}&code={code}", flow.id());
    for _ in 0..4 {
        eve.send(stage.public(Method::GET, &link(other_than(&code)))).await.expect(303);
        let refused = eve.script(stage.public(Method::GET, &read)).await.expect(403);
        assert_eq!(refused.error_id(), "security_csrf_violation", "the address stays unread");
        let shown = ada.script(stage.public(Method::GET, &read)).await.expect(200);
        assert_eq!(shown.node("email").expect("still the owner's")["value"], "ada@example.org");
    }
    let wrong = json!({"method": "code", "code": other_than(&code)});
    let refused = eve.script(submit(&stage, flow.id(), &wrong)).await.expect(403);
    assert_eq!(refused.error_id(), "security_csrf_violation", "a wrong code shows nothing either");
    // Four guesses were all: not even the right code is told from a wrong one now.
    eve.send(stage.public(Method::GET, &link(&code))).await.expect(303);
    eve.script(stage.public(Method::GET, &read)).await.expect(403);
    ada.script(stage.public(Method::GET, &read)).await.expect(200);
}

async fn where_verification_is_off_it_says_so(backend: Backend) {
    let off = json!({"identity": {"selfservice": {"flows": {"verification": {"enabled": false}}}}});
    let stage = Stage::with(backend, off).await;
    let answer = send(stage.public(Method::GET, "/self-service/verification/api")).await.expect(400);
    assert_eq!(answer.error_id(), "self_service_flow_disabled");
}

async fn one_code_entered_many_times_at_once_passes_once(backend: Backend) {
    let stage = Stage::with(backend, json!({"limits": {"failed_attempts": 100}})).await;
    stage.person("ada@example.org").await;
    let flow = begin(&stage).await;
    ask(&stage, &flow, "ada@example.org").await.expect(200);
    let code = stage.code("ada@example.org").await.expect("a code");
    let answers = futures_util::future::join_all((0..16).map(|_| enter(&stage, &flow, &code))).await;
    let passed = answers.iter().filter(|answer| answer.messages() == [VERIFIED]).count();
    assert_eq!(passed, 1);
}

async fn two_hundred_guesses_at_once_are_no_more_than_the_flow_allows(backend: Backend) {
    // The door would stop them earlier; here only the flow does.
    let stage = Stage::with(backend, json!({"limits": {"failed_attempts": 0}})).await;
    let ada = stage.person("ada@example.org").await;
    let flow = begin(&stage).await;
    ask(&stage, &flow, "ada@example.org").await.expect(200);
    let code = stage.code("ada@example.org").await.expect("a code");
    let guesses: Vec<_> = (0..200)
        .map(|guess| format!("{guess:06}"))
        .map(|guess| if guess == code { "999999".into() } else { guess })
        .collect();
    let answers = futures_util::future::join_all(guesses.iter().map(|guess| enter(&stage, &flow, guess))).await;
    let evaluated = answers.iter().filter(|answer| answer.messages() == [WRONG]).count();
    assert_eq!(evaluated, 5);
    assert_eq!(answers.iter().filter(|answer| answer.status == 410).count(), 195);
    enter(&stage, &flow, &code).await.expect(410);
    assert_eq!(verified(&stage, &ada).await["verified"], false);
}

async fn one_link_opened_sixteen_times_at_once_passes_once(backend: Backend) {
    let by_link = json!({"identity": {"selfservice": {
        "flows": {"verification": {"use": "link"}}, "methods": {"link": {"enabled": true}},
    }}});
    let stage = Stage::with(backend, by_link).await;
    let ada = stage.person("ada@example.org").await;
    let mut jar = Jar::default();
    let flow = jar.script(stage.public(Method::GET, "/self-service/verification/browser")).await.expect(200);
    let token = flow.node("csrf_token").expect("a token")["value"].clone();
    let asked = json!({"method": "link", "email": "ada@example.org", "csrf_token": token});
    jar.script(submit(&stage, flow.id(), &asked)).await.expect(200);
    let link = stage.link("ada@example.org").await.expect("a mail with a link");
    let opened = (0..16).map(|_| async {
        let answer = Jar::default().send(stage.public(Method::GET, &link)).await.expect(303);
        answer.header("location").is_some_and(|to| to.contains(&format!("flow={}", flow.id())))
    });
    let passed = futures_util::future::join_all(opened).await;
    assert_eq!(passed.iter().filter(|passed| **passed).count(), 1, "the others are led to a fresh flow");
    assert_eq!(verified(&stage, &ada).await["verified"], true);
}
