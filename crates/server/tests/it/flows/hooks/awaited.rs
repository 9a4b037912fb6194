//! Hooks that are waited for: they may object and change an identity, and nothing is written when they bring no answer.

use std::time::Duration;

use orrery_testkit::{Backend, TestOptions, TestServer, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::world::{message_ids, node};
use super::target::{Reply, Target};
use super::{EMAIL, heard, hook, identities, objection, program, registration, world};

on_both_databases!(
    a_hook_is_told_what_its_program_says,
    an_objection_becomes_messages_of_the_form,
    an_identity_is_stored_as_the_hook_wants_it,
    traits_of_a_hook_are_judged_like_any_other,
    without_an_answer_nothing_is_written,
    a_recipient_that_is_away_for_a_moment_is_asked_again,
    a_program_may_call_the_hook_off,
);

#[tokio::test]
async fn hooks_that_could_not_work_are_refused_at_start() {
    for (hook, named) in [
        (json!({"hook": "web_hook"}), "url and method"),
        (json!({"hook": "web_hook", "config": {"url": "file:///etc/passwd", "method": "POST"}}), "http"),
        (json!({"hook": "web_hook", "config": {"url": "http://x.example", "method": "POST", "bdy": "x"}}), "bdy"),
        (
            json!({"hook": "web_hook", "config": {"url": "http://x.example", "method": "POST", "body": "file:///no"}}),
            "no",
        ),
        (
            json!({"hook": "web_hook", "config": {
                "url": "http://x.example", "method": "POST", "response": {"ignore": true, "parse": true}
            }}),
            "ignore",
        ),
        (json!({"hook": "b2b_sso"}), "b2b_sso"),
    ] {
        let flows = json!({"login": {"after": {"password": {"hooks": [hook]}}}});
        let config = json!({"identity": {"selfservice": {"flows": flows}}});
        let refused = TestServer::try_start(TestOptions::with(Backend::Sqlite, config)).await;
        let why = refused.err().unwrap_or_else(|| panic!("{named} is accepted"));
        assert!(why.contains(named), "{why}");
    }
}

async fn a_hook_is_told_what_its_program_says(backend: Backend) {
    let target = Target::start().await;
    let source = "function(ctx) {
        email: ctx.identity.traits.email, id: ctx.identity.id, flow: ctx.flow.id, kind: ctx.flow.type,
        method: ctx.request_method, url: ctx.request_url, agent: std.get(ctx.request_headers, 'X-Agent'),
        cookies: std.objectFields(ctx.request_cookies), payload: ctx.flow.transient_payload,
        csrf: [n.attributes.value for n in ctx.flow.ui.nodes if n.attributes.name == 'csrf_token'],
    }";
    let further = json!({
        "body": program(source), "headers": {"X-Fixed": "1"},
        "auth": {"type": "basic_auth", "config": {"user": "orrery", "password": "hunter2"}},
    });
    let flows = json!({"registration": {"after": {"password": {"hooks": [hook(&target, further)]}}}});
    let world = world(backend, flows).await;
    let script = world.script().sending("x-agent", "Ada's");
    script.jar.borrow_mut().insert("theme".to_owned(), "dark".to_owned());
    let flow = script.begin("registration", "").await;
    let mut body = registration();
    body["transient_payload"] = json!({"campaign": "spring"});
    let done = script.submit(&flow, body).await.expect(200);
    let [call] = target.calls().try_into().expect("one call");
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/told"));
    assert_eq!(call.headers["authorization"], "Basic b3JyZXJ5Omh1bnRlcjI=");
    assert_eq!((call.headers["x-fixed"].as_str(), call.headers["content-type"].as_str()), ("1", "application/json"));
    assert!(call.headers.contains_key("ory-webhook-request-id") && call.headers.contains_key("ory-webhook-trigger-id"));
    let told = call.json();
    assert_eq!(told["url"], flow["ui"]["action"]);
    assert_eq!(told["agent"], Value::Null, "it is not on the list");
    assert_eq!(told["cookies"], json!(["theme"]), "never what the browser is known by");
    assert_eq!((&told["csrf"], &told["payload"]), (&json!([""]), &json!({"campaign": "spring"})));
    assert_eq!((&told["email"], &told["id"]), (&json!(EMAIL), &done["identity"]["id"]));
    assert_eq!((&told["flow"], &told["kind"], &told["method"]), (&flow["id"], &json!("browser"), &json!("POST")));
}

