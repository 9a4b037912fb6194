//! Authorizations in progress, requests that wait, and the sign-ins that come of them.

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use orrery_core::id::{ChallengeId, LoginSessionId, SessionId};
use orrery_core::{ProjectId, TokenHash};
use orrery_oauth2::challenge::{
    AuthorizationFlow, AuthorizationRequest, ConsentAccepted, Decision, FlowState, LoginAccepted,
};
use orrery_oauth2::session::LoginSession;
use orrery_oauth2::store::PushedRequest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::grant::client;
use crate::columns::{At, Document, Hash, Uid, Word};
use crate::error::Failure;
use crate::schema::{authorizations, login_sessions, pushed_requests};

/// What has been said about an authorization so far.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Decisions {
    device: Option<TokenHash>,
    login_skip: bool,
    login: Decision<LoginAccepted>,
    consent_skip: bool,
    consent: Option<Decision<ConsentAccepted>>,
}

/// One authorization.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = authorizations)]
pub(crate) struct AuthorizationRow {
    project_id: Uid<ProjectId>,
    id: Uid<ChallengeId>,
    client_id: String,
    #[diesel(embed)]
    changing: AuthorizationChange,
    browser: Hash,
    request: Document<AuthorizationRequest>,
    requested_at: At,
    expires_at: At,
}

/// What a step changes.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = authorizations)]
pub(crate) struct AuthorizationChange {
    state: Word<FlowState>,
    login_session_id: Uid<LoginSessionId>,
    decisions: Document<Decisions>,
}

impl AuthorizationChange {
    pub(crate) fn new(flow: &AuthorizationFlow) -> Self {
        Self {
            state: Word(flow.state),
            login_session_id: Uid(flow.session),
            decisions: Document(Decisions {
                device: flow.device,
                login_skip: flow.login_skip,
                login: flow.login.clone(),
                consent_skip: flow.consent_skip,
                consent: flow.consent.clone(),
            }),
        }
    }
}

impl AuthorizationRow {
    pub(crate) fn new(project: ProjectId, flow: &AuthorizationFlow) -> Self {
        Self {
            project_id: Uid(project),
            id: Uid(flow.id),
            client_id: flow.request.client.to_string(),
            changing: AuthorizationChange::new(flow),
            browser: Hash(flow.browser),
            request: Document(flow.request.clone()),
            requested_at: At(flow.requested_at),
            expires_at: At(flow.expires_at),
        }
    }

    pub(crate) fn into_flow(self) -> AuthorizationFlow {
        let decisions = self.changing.decisions.0;
        AuthorizationFlow {
            id: self.id.0,
            state: self.changing.state.0,
            request: self.request.0,
            browser: self.browser.0,
            device: decisions.device,
            session: self.changing.login_session_id.0,
            login_skip: decisions.login_skip,
            login: decisions.login,
            consent_skip: decisions.consent_skip,
            consent: decisions.consent,
            requested_at: self.requested_at.0,
            expires_at: self.expires_at.0,
        }
    }
}

/// A request that waits.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = pushed_requests, treat_none_as_default_value = false)]
pub(crate) struct PushedRequestRow {
    project_id: Uid<ProjectId>,
    hash: Hash,
    client_id: String,
    parameters: Document<Map<String, Value>>,
    expires_at: At,
    used_at: Option<At>,
}

impl PushedRequestRow {
    pub(crate) fn new(project: ProjectId, request: &PushedRequest) -> Self {
        Self {
            project_id: Uid(project),
            hash: Hash(request.hash),
            client_id: request.client.to_string(),
            parameters: Document(request.parameters.clone()),
            expires_at: At(request.expires_at),
            used_at: request.used_at.map(At),
        }
    }

    pub(crate) fn into_request(self) -> Result<PushedRequest, Failure> {
        Ok(PushedRequest {
            hash: self.hash.0,
            client: client(self.client_id, "pushed_requests.client_id")?,
            parameters: self.parameters.0,
            expires_at: self.expires_at.0,
            used_at: self.used_at.map(|at| at.0),
        })
    }
}

/// A browser's sign-in.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = login_sessions, primary_key(project_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct LoginSessionRow {
    project_id: Uid<ProjectId>,
    id: Uid<LoginSessionId>,
    token_hash: Hash,
    subject: String,
    pub(crate) identity_session_id: Option<Uid<SessionId>>,
    remember: bool,
    acr: String,
    amr: Document<Vec<String>>,
    authenticated_at: At,
    created_at: At,
    expires_at: At,
}

impl LoginSessionRow {
    pub(crate) fn new(project: ProjectId, session: &LoginSession) -> Self {
        Self {
            project_id: Uid(project),
            id: Uid(session.id),
            token_hash: Hash(session.token),
            subject: session.subject.clone(),
            identity_session_id: session.identity_session.map(Uid),
            remember: session.remember,
            acr: session.acr.clone(),
            amr: Document(session.amr.clone()),
            authenticated_at: At(session.authenticated_at),
            created_at: At(session.created_at),
            expires_at: At(session.expires_at),
        }
    }

    pub(crate) fn into_session(self) -> LoginSession {
        LoginSession {
            id: self.id.0,
            token: self.token_hash.0,
            subject: self.subject,
            identity_session: self.identity_session_id.map(|id| id.0),
            remember: self.remember,
            acr: self.acr,
            amr: self.amr.0,
            authenticated_at: self.authenticated_at.0,
            created_at: self.created_at.0,
            expires_at: self.expires_at.0,
        }
    }
}
