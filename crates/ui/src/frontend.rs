//! What the pages ask the platform for: the same answers that any other front end gets over HTTP.
//!
//! Whoever asks is known by the request's cookies, exactly as at the public endpoints.

use actix_web::HttpRequest;
use async_trait::async_trait;
use orrery_core::RequestContext;
use orrery_core::id::{MessageId, SessionId};
use serde_json::Value;

/// A flow that has a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowPage {
    /// Signing in.
    Login,
    /// Creating an account.
    Registration,
    /// Proving an address.
    Verification,
    /// Getting back into an account.
    Recovery,
    /// Changing an account.
    Settings,
}

impl FlowPage {
    /// The path segment of the flow and of its page.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Registration => "registration",
            Self::Verification => "verification",
            Self::Recovery => "recovery",
            Self::Settings => "settings",
        }
    }
}

/// Somebody is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session as `/sessions/whoami` shows it.
    pub session: Value,
    /// Every other active session of the same identity.
    pub others: Vec<Value>,
    /// Where "sign out" leads.
    pub logout_url: String,
    /// Proves that a form of the account page was made for this session.
    pub form_token: String,
}

/// Which sessions a person ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// One other session.
    One(SessionId),
    /// All but the present one.
    Others,
}

/// A mail or text message of the development inbox.
#[derive(Debug, Clone)]
pub struct InboxMessage {
    /// Its id.
    pub id: MessageId,
    /// Where it went.
    pub recipient: String,
    /// Its subject; empty for text messages.
    pub subject: String,
    /// Its plain text.
    pub text: String,
    /// The contract's status.
    pub status: String,
    /// When it was queued, RFC 3339.
    pub created_at: String,
}

/// Why a page cannot show what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// There is no such thing.
    NotFound,
    /// The flow has ended.
    Expired,
    /// More was asked for than anybody is given; after `retry_after` seconds there is more.
    TooMany {
        /// Seconds.
        retry_after: u32,
    },
    /// The cookie that belongs to the flow is missing or another.
    Cookie,
    /// Nobody is signed in.
    SignedOut,
    /// Somebody is, but a second factor is needed.
    SecondFactor,
    /// The form was not made for this session.
    Forged,
    /// Storage cannot be reached.
    Unavailable,
    /// A defect; logged where it happened.
    Internal,
}

/// The platform, as the pages see it.
#[async_trait(?Send)]
pub trait Frontend: Send + Sync {
    /// The flow's public JSON, for the browser that began it.
    async fn flow(
        &self,
        context: &RequestContext,
        request: &HttpRequest,
        page: FlowPage,
        id: &str,
    ) -> Result<Value, Trouble>;

    /// Whether accounts can be recovered.
    fn offers_recovery(&self) -> bool;

    /// The stored error that a browser was sent to.
    async fn flow_error(&self, context: &RequestContext, id: &str) -> Result<Value, Trouble>;

    /// Who is signed in.
    async fn signed_in(&self, context: &RequestContext, request: &HttpRequest) -> Result<SignedIn, Trouble>;

    /// Ends other sessions of the person who is signed in.
    async fn end_sessions(
        &self,
        context: &RequestContext,
        request: &HttpRequest,
        form_token: &str,
        end: End,
    ) -> Result<(), Trouble>;

    /// The newest messages of the development inbox.
    async fn inbox(&self, context: &RequestContext) -> Result<Vec<InboxMessage>, Trouble>;

    /// One message of the development inbox.
    async fn inbox_message(&self, context: &RequestContext, id: MessageId) -> Result<InboxMessage, Trouble>;
}
