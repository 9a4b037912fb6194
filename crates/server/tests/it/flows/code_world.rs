//! Servers on which codes sign in.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orrery_testkit::Backend;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::Client;
use super::settings::PASSWORD;
use super::world::World;

pub(super) const EMAIL: &str = "ada@example.org";
pub(super) const PHONE: &str = "+4930123456";
pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// An email address and a phone number, either of which can get codes.
const SCHEMA: &str = r#"{"type": "object", "properties": {"traits": {"type": "object",
    "properties": {
        "email": {"type": "string", "format": "email", "ory.sh/kratos": {
            "credentials": {"password": {"identifier": true}, "code": {"identifier": true, "via": "email"}},
            "verification": {"via": "email"}, "recovery": {"via": "email"}
        }},
        "phone": {"type": "string", "format": "tel", "ory.sh/kratos": {
            "credentials": {"code": {"identifier": true, "via": "sms"}}, "verification": {"via": "sms"},
            "recovery": {"via": "sms"}
        }},
        "name": {"type": "string"},
        "age": {"type": "integer"}
    },
    "additionalProperties": false
}}}"#;

/// Settings of `identity` under which codes are good for this: `passwordless_enabled` or `mfa_enabled`.
pub(super) fn settings(good_for: &str, mut identity: Value) -> Value {
    identity["schemas"] = json!([{"id": "default", "url": format!("base64://{}", STANDARD.encode(SCHEMA))}]);
    identity["selfservice"]["methods"]["code"][good_for] = json!(true);
    identity
}

/// A server on which a code signs in by itself, with further settings of `identity`.
pub(super) async fn passwordless(backend: Backend, identity: Value) -> World {
    with_ada(World::with(backend, json!({"identity": settings("passwordless_enabled", identity)})).await).await
}

/// The same, where no door is locked: only the flow counts.
pub(super) async fn patient(backend: Backend, identity: Value) -> World {
    let identity = settings("passwordless_enabled", identity);
    with_ada(World::with(backend, json!({"limits": {"failed_attempts": 0}, "identity": identity})).await).await
}

/// A server on which a code is a second factor.
pub(super) async fn two_factors(backend: Backend, identity: Value) -> World {
    with_ada(World::with(backend, json!({"identity": settings("mfa_enabled", identity)})).await).await
}

async fn with_ada(world: World) -> World {
    world.register(EMAIL, PASSWORD).await;
    // What is sent from now on is newer than the message of the registration.
    world.advance(SECOND);
    world
}

/// Creates somebody with these traits and the usual password, and says their id.
pub(super) async fn person(world: &World, traits: Value) -> String {
    let body = json!({"traits": traits, "credentials": {"password": {"config": {"password": PASSWORD}}}});
    let created = world.admin(Method::POST, "/admin/identities", body).await;
    created["id"].as_str().expect("an id").to_owned()
}

/// A fresh flow of a native app.
pub(super) async fn native_flow(client: &Client<'_>, kind: &str) -> Value {
    client.get(&format!("/self-service/{kind}/api")).await.expect(200)
}

/// What asks for a sign-in code.
pub(super) fn asking(identifier: &str) -> Value {
    json!({"method": "code", "identifier": identifier})
}

/// What enters one.
pub(super) fn entering(identifier: &str, code: &str) -> Value {
    json!({"method": "code", "identifier": identifier, "code": code})
}

/// What signs in with the usual password.
pub(super) fn password(identifier: &str) -> Value {
    json!({"method": "password", "identifier": identifier, "password": PASSWORD})
}

/// The levels and methods of a session, in order.
pub(super) fn methods(session: &Value) -> Vec<(&str, &str)> {
    let used = session["authentication_methods"].as_array().expect("methods").iter();
    used.map(|it| (it["method"].as_str().unwrap_or_default(), it["aal"].as_str().unwrap_or_default())).collect()
}
