//! Authorizations in progress, from the browser's first request to the client's answer.

use async_trait::async_trait;
use orrery_core::id::{ChallengeId, LoginSessionId};
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};
use serde_json::{Map, Value};

use crate::challenge::{AuthorizationFlow, FlowState};
use crate::client::{Client, ClientId};
use crate::grant::Grant;
use crate::session::LoginSession;
use crate::token::{AuthorizationCode, StoredToken};

/// What a first request finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    /// The client that asks.
    pub client: Client,
    /// Who is remembered in the browser.
    pub session: Option<LoginSession>,
}

/// An authorization request that waits in storage: one that a client pushed (RFC 9126), or one too long for a challenge.
#[derive(Debug, Clone, PartialEq)]
pub struct PushedRequest {
    /// Keyed hash of what refers to it.
    pub hash: TokenHash,
    /// Whose it is.
    pub client: ClientId,
    /// Its parameters.
    pub parameters: Map<String, Value>,
    /// When it is too late.
    pub expires_at: Timestamp,
    /// When it led to a decision. It is good for one.
    pub used_at: Option<Timestamp>,
}

/// An authorization with what later steps need beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthorizationWithClient {
    /// The authorization.
    pub flow: AuthorizationFlow,
    /// Who asked.
    pub client: Client,
    /// The sign-in that the authorization names, unless it has not begun or has ended.
    pub session: Option<LoginSession>,
}

/// Whether a step could be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// It was taken.
    Done,
    /// It had been taken before, or the authorization is gone.
    TooLate,
    /// The sign-in that it needs has ended in the meantime.
    SignedOut,
}

/// How far the authorization is in storage when the browser comes back from login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// A login application has decided: there is a row.
    Decided,
    /// The person was signed in already, so that nobody had to decide: there is none.
    Fresh,
}

/// What becomes of the sign-in.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionWrite {
    /// It is there and stays as it is.
    Keep,
    /// It begins. A row of that id is replaced, because signing in again in a browser keeps its `sid`.
    Begin(LoginSession),
    /// It lives longer.
    Extend {
        /// Which.
        id: LoginSessionId,
        /// Until when.
        expires_at: Timestamp,
    },
}

/// The browser is back from login, or never had to go.
#[derive(Debug, Clone, PartialEq)]
pub struct LoginCompleted {
    /// The authorization as it is from now on: used, with consent to come, or finished.
    pub flow: AuthorizationFlow,
    /// How far it is in storage.
    pub begins: Begins,
    /// What becomes of the sign-in.
    pub session: SessionWrite,
    /// The browser's sign-in before, which ends.
    pub ends: Option<LoginSessionId>,
    /// What the client gets, when nobody has to be asked.
    pub granted: Option<Granted>,
    /// The present moment.
    pub now: Timestamp,
}

/// What a client gets.
#[derive(Debug, Clone, PartialEq)]
pub struct Granted {
    /// The family of everything else here.
    pub grant: Grant,
    /// A code.
    pub code: Option<AuthorizationCode>,
    /// What is stored of tokens that the answer carries itself (implicit and hybrid responses).
    pub tokens: Vec<StoredToken>,
    /// Set when the grant replaces what the person had granted to the client before: by then, the last token of those
    /// grants has ended, and nobody needs them any more.
    pub supersedes: Option<Timestamp>,
}

/// The end of an authorization.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// Which.
    pub id: ChallengeId,
    /// How far it had come: after consent, or after a refused sign-in.
    pub from: FlowState,
    /// What the client gets; none when it is refused.
    pub granted: Option<Granted>,
}

/// Authorizations in progress. Each step is taken once, however many browsers and applications try.
#[async_trait]
pub trait AuthorizationStore: Send + Sync {
    /// The client that asks, and who is remembered in the browser through which it asks, in one statement. `session`
    /// are the hashes that the browser's cookie may have.
    async fn authorization_begin(
        &self,
        project: ProjectId,
        client: &ClientId,
        session: &[TokenHash],
        now: Timestamp,
    ) -> Result<Option<Begun>, StoreError>;

    /// Keeps a request until somebody comes back for it.
    async fn request_keep(&self, project: ProjectId, request: &PushedRequest) -> Result<(), StoreError>;

    /// A request that is waiting, expired and used ones too.
    async fn request_by_hash(
        &self,
        project: ProjectId,
        hash: &[TokenHash],
    ) -> Result<Option<PushedRequest>, StoreError>;

    /// Stores the login application's decision, which is the first row of the authorization. A pushed request that
    /// it comes of is used by that.
    async fn login_decide(
        &self,
        project: ProjectId,
        flow: &AuthorizationFlow,
        now: Timestamp,
    ) -> Result<Stepped, StoreError>;

    /// An authorization, expired and finished ones too.
    async fn authorization_by_id(
        &self,
        project: ProjectId,
        id: ChallengeId,
        now: Timestamp,
    ) -> Result<Option<AuthorizationWithClient>, StoreError>;

    /// The browser is back from login: the decision is used and the sign-in stored.
    async fn login_complete(&self, project: ProjectId, done: &LoginCompleted) -> Result<Stepped, StoreError>;

    /// Stores the consent application's decision.
    async fn consent_decide(&self, project: ProjectId, flow: &AuthorizationFlow) -> Result<Stepped, StoreError>;

    /// The browser is back from consent: the client gets its answer.
    async fn authorization_finish(&self, project: ProjectId, done: &Finished) -> Result<Stepped, StoreError>;
}
