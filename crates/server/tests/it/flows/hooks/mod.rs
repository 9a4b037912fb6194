//! Hooks that call another server.

mod awaited;
mod everywhere;
mod outbox;
pub(crate) mod target;
mod waiting;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orrery_testkit::Backend;
use reqwest::Method;
use serde_json::{Value, json};

use self::target::Target;
use super::world::World;
use crate::stage::merge;

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";

/// A program as a reference.
fn program(source: &str) -> String {
    format!("base64://{}", STANDARD.encode(source))
}

/// A hook that calls this target, with further settings.
fn hook(target: &Target, further: Value) -> Value {
    let mut config = json!({"url": format!("{}/told", target.url), "method": "POST"});
    merge(&mut config, &further);
    json!({"hook": "web_hook", "config": config})
}

/// A hook whose answer is heard.
fn heard(target: &Target) -> Value {
    hook(target, json!({"response": {"parse": true}}))
}

/// A hook that nobody waits for.
fn ignored(target: &Target) -> Value {
    hook(target, json!({"response": {"ignore": true}}))
}

/// A server with these flows, which waits for hooks no longer than a second.
async fn world(backend: Backend, flows: Value) -> World {
    let clients = json!({"web_hook": {"timeout": "1s"}});
    World::with(backend, json!({"identity": {"clients": clients, "selfservice": {"flows": flows}}})).await
}

fn registration() -> Value {
    json!({"method": "password", "traits": {"email": EMAIL, "name": "Ada"}, "password": PASSWORD})
}

/// What a hook says to stop a flow.
fn objection() -> String {
    json!({"messages": [
        {"instance_ptr": "#/traits/email", "messages": [
            {"id": 1234, "text": "We know you.", "type": "error", "context": {"why": "reasons"}}
        ]},
        {"instance_ptr": "#/", "messages": [{"id": 1235, "text": "Not today.", "type": "error"}]},
    ]})
    .to_string()
}

async fn events(world: &World) -> Vec<Value> {
    let listed = world.admin(Method::GET, "/admin/events", json!(null)).await;
    listed.as_array().cloned().expect("a list")
}

async fn identities(world: &World) -> usize {
    world.admin(Method::GET, "/admin/identities", json!(null)).await.as_array().map_or(0, Vec::len)
}
