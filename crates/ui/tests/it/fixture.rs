//! A platform that answers with prepared JSON: what pages do with it is the subject here.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App, Error, HttpRequest, web};
use async_trait::async_trait;
use orrery_core::id::MessageId;
use orrery_core::{RequestContext, SystemClock, SystemEntropy};
use orrery_ui::frontend::{End, FlowPage, Frontend, InboxMessage, SignedIn, Trouble};
use orrery_ui::{Pages, UiConfig};
use orrery_web::Listener;
use orrery_web::edge::{EdgeSettings, edge};
use serde_json::{Value, json};

pub(crate) const MESSAGE: &str = "8f14e45f-ceea-4a7b-9c5d-0b6a5f1d2e3c";

/// Answers with what a real platform would.
pub(crate) struct Fixture;

pub(crate) fn input(group: &str, name: &str, kind: &str, value: Value, label: Value, messages: Value) -> Value {
    json!({"type": "input", "group": group, "messages": messages,
        "meta": if label.is_null() { json!({}) } else { json!({"label": label}) },
        "attributes": {"name": name, "type": kind, "value": value, "required": kind != "submit", "disabled": false,
            "node_type": "input"}})
}

fn label(id: u32, text: &str) -> Value {
    json!({"id": id, "text": text, "type": "info"})
}

fn login() -> Value {
    json!({"id": "login", "refresh": false, "state": "choose_method", "return_to": "https://app.example/after?a=b&c=d",
    "ui": {"action": "http://127.0.0.1:4433/self-service/login?flow=login", "method": "POST",
    "messages": [{"id": 4_000_006, "text": "The credentials are wrong.", "type": "error"}],
    "nodes": [
        input("default", "csrf_token", "hidden", json!("token"), json!(null), json!([])),
        input("default", "identifier", "text", json!("\"><script>alert(1)</script>"), label(1_070_004, "ID"), json!([])),
        input("password", "password", "password", json!(null), label(1_070_001, "Password"), json!([])),
        input("password", "method", "submit", json!("password"), label(1_010_022, "Sign in with password"), json!([])),
    ]}})
}

fn registration() -> Value {
    let short = json!([{"id": 4_000_032, "text": "The password needs at least 8 characters, not 3.", "type": "error",
        "context": {"min_length": 8, "actual_length": 3}}]);
    json!({"id": "registration", "ui": {"action": "http://127.0.0.1:4433/self-service/registration?flow=x",
    "method": "POST", "nodes": [
        input("default", "csrf_token", "hidden", json!("token"), json!(null), json!([])),
        input("default", "traits.email", "email", json!("ada@example.org"), label(1_070_002, "E-Mail"), json!([])),
        input("password", "password", "password", json!(null), label(1_070_001, "Password"), short),
        input("default", "traits.newsletter", "checkbox", json!(true), label(1_070_002, "Send me news"), json!([])),
        input("profile", "screen", "submit", json!("previous"), label(1_040_008, "Back"), json!([])),
        input("password", "method", "submit", json!("password"), label(1_040_001, "Sign up"), json!([])),
    ]}})
}

fn verification() -> Value {
    json!({"id": "verification", "state": "sent_email", "ui": {"action": "/self-service/verification?flow=x",
    "method": "POST",
    "messages": [{"id": 1_080_003, "text": "A code is on its way.", "type": "info"}],
    "nodes": [
        input("code", "code", "text", json!(""), label(1_070_011, "Verification code"), json!([])),
        input("code", "email", "submit", json!("ada@example.org"), label(1_070_008, "Resend code"), json!([])),
        input("code", "method", "submit", json!("code"), label(1_070_009, "Continue"), json!([])),
    ]}})
}

fn recovery() -> Value {
    json!({"id": "recovery", "state": "recovery_awaiting_address_choice", "active": "code",
    "ui": {"action": "/self-service/recovery?flow=x", "method": "POST",
    "messages": [{"id": 1_060_006, "text": "How would you like to recover your account?", "type": "info"}],
    "nodes": [
        input("default", "csrf_token", "hidden", json!("token"), json!(null), json!([])),
        input("code", "recovery_select_address", "submit", json!("a"), label(1_070_000, "ad****@example.org"), json!([])),
        input("code", "recovery_select_address", "submit", json!("b"), label(1_070_000, "+49****56"), json!([])),
        input("code", "recovery_address", "hidden", json!("ada"), json!(null), json!([])),
    ]}})
}

