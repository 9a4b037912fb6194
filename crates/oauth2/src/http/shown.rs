//! The shapes of both contracts: one superset that either generation of clients reads.

use std::time::Duration;

use serde_json::{Value, json};

use crate::challenge::LoginRequest;
use crate::client::Client;
use crate::client::document::document;
use crate::consent::ConsentRequest;
use crate::logout::LogoutChallenge;
use crate::store::GrantWithClient;

/// `oAuth2LoginRequest`.
pub(super) fn login_request(text: &str, found: &LoginRequest) -> Value {
    let LoginRequest { challenge, request, client } = found;
    json!({
        "challenge": text,
        "requested_scope": request.scope,
        "requested_access_token_audience": request.audience,
        "skip": challenge.remembered.is_some(),
        "subject": challenge.remembered.as_ref().map(|remembered| remembered.subject.as_str()).unwrap_or_default(),
        "oidc_context": request.oidc_context,
        "client": document(client),
        "request_url": request.request_url,
        "session_id": challenge.session,
    })
}

/// `oAuth2ConsentRequest`.
pub(super) fn consent_request(text: &str, found: &ConsentRequest) -> Value {
    let ConsentRequest { flow, login, client } = found;
    let id = flow.id.as_uuid().simple().to_string();
    let mut shown = json!({
        "challenge": text,
        "consent_request_id": id,
        "requested_scope": flow.request.scope,
        "requested_access_token_audience": flow.request.audience,
        "skip": flow.consent_skip,
        "subject": login.subject,
        "oidc_context": flow.request.oidc_context,
        "client": document(client),
        "request_url": flow.request.request_url,
        "login_challenge": id,
        "login_session_id": flow.session,
        "acr": login.acr,
        "amr": login.amr,
    });
    keep_context(&mut shown, &login.context);
    shown
}

/// What applications said to each other. The older contract lets it be left out, not be null.
fn keep_context(shown: &mut Value, context: &Value) {
    if !context.is_null() {
        shown["context"] = context.clone();
    }
}

/// `oAuth2LogoutRequest`.
pub(super) fn logout_request(text: &str, found: &LogoutChallenge, client: Option<&Client>, life: Duration) -> Value {
    let mut shown = json!({
        "challenge": text,
        "subject": found.subject,
        "sid": found.session,
        "request_url": found.request_url,
        "rp_initiated": found.rp_initiated,
        "requested_at": found.requested_at(),
        "expires_at": found.requested_at() + life,
    });
    // The contract lets it be left out, not be null.
    if let Some(client) = client {
        shown["client"] = document(client).into();
    }
    shown
}

/// `oAuth2ConsentSession`.
pub(super) fn consent_session(found: &GrantWithClient) -> Value {
    let GrantWithClient { grant, client } = found;
    let id = grant.id.as_uuid().simple().to_string();
    let mut shown = json!({
        "consent_request_id": id,
        "grant_scope": grant.scope,
        "grant_access_token_audience": grant.audience,
        "session": {"access_token": grant.session.access_token, "id_token": grant.session.id_token},
        "remember": grant.remember,
        "remember_for": grant.remember_for,
        "handled_at": grant.handled_at,
        "consent_request": {
            "challenge": "",
            "consent_request_id": id,
            "requested_scope": grant.requested.scope,
            "requested_access_token_audience": grant.requested.audience,
            "skip": grant.skipped,
            "subject": grant.subject,
            "oidc_context": grant.requested.oidc_context,
            "client": document(client),
            "request_url": grant.requested.request_url,
            "login_challenge": id,
            "login_session_id": grant.authentication.session,
            "acr": grant.authentication.acr,
            "amr": grant.authentication.amr,
        },
    });
    keep_context(&mut shown, &grant.context);
    keep_context(&mut shown["consent_request"], &grant.context);
    shown
}
