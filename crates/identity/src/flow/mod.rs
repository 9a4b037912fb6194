//! What all self-service flows share.
//!
//! A flow stores what happened (values typed, messages, where it stands), not what to show: nodes are a pure function
//! of the flow, the configuration and the schema, computed when the flow is read.

use orrery_core::id::{FlowId, IdentityId, SessionId};
use orrery_core::{Timestamp, TokenHash};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::session::Aal;

pub mod catalogue;
pub mod message;
pub mod node;
pub mod order;

pub use message::{Message, PlacedMessage};

/// Which flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowKind {
    /// Signing in.
    Login,
    /// Creating an account.
    Registration,
    /// Changing one's account.
    Settings,
    /// Getting back into an account.
    Recovery,
    /// Proving an address.
    Verification,
}

impl FlowKind {
    /// The contract's name, which is also the path segment.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Registration => "registration",
            Self::Settings => "settings",
            Self::Recovery => "recovery",
            Self::Verification => "verification",
        }
    }
}

/// Who drives the flow: the init path decides, never the headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowType {
    /// A native client: no cookies, session tokens in answers.
    Api,
    /// A browser: cookies and anti-CSRF tokens.
    Browser,
}

/// Where the flow stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowState {
    /// Waiting for a method.
    ChooseMethod,
    /// A code or link was sent, by mail or by text message.
    SentEmail,
    /// Done.
    PassedChallenge,
    /// Settings: waiting for a change.
    ShowForm,
    /// Settings: a change was stored.
    Success,
}

/// The submit method that a flow last used (`active` in the contract).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowMethod {
    /// Password.
    Password,
    /// One-time code.
    Code,
    /// Link.
    Link,
    /// Profile (traits).
    Profile,
    /// Social sign-in.
    Oidc,
    /// Authenticator app.
    Totp,
    /// Backup code.
    LookupSecret,
    /// Security key.
    Webauthn,
    /// Passkey.
    Passkey,
}

/// One run of a self-service flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Chosen by the server; acts as a capability, so it is random.
    pub id: FlowId,
    /// Which flow.
    pub kind: FlowKind,
    /// Who drives it.
    pub flow_type: FlowType,
    /// Where it stands.
    pub state: FlowState,
    /// The method last submitted.
    pub active: Option<FlowMethod>,
    /// When it began.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The full URL of the request that began it.
    pub request_url: String,
    /// Where the browser goes afterwards; already checked against the allow-list.
    pub return_to: Option<String>,
    /// Hash of the anti-CSRF cookie that a browser flow belongs to.
    pub csrf: Option<TokenHash>,
    /// The identity that the flow is about, once known.
    pub identity_id: Option<IdentityId>,
    /// The session that a refresh, step-up or settings flow belongs to, or that a finished flow created.
    pub session_id: Option<SessionId>,
    /// The identity schema of a registration.
    pub schema_id: Option<String>,
    /// The level that a login asks for.
    pub requested_aal: Aal,
    /// Whether a login asks for fresh authentication.
    pub refresh: bool,
    /// What the person typed and may see again (never a secret), by node name.
    pub values: Map<String, Value>,
    /// Messages of the last submit.
    pub messages: Vec<PlacedMessage>,
    /// Passed to hooks and templates, never to the identity.
    pub transient_payload: Option<Value>,
    /// The kind's own memory, typed by the flow that owns it.
    pub context: Value,
    /// How many codes were tried.
    pub submissions: u32,
    /// When it was finished; a finished flow cannot be finished again.
    pub completed_at: Option<Timestamp>,
    /// When it was last stored.
    pub updated_at: Timestamp,
}

impl Flow {
    /// Whether it can still be submitted.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }
}
