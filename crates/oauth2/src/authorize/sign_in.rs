//! Who is signed in: the bridge to whatever signs people in. The server connects it to the identity surface.

use async_trait::async_trait;
use orrery_core::id::SessionId;
use orrery_core::{ProjectId, RequestContext, StoreError, Timestamp};
use serde_json::{Map, Value};

/// Somebody is signed in in this browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Their session, which ends with ours and ours with it.
    pub session: SessionId,
    /// Who, as `sub` names them.
    pub subject: String,
    /// When they last proved it.
    pub authenticated_at: Timestamp,
    /// When the session ends by itself.
    pub expires_at: Timestamp,
    /// The level that was reached (`acr`).
    pub acr: String,
    /// The highest level that they could reach: with a second factor, where they have one.
    pub reachable: String,
    /// How (`amr`).
    pub amr: Vec<String>,
    /// Standard claims about them (OpenID Connect Core section 5.1).
    pub claims: Map<String, Value>,
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInState {
    /// Nobody.
    Nobody,
    /// Somebody, but the operator asks for a second factor that is missing still.
    SecondFactorMissing,
    /// Somebody.
    SignedIn(SignedIn),
}

/// What the sign-in page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInFor {
    /// Signing in, for whoever is not.
    Anybody,
    /// Signing in again, although somebody is signed in: `prompt=login`, `max_age`.
    Again,
    /// The second factor, for whoever is signed in with the first.
    SecondFactor,
    /// A new account: `prompt=create`.
    Registration,
}

/// The built-in way to sign in.
#[async_trait]
pub trait SignIn: Send + Sync {
    /// Who is signed in in the browser that sent these cookies.
    ///
    /// # Errors
    /// When nobody can say: an outage never looks like being signed out.
    async fn signed_in(
        &self,
        context: &RequestContext,
        cookies: &[(String, String)],
    ) -> Result<SignInState, StoreError>;

    /// Where a browser signs in; it comes back to `return_to`.
    fn page(&self, purpose: SignInFor, return_to: &str) -> String;

    /// Names of the claims that [`SignedIn::claims`] may hold.
    fn claims(&self) -> &'static [&'static str];

    /// Whether this is a session of ours, as opposed to one of another installation that a login application names.
    ///
    /// # Errors
    /// When nobody can say.
    async fn is_session(&self, project: ProjectId, id: SessionId) -> Result<bool, StoreError>;

    /// Ends a session of ours.
    ///
    /// # Errors
    /// When it could not be ended.
    async fn sign_out(&self, project: ProjectId, id: SessionId) -> Result<(), StoreError>;
}
