//! Values of the OAuth2 surface for tests, complete in every field.

use std::time::Duration;

use orrery_core::TokenHash;
use orrery_core::id::{ChallengeId, GrantId, LoginSessionId, SessionId};
use orrery_oauth2::challenge::{
    AuthorizationFlow, AuthorizationRequest, ConsentAccepted, Decision, FlowState, LoginAccepted, ResponseMode,
};
use orrery_oauth2::client::Client;
use orrery_oauth2::grant::{Authentication, Grant, GrantKind, Requested, SessionClaims};
use orrery_oauth2::session::LoginSession;
use orrery_oauth2::store::{Begins, Granted, LoginCompleted, PushedRequest, SessionWrite, Stepped};
use orrery_oauth2::token::AuthorizationCode;
use serde_json::{Value, json};

use crate::sample::{HOUR, NOW, client, entropy, hash};
use crate::stage::{OURS, Stage};

pub(crate) const SUBJECT: &str = "ada";

/// A client that is registered.
pub(crate) async fn registered(stage: &Stage, id: &str) -> Client {
    let record = client(id);
    stage.database.clients().client_create(OURS, &record).await.expect("creates");
    record.client
}

/// An authorization on which the login application has decided.
pub(crate) fn flow(client: &Client) -> AuthorizationFlow {
    AuthorizationFlow {
        id: ChallengeId::generate(&entropy()),
        state: FlowState::LoginDecided,
        request: AuthorizationRequest {
            client: client.id.clone(),
            response_type: vec!["code".to_owned()],
            response_mode: ResponseMode::Query,
            redirect_uri: "https://app.example.org/callback".to_owned(),
            redirect_uri_given: true,
            scope: vec!["openid".to_owned(), "offline".to_owned()],
            audience: vec!["https://api.example.org".to_owned()],
            state: Some("a state of some length".to_owned()),
            nonce: Some("a nonce of some length".to_owned()),
            code_challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()),
            dpop_jkt: Some("thumbprint".to_owned()),
            prompt: vec!["login".to_owned(), "consent".to_owned()],
            max_age: Some(60),
            acr_values: vec!["aal2".to_owned()],
            claims: Some(json!({"id_token": {"email": null}})),
            hinted_subject: Some(SUBJECT.to_owned()),
            oidc_context: object(json!({"login_hint": "ada@example.org"})),
            request_url: "https://id.example.org/oauth2/auth?client_id=app".to_owned(),
            pushed: None,
        },
        browser: hash(),
        device: Some(hash()),
        session: LoginSessionId::generate(&entropy()),
        login_skip: false,
        login: Decision::Accepted(LoginAccepted {
            subject: SUBJECT.to_owned(),
            authenticated_at: NOW,
            remember: Some(3600),
            extend_session_lifespan: true,
            acr: "aal2".to_owned(),
            amr: vec!["password".to_owned(), "totp".to_owned()],
            identity_session: Some(SessionId::generate(&entropy())),
            force_subject_identifier: Some("forced".to_owned()),
            context: json!({"from": "login"}),
            claims: object(json!({"email": "ada@example.org"})),
        }),
        consent_skip: false,
        consent: None,
        requested_at: NOW,
        expires_at: NOW + HOUR,
    }
}

/// The same, after the consent application has agreed.
pub(crate) fn consented(flow: &AuthorizationFlow) -> AuthorizationFlow {
    let consent = ConsentAccepted {
        grant_scope: vec!["openid".to_owned()],
        grant_audience: vec!["https://api.example.org".to_owned()],
        session: claims(),
        remember: true,
        remember_for: 60,
        context: Some(json!({"from": "consent"})),
        handled_at: NOW,
    };
    AuthorizationFlow { state: FlowState::ConsentDecided, consent: Some(Decision::Accepted(consent)), ..flow.clone() }
}

/// A remembered sign-in.
pub(crate) fn login_session() -> LoginSession {
    LoginSession {
        id: LoginSessionId::generate(&entropy()),
        token: hash(),
        subject: SUBJECT.to_owned(),
        identity_session: None,
        remember: true,
        acr: "aal1".to_owned(),
        amr: vec!["password".to_owned()],
        authenticated_at: NOW,
        created_at: NOW,
        expires_at: NOW + HOUR,
    }
}

/// Somebody who is signed in.
pub(crate) async fn signed_in(stage: &Stage) -> LoginSession {
    let session = login_session();
    sign_in(stage, &session).await;
    session
}

/// Stores a sign-in, which no client asked for.
pub(crate) async fn sign_in(stage: &Stage, session: &LoginSession) {
    let client = client("nobody").client;
    let done = LoginCompleted {
        flow: AuthorizationFlow { state: FlowState::Finished, ..flow(&client) },
        begins: Begins::Fresh,
        session: SessionWrite::Begin(session.clone()),
        ends: None,
        granted: None,
        now: NOW,
    };
    assert_eq!(stage.database.authorizations().login_complete(OURS, &done).await.expect("signs in"), Stepped::Done);
}

/// What Ada granted in a session, remembered for a minute.
pub(crate) fn grant(client: &Client, session: LoginSessionId) -> Grant {
    Grant {
        id: GrantId::generate(&entropy()),
        client: client.id.clone(),
        subject: SUBJECT.to_owned(),
        identity: None,
        kind: GrantKind::Authorization,
        scope: vec!["openid".to_owned()],
        audience: vec!["https://api.example.org".to_owned()],
        session: claims(),
        authentication: Authentication {
            at: NOW,
            acr: "aal1".to_owned(),
            amr: vec!["password".to_owned()],
            session,
            obfuscated_subject: Some("somebody".to_owned()),
        },
        requested: Requested {
            scope: vec!["openid".to_owned(), "offline".to_owned()],
            nonce: Some("n".to_owned()),
            ..Requested::default()
        },
        remember: true,
        remember_for: 60,
        skipped: false,
        context: json!({"a": [1]}),
        requested_at: NOW,
        handled_at: NOW,
        expires_at: NOW + HOUR,
    }
}

/// The grant with a code for it.
pub(crate) fn granted(grant: Grant) -> Granted {
    let code = AuthorizationCode {
        hash: hash(),
        grant: grant.id,
        client: grant.client.clone(),
        redirect_uri: Some("https://app.example.org/callback".to_owned()),
        code_challenge: Some("challenge".to_owned()),
        dpop_jkt: Some("thumbprint".to_owned()),
        issued_at: NOW,
        expires_at: NOW + Duration::from_secs(600),
        used_at: None,
    };
    Granted { grant, code: Some(code), tokens: Vec::new(), supersedes: None }
}

/// A request that waits.
pub(crate) fn waiting(client: &Client, hash: TokenHash) -> PushedRequest {
    PushedRequest {
        hash,
        client: client.id.clone(),
        parameters: object(json!({"scope": "openid", "ünï": "çødé"})),
        expires_at: NOW + Duration::from_secs(90),
        used_at: None,
    }
}

fn claims() -> SessionClaims {
    SessionClaims {
        access_token: object(json!({"role": "admin"})),
        id_token: object(json!({"email": "ada@example.org"})),
        userinfo: object(json!({"phone_number": "+1"})),
    }
}

fn object(value: Value) -> serde_json::Map<String, Value> {
    serde_json::from_value(value).expect("an object")
}
