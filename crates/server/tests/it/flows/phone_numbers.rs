//! Recovery and verification by phone number: nothing tells whether anybody has it.

use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::code_world::{PHONE, native_flow, person, settings};
use super::world::{World, message_ids};

on_both_databases! {
    an_unknown_number_is_answered_like_a_known_one,
    a_number_recovers_and_is_verified,
}

const NOBODYS: &str = "+4930999999";

/// The name under which each flow takes a number.
const FLOWS: [(&str, &str); 2] = [("recovery", "recovery_address"), ("verification", "email")];

/// A server that tells strangers, and somebody with a phone number only.
async fn world(backend: Backend) -> World {
    let flow = json!({"enabled": true, "notify_unknown_recipients": true});
    let identity = json!({
        "feature_flags": {"choose_recovery_address": true},
        "selfservice": {"flows": {"recovery": flow, "verification": flow}},
    });
    let world = World::with(backend, json!({"identity": settings("mfa_enabled", identity)})).await;
    person(&world, json!({"phone": PHONE})).await;
    world
}

async fn messages_to(world: &World, number: &str) -> Value {
    let number = number.replace('+', "%2B");
    world.admin(Method::GET, &format!("/admin/courier/messages?recipient={number}"), json!({})).await
}

async fn an_unknown_number_is_answered_like_a_known_one(backend: Backend) {
    let world = world(backend).await;
    let native = world.native();
    for (kind, field) in FLOWS {
        let mut seen = Vec::new();
        for number in [PHONE, NOBODYS] {
            let flow = native_flow(&native, kind).await;
            let sent = native.submit(&flow, json!({"method": "code", (field): number})).await.expect(200);
            let (id, mask) = (flow["id"].as_str().expect("an id"), format!("****{}", &number[9..]));
            seen.push(sent.to_string().replace(id, "FLOW").replace(number, "NUMBER").replace(&mask, "MASK"));
        }
        assert_eq!(seen[0], seen[1], "{kind}");
    }
    assert_eq!(messages_to(&world, NOBODYS).await, json!([]), "strangers get no text message");
    let sent = messages_to(&world, PHONE).await;
    let kinds: Vec<_> = sent.as_array().expect("messages").iter().map(|sent| &sent["template_type"]).collect();
    assert!(kinds.contains(&&json!("recovery_code_valid")) && kinds.contains(&&json!("verification_code_valid")));
    assert_eq!(kinds.len(), 2);
}

async fn a_number_recovers_and_is_verified(backend: Backend) {
    for (kind, field) in FLOWS {
        let world = world(backend).await;
        let native = world.native();
        let flow = native_flow(&native, kind).await;
        let sent = native.submit(&flow, json!({"method": "code", (field): PHONE})).await.expect(200);
        let told = if kind == "recovery" { 1_060_004 } else { 1_080_004 };
        assert_eq!(message_ids(&sent), [told]);
        let code = world.server.code_for(PHONE).await;
        native.submit(&flow, json!({"method": "code", "code": code})).await.expect(200);
        let list = world.admin(Method::GET, "/admin/identities", json!({})).await;
        assert_eq!(list[0]["verifiable_addresses"][0]["verified"], true);
    }
}