fn settings() -> Value {
    json!({"id": "settings", "state": "show_form", "ui": {"action": "/self-service/settings?flow=x", "method": "POST",
    "messages": [{"id": 1_060_001, "text": "You are back.", "type": "success"}],
    "nodes": [
        input("default", "csrf_token", "hidden", json!("token"), json!(null), json!([])),
        input("profile", "traits.email", "email", json!("ada@example.org"), label(1_070_002, "E-Mail"), json!([])),
        input("profile", "method", "submit", json!("profile"), label(1_070_003, "Save"), json!([])),
        input("password", "password", "password", json!(null), label(1_070_001, "Password"), json!([])),
        input("password", "method", "submit", json!("password"), label(1_070_003, "Save"), json!([])),
    ]}})
}

fn session(agent: &str) -> Value {
    json!({"id": "6fa459ea-ee8a-4ca4-894e-db77e160355e", "authenticated_at": "2026-11-23T08:15:00Z",
        "expires_at": "2026-11-24T08:15:00Z", "authentication_methods": [{"method": "password", "aal": "aal1"}],
        "devices": [{"id": "x", "ip_address": "192.0.2.7", "user_agent": agent, "location": "Bern, CH"}],
        "identity": {"id": "7d793037-a076-4d8f-b1a5-5a2f5f5f0a1b", "traits": {"email": "ada@example.org", "name": {"first": "Ada"}},
            "verifiable_addresses": [{"via": "email", "value": "ada@example.org", "verified": true},
                {"via": "sms", "value": "+41441234567", "verified": false}]}})
}

#[async_trait(?Send)]
impl Frontend for Fixture {
    async fn flow(&self, _: &RequestContext, _: &HttpRequest, page: FlowPage, id: &str) -> Result<Value, Trouble> {
        match id {
            "gone" => Err(Trouble::Expired),
            "stranger" => Err(Trouble::Cookie),
            "down" => Err(Trouble::Unavailable),
            "nothing" => Err(Trouble::NotFound),
            _ => Ok(match page {
                FlowPage::Login => login(),
                FlowPage::Registration => registration(),
                FlowPage::Verification => verification(),
                FlowPage::Recovery => recovery(),
                FlowPage::Settings => settings(),
            }),
        }
    }

    fn offers_recovery(&self) -> bool {
        true
    }

    async fn flow_error(&self, _: &RequestContext, id: &str) -> Result<Value, Trouble> {
        Ok(json!({"id": id, "error": {"code": 400, "reason": "<b>bad</b> request", "message": "no"}}))
    }

    async fn signed_in(&self, _: &RequestContext, request: &HttpRequest) -> Result<SignedIn, Trouble> {
        request.cookie("session").filter(|cookie| cookie.value() == "ada").ok_or(Trouble::SignedOut)?;
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        Ok(SignedIn {
            session: session(firefox),
            others: vec![session("curl/8"), session("<script>")],
            logout_url: "http://127.0.0.1:4433/self-service/logout?token=ory_lo_x".into(),
            form_token: "ory_lo_x".into(),
        })
    }

    async fn end_sessions(&self, _: &RequestContext, _: &HttpRequest, token: &str, _: End) -> Result<(), Trouble> {
        if token == "ory_lo_x" { Ok(()) } else { Err(Trouble::Forged) }
    }

    async fn inbox(&self, context: &RequestContext) -> Result<Vec<InboxMessage>, Trouble> {
        let id = MESSAGE.parse().map_err(|_| Trouble::Internal)?;
        Ok(vec![self.inbox_message(context, id).await?])
    }

    async fn inbox_message(&self, _: &RequestContext, id: MessageId) -> Result<InboxMessage, Trouble> {
        Ok(InboxMessage {
            id,
            recipient: "ada@example.org".into(),
            subject: "Your code <is> 123456".into(),
            text: "Hello,\n\nenter 123456 or open http://127.0.0.1:4433/self-service/verification?code=123456\n".into(),
            status: "sent".into(),
            created_at: "2026-11-23T08:15:00Z".into(),
        })
    }
}

/// The pages, with the inbox switched as asked.
pub(crate) fn app(
    inbox: bool,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let config = UiConfig {
        public_url: "http://127.0.0.1:4433/".parse().expect("url"),
        name: "Orrery".into(),
        logo_url: None,
        theme: Vec::new(),
        form_targets: vec!["https://app.example/x".parse().expect("url")],
        inbox,
    };
    let pages = Pages::new(config, Arc::new(Fixture)).expect("templates compile");
    let settings = EdgeSettings {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy::default()),
        trusted_proxies: Vec::new(),
    };
    let routes = orrery_ui::http::public();
    App::new()
        .app_data(web::Data::new(settings))
        .app_data(web::Data::new(pages))
        .wrap(from_fn(edge))
        .configure(move |config| routes.configure(Listener::Public, config))
}