async fn an_objection_becomes_messages_of_the_form(backend: Backend) {
    let target = Target::start().await;
    let world = world(backend, json!({"registration": {"after": {"password": {"hooks": [heard(&target)]}}}})).await;
    for status in [400, 403, 500] {
        target.reply(Reply::new(status, objection()));
        let native = world.native();
        let flow = native.get("/self-service/registration/api").await.expect(200);
        let refused = native.submit(&flow, registration()).await.expect(400);
        assert_eq!(message_ids(&refused), [1235, 1234]);
        let email = node(&refused, "traits.email");
        assert_eq!(
            email["messages"][0],
            json!({"id": 1234, "text": "We know you.", "type": "error", "context": {"why": "reasons"}})
        );
        assert_eq!(email["attributes"]["value"], EMAIL);
        assert_eq!((refused["state"].as_str(), identities(&world).await), (Some("choose_method"), 0));
        if status == 500 {
            // The same flow goes on once the hook agrees.
            native.submit(&refused, registration()).await.expect(200);
        }
    }
    assert_eq!((target.calls().len(), identities(&world).await), (4, 1));
    let browser = world.browser();
    target.reply(Reply::new(400, objection()));
    let flow = browser.begin("registration", "").await;
    let fields = [("method", "password"), ("traits.email", "bob@example.org"), ("password", "another long secret")];
    let page = browser.submit_form(&flow, &fields).await.location(302);
    assert_eq!(page, format!("https://id.example/ui/registration?flow={}", flow["id"].as_str().expect("an id")));
}

async fn an_identity_is_stored_as_the_hook_wants_it(backend: Backend) {
    let target = Target::start().await;
    let world =
        world(backend, json!({"registration": {"after": {"password": {"hooks": [heard(&target), heard(&target)]}}}}))
            .await;
    let change = json!({"identity": {
        "traits": {"email": EMAIL, "name": "Ada Lovelace"},
        "metadata_public": {"plan": "gold"}, "metadata_admin": {"score": 7}, "external_id": "crm-1",
        "verifiable_addresses": [{"value": EMAIL, "via": "email", "verified": true}],
    }});
    target.reply(Reply::new(200, change.to_string()));
    target.reply(Reply::new(200, "{}"));
    let id = world.register(EMAIL, super::PASSWORD).await;
    let stored = world.admin(Method::GET, &format!("/admin/identities/{id}"), json!(null)).await;
    assert_eq!(stored["traits"], json!({"email": EMAIL, "name": "Ada Lovelace"}));
    assert_eq!(
        (&stored["metadata_public"], &stored["metadata_admin"]),
        (&json!({"plan": "gold"}), &json!({"score": 7}))
    );
    assert_eq!(
        (&stored["external_id"], &stored["verifiable_addresses"][0]["verified"]),
        (&json!("crm-1"), &json!(true))
    );
    assert_eq!(world.mails().await, 0, "what is proven is not asked to be proven");
    // The second hook saw what the first one had changed.
    let second = target.calls()[1].json();
    assert_eq!(second["identity"]["traits"]["name"], "Ada Lovelace");
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    let body = json!({"method": "password", "identifier": EMAIL, "password": super::PASSWORD});
    native.submit(&flow, body).await.expect(200);
}

