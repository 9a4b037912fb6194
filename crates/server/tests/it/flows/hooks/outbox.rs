//! Hooks that nobody waits for: told afterwards, at least once, of what has happened and of nothing else.

use std::time::Duration;

use futures_util::future::join_all;
use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::world::World;
use super::target::{Reply, Target};
use super::{EMAIL, PASSWORD, events, heard, hook, identities, ignored, objection, program, registration, world};

on_both_databases!(
    what_has_happened_is_told_afterwards,
    what_has_not_happened_is_told_to_nobody,
    a_flow_that_is_raced_is_told_of_once,
    a_failed_call_is_repeated_and_given_up_in_the_end,
    an_administrator_has_an_event_delivered_again,
    a_broken_program_keeps_nobody_out,
    a_flow_that_begins_is_told_of,
);

/// One event by its id, once it has this status.
async fn settled(world: &World, id: &Value, status: &str) -> Value {
    let path = format!("/admin/events/{}", id.as_str().expect("an id"));
    for _ in 0..400 {
        let event = world.admin(Method::GET, &path, json!(null)).await;
        if event["status"] == status {
            return event;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the event does not become {status}");
}

async fn what_has_happened_is_told_afterwards(backend: Backend) {
    let target = Target::start().await;
    let source = "function(ctx) {who: ctx.identity.id, session: ctx.session.id}";
    let further = json!({
        "body": program(source), "response": {"ignore": true},
        "auth": {"type": "api_key", "config": {"name": "X-Key", "value": "hunter2", "in": "header"}},
    });
    let hooks = json!([hook(&target, further), {"hook": "session"}]);
    let world = world(backend, json!({"registration": {"after": {"password": {"hooks": hooks}}}})).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    let done = native.submit(&flow, registration()).await.expect(200);
    let [call] = target.wait_for(1).await.try_into().expect("one call");
    assert_eq!(call.json(), json!({"who": done["identity"]["id"], "session": done["session"]["id"]}));
    assert_eq!(call.headers["x-key"], "hunter2");
    let [event] = events(&world).await.try_into().expect("one event");
    assert_eq!(json!(call.headers["idempotency-key"]), event["id"]);
    let event = settled(&world, &event["id"], "delivered").await;
    assert_eq!((&event["kind"], &event["recipient"]), (&json!("registration.after.password"), &json!(target.url)));
    assert_eq!((&event["subject"], &event["actor"]), (&done["identity"]["id"], &done["identity"]["id"]));
    assert_eq!(event["session_id"], done["session"]["id"]);
    assert_eq!(json!(call.headers["ory-webhook-request-id"]), event["request_id"]);
    assert_eq!(
        (&event["attempts"][0]["status"], &event["attempts"][0]["response_status"]),
        (&json!("success"), &json!(204))
    );
    assert!(!event.to_string().contains("hunter2"));
}

async fn what_has_not_happened_is_told_to_nobody(backend: Backend) {
    let (target, judge) = (Target::start().await, Target::start().await);
    let hooks = json!([ignored(&target), heard(&judge)]);
    let world = world(backend, json!({"registration": {"after": {"password": {"hooks": hooks}}}})).await;
    judge.reply(Reply::new(400, objection()));
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    native.submit(&flow, registration()).await.expect(400);
    native.submit(&flow, registration()).await.expect(200);
    // The address is taken now.
    let flow = native.get("/self-service/registration/api").await.expect(200);
    native.submit(&flow, registration()).await.expect(400);
    assert_eq!((events(&world).await.len(), identities(&world).await), (1, 1));
    assert_eq!(target.wait_for(1).await.len(), 1);
}

async fn a_flow_that_is_raced_is_told_of_once(backend: Backend) {
    let target = Target::start().await;
    let world = world(backend, json!({"registration": {"after": {"password": {"hooks": [ignored(&target)]}}}})).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    let submits = (0..16).map(|_| native.submit(&flow, registration()));
    let answers = join_all(submits).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!((events(&world).await.len(), identities(&world).await), (1, 1));
}

async fn a_failed_call_is_repeated_and_given_up_in_the_end(backend: Backend) {
    let target = Target::start().await;
    let flows = json!({"registration": {"after": {"password": {"hooks": [ignored(&target)]}}}});
    let config = json!({"outbox": {"retries": 2}, "identity": {"selfservice": {"flows": flows}}});
    let world = World::with(backend, config).await;
    for status in [500, 404, 429] {
        target.reply(Reply::new(status, ""));
    }
    world.register(EMAIL, PASSWORD).await;
    let id = events(&world).await[0]["id"].clone();
    for attempts in 1..=3 {
        target.wait_for(attempts).await;
        settled(&world, &id, if attempts == 3 { "abandoned" } else { "queued" }).await;
        world.advance(Duration::from_secs(60));
    }
    let event = settled(&world, &id, "abandoned").await;
    let answered: Vec<_> =
        event["attempts"].as_array().expect("attempts").iter().map(|it| &it["response_status"]).collect();
    assert_eq!(answered, [500, 404, 429]);
    let calls = target.calls();
    assert!(calls.iter().all(|call| call.headers["idempotency-key"] == calls[0].headers["idempotency-key"]));
    assert_eq!(event["attempts"][2]["error"], "the recipient answered with status 429");
}

async fn an_administrator_has_an_event_delivered_again(backend: Backend) {
    let target = Target::start().await;
    let world = world(backend, json!({"registration": {"after": {"password": {"hooks": [ignored(&target)]}}}})).await;
    world.register(EMAIL, PASSWORD).await;
    let id = events(&world).await[0]["id"].clone();
    settled(&world, &id, "delivered").await;
    let path = format!("/admin/events/{}/redeliver", id.as_str().expect("an id"));
    target.reply(Reply { after: Duration::from_secs(3), ..Reply::new(204, "") });
    let presses = (0..16).map(|_| {
        let call = world.server.api().post(world.server.admin(&path));
        async move { call.send().await.expect("an answer").status().as_u16() }
    });
    let statuses = join_all(presses).await;
    assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    let event = settled(&world, &id, "delivered").await;
    assert_eq!((target.calls().len(), event["attempts"].as_array().map(Vec::len)), (2, Some(2)));
    let unknown = world.server.admin("/admin/events/5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f/redeliver");
    assert_eq!(world.server.api().post(unknown).send().await.expect("an answer").status(), 404);
    let nonsense = world.server.admin("/admin/events?status=lost");
    assert_eq!(world.server.api().get(nonsense).send().await.expect("an answer").status(), 400);
}

async fn a_broken_program_keeps_nobody_out(backend: Backend) {
    let target = Target::start().await;
    let further = json!({"body": program("function(ctx) ctx.nothing.here"), "response": {"ignore": true}});
    let hooks = json!([hook(&target, further)]);
    let world = world(backend, json!({"registration": {"after": {"password": {"hooks": hooks}}}})).await;
    world.register(EMAIL, PASSWORD).await;
    assert_eq!((events(&world).await.len(), identities(&world).await), (0, 1));
}

async fn a_flow_that_begins_is_told_of(backend: Backend) {
    let target = Target::start().await;
    let world = world(backend, json!({"login": {"before": {"hooks": [ignored(&target)]}}})).await;
    let flow = world.native().get("/self-service/login/api").await.expect(200);
    let [call] = target.wait_for(1).await.try_into().expect("one call");
    assert_eq!(call.json()["flow"]["id"], flow["id"]);
    let [event] = events(&world).await.try_into().expect("one event");
    assert_eq!((&event["kind"], &event["subject"]), (&json!("login.before"), &Value::Null));
}
