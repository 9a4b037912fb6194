//! An app begins a flow, a browser finishes it, and the app exchanges both codes for the session.

use std::time::Duration;

use futures_util::future::join_all;
use orrery_core::id::FlowId;
use orrery_core::{Keyring, ProjectId};
use orrery_identity::flow::FlowKind;
use orrery_identity::session::exchange::return_to_code;
use orrery_testkit::{Backend, on_both_databases};
use serde_json::{Value, json};

use super::world::World;

on_both_databases!(
    both_codes_are_exchanged_for_the_session_once,
    wrong_codes_and_codes_of_others_are_worth_nothing,
    a_flow_that_failed_is_shown,
    an_ended_session_is_not_handed_over,
    only_apps_that_ask_get_a_code,
);

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";
const BEGIN: &str = "/self-service/login/api?return_session_token_exchange_code=true";

/// The code that a browser would bring back to the app.
async fn returned(world: &World, kind: FlowKind, flow: &Value) -> String {
    let id: FlowId = flow["id"].as_str().expect("an id").parse().expect("a UUID");
    let stored = world.server.database().flows().flow_by_id(ProjectId::DEFAULT, kind, id).await;
    let keyring = Keyring::new(&["a secret of the tests, long enough".into()]).expect("long enough");
    return_to_code(&stored.expect("reads").expect("is there"), &keyring).expect("the app asked for it")
}

fn exchange(init: &str, return_to: &str) -> String {
    format!("/sessions/token-exchange?init_code={init}&return_to_code={return_to}")
}

fn init(flow: &Value) -> &str {
    flow["session_token_exchange_code"].as_str().expect("a code")
}

fn login(password: &str) -> Value {
    json!({"method": "password", "identifier": EMAIL, "password": password})
}

async fn both_codes_are_exchanged_for_the_session_once(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let flow = native.get(BEGIN).await.expect(200);
    let back = returned(&world, FlowKind::Login, &flow).await;
    let alphanumeric = |code: &str| code.len() == 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    assert!(alphanumeric(init(&flow)) && alphanumeric(&back));
    let path = exchange(init(&flow), &back);
    native.get(&path).await.expect(404);
    let done = native.submit(&flow, login(PASSWORD)).await.expect(200);
    let answers = join_all((0..16).map(|_| native.get(&path))).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 404).count(), 15, "{statuses:?}");
    let won = answers.into_iter().find(|answer| answer.status == 200).expect("one").expect(200);
    assert_eq!(won["session"]["id"], done["session"]["id"]);
    let token = won["session_token"].as_str().expect("a token");
    let own = world.native().sending("x-session-token", token);
    assert_eq!(own.get("/sessions/whoami").await.expect(200)["id"], won["session"]["id"]);
    let before = world.native().sending("x-session-token", done["session_token"].as_str().expect("a token"));
    before.get("/sessions/whoami").await.expect(401);
}

async fn wrong_codes_and_codes_of_others_are_worth_nothing(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let (flow, other) = (native.get(BEGIN).await.expect(200), native.get(BEGIN).await.expect(200));
    let back = returned(&world, FlowKind::Login, &flow).await;
    let strange = returned(&world, FlowKind::Login, &other).await;
    native.submit(&flow, login(PASSWORD)).await.expect(200);
    let missing = native.get("/sessions/token-exchange?init_code=x").await.expect(400);
    assert!(missing["error"]["reason"].as_str().is_some_and(|reason| reason.contains("return_to_code")));
    let truncated = &back[..63];
    let accented = format!("{}é", &back[..62]);
    for (init, return_to) in [
        (init(&flow), strange.as_str()),
        (init(&other), &back),
        (&back, init(&flow)),
        (init(&flow), init(&flow)),
        (&back, &back),
        (init(&flow), truncated),
        (init(&flow), "x"),
        (init(&flow), &accented),
        (&accented, &back),
    ] {
        native.get(&exchange(init, return_to)).await.expect(404);
    }
    native.get(&exchange(init(&flow), &back)).await.expect(200);
}

async fn a_flow_that_failed_is_shown(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let begin = "/self-service/registration/api?return_session_token_exchange_code=true";
    let flow = native.get(begin).await.expect(200);
    let back = returned(&world, FlowKind::Registration, &flow).await;
    let body = json!({"method": "password", "traits": {"email": "nonsense"}, "password": PASSWORD});
    native.submit(&flow, body).await.expect(400);
    let shown = native.get(&exchange(init(&flow), &back)).await.expect(422);
    assert_eq!(shown["id"], flow["id"]);
    assert!(shown.get("session_token_exchange_code").is_none(), "only who begins the flow is told");
    // Without the hook that signs in, a registration leads to no session.
    let body = json!({"method": "password", "traits": {"email": EMAIL}, "password": PASSWORD});
    native.submit(&flow, body).await.expect(200);
    native.get(&exchange(init(&flow), &back)).await.expect(404);
}

async fn an_ended_session_is_not_handed_over(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let flow = native.get(BEGIN).await.expect(200);
    let back = returned(&world, FlowKind::Login, &flow).await;
    let done = native.submit(&flow, login(PASSWORD)).await.expect(200);
    let body = json!({"session_token": done["session_token"]});
    let logout = world.server.api().delete(world.server.public("/self-service/logout/api")).json(&body);
    assert_eq!(logout.send().await.expect("an answer").status(), 204);
    native.get(&exchange(init(&flow), &back)).await.expect(404);
    let late = native.get(BEGIN).await.expect(200);
    let back = returned(&world, FlowKind::Login, &late).await;
    native.submit(&late, login(PASSWORD)).await.expect(200);
    world.advance(Duration::from_secs(3601));
    native.get(&exchange(init(&late), &back)).await.expect(404);
}

async fn only_apps_that_ask_get_a_code(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    for path in ["/self-service/login/api", "/self-service/recovery/api?return_session_token_exchange_code=true"] {
        assert!(native.get(path).await.expect(200).get("session_token_exchange_code").is_none(), "{path}");
    }
    let script = world.script();
    let flow = script.begin("login", "?return_session_token_exchange_code=true").await;
    assert!(flow.get("session_token_exchange_code").is_none());
}