async fn traits_of_a_hook_are_judged_like_any_other(backend: Backend) {
    let target = Target::start().await;
    let world = world(backend, json!({"registration": {"after": {"password": {"hooks": [heard(&target)]}}}})).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    target.reply(Reply::new(200, json!({"identity": {"traits": {"email": "nonsense"}}}).to_string()));
    let refused = native.submit(&flow, registration()).await.expect(400);
    assert_eq!(node(&refused, "traits.email")["messages"].as_array().map(Vec::len), Some(1));
    for broken in [
        json!({"identity": {"schema_id": "no such schema"}}),
        json!({"identity": {"state": "asleep"}}),
        json!({"identity": {"external_id": 7}}),
        json!({"identity": "ada"}),
    ] {
        target.reply(Reply::new(200, broken.to_string()));
        assert_eq!(native.submit(&flow, registration()).await.error_id(502), "upstream_error", "{broken}");
    }
    assert_eq!(identities(&world).await, 0);
}

async fn without_an_answer_nothing_is_written(backend: Backend) {
    let target = Target::start().await;
    let broken = program("function(ctx) ctx.no.such.member");
    let gone = json!({"url": "http://127.0.0.1:1/", "response": {"parse": true}});
    let endless = program("local f(n) = f(n + 1) tailstrict; f(0)");
    for (further, replies, status, id) in [
        (json!({}), vec![Reply::new(400, objection())], 502, "upstream_error"),
        (json!({}), vec![Reply::new(302, "")], 502, "upstream_error"),
        (json!({}), vec![Reply::new(404, "{}")], 502, "upstream_error"),
        (json!({}), vec![Reply::new(500, ""); 3], 502, "upstream_error"),
        (json!({"response": {"parse": true}}), vec![Reply::new(200, "no JSON")], 502, "upstream_error"),
        (json!({"response": {"parse": true}}), vec![Reply::new(200, "")], 502, "upstream_error"),
        (json!({"response": {"parse": true}}), vec![Reply::new(400, "{}")], 502, "upstream_error"),
        (json!({}), vec![Reply { after: Duration::from_secs(20), ..Reply::new(200, "") }], 504, "upstream_error"),
        (gone, vec![], 502, "upstream_error"),
        (json!({"body": broken}), vec![], 500, "invalid_configuration"),
        (json!({"body": endless}), vec![], 500, "invalid_configuration"),
    ] {
        let before = target.calls().len();
        let replied = replies.len();
        replies.into_iter().for_each(|reply| target.reply(reply));
        let hooks = json!([hook(&target, further.clone())]);
        let world = world(backend, json!({"registration": {"after": {"password": {"hooks": hooks}}}})).await;
        let native = world.native();
        let flow = native.get("/self-service/registration/api").await.expect(200);
        assert_eq!(native.submit(&flow, registration()).await.error_id(status), id, "{further}");
        assert_eq!((identities(&world).await, world.mails().await), (0, 0), "{further}");
        let id = flow["id"].as_str().expect("an id");
        let read = native.get(&format!("/self-service/registration/flows?id={id}")).await.expect(200);
        assert_eq!(read["state"], "choose_method", "the flow can be submitted again");
        assert_eq!(target.calls().len() - before, replied, "{further}");
    }
}

async fn a_recipient_that_is_away_for_a_moment_is_asked_again(backend: Backend) {
    let target = Target::start().await;
    let hooks = json!([hook(&target, json!({}))]);
    let world = world(backend, json!({"registration": {"after": {"password": {"hooks": hooks}}}})).await;
    target.reply(Reply::new(503, ""));
    world.register(EMAIL, super::PASSWORD).await;
    let calls = target.calls();
    let trigger = |index: usize| &calls[index].headers["ory-webhook-trigger-id"];
    assert_eq!((calls.len(), trigger(0)), (2, trigger(1)), "it can tell that it is the same call");
}

async fn a_program_may_call_the_hook_off(backend: Backend) {
    let target = Target::start().await;
    let source = "function(ctx) if ctx.identity.traits.name == 'Ada' then error 'cancel' else {}";
    let hooks = json!([hook(&target, json!({"body": program(source)}))]);
    let world = world(backend, json!({"registration": {"after": {"password": {"hooks": hooks}}}})).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    native.submit(&flow, registration()).await.expect(200);
    assert_eq!((target.calls().len(), identities(&world).await), (0, 1));
}
