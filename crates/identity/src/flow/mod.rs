//! What all self-service flows share.
//!
//! A flow stores what happened (values typed, messages, where it stands), not what to show: nodes are a pure function
//! of the flow, the configuration and the schema, computed when the flow is read.

use std::time::Duration;

use orrery_core::id::{FlowId, IdentityId, SessionId};
use orrery_core::{Entropy, Timestamp, TokenHash};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::session::Aal;

pub mod catalogue;
pub mod continue_with;
pub mod continuity;
pub mod error;
pub mod form;
pub mod message;
pub mod new_password;
pub mod node;
pub mod one_time;
pub mod order;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod sending;
pub mod steps;
pub mod submission;
pub mod traits;

pub use continue_with::{ContinueWith, NextFlow, VerificationFlow};
pub use error::FlowError;
pub use form::Generation;
pub use message::{Message, PlacedMessage};
pub use steps::{BrowserSecrets, Open, Submitted};
pub use submission::{Asked, Encoding, Submission};

/// Which flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// Recovery with a choice: waiting for a name of the account.
    RecoveryAwaitingAddress,
    /// Recovery with a choice: waiting for one of its addresses to be chosen.
    RecoveryAwaitingAddressChoice,
    /// Recovery with a choice: waiting for the chosen address in full.
    RecoveryConfirmingAddress,
    /// Recovery with a choice: waiting for the code.
    RecoveryAwaitingCode,
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

impl FlowMethod {
    const ALL: [Self; 9] = [
        Self::Password,
        Self::Code,
        Self::Link,
        Self::Profile,
        Self::Oidc,
        Self::Totp,
        Self::LookupSecret,
        Self::Webauthn,
        Self::Passkey,
    ];

    /// The contract's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
            Self::Link => "link",
            Self::Profile => "profile",
            Self::Oidc => "oidc",
            Self::Totp => "totp",
            Self::LookupSecret => "lookup_secret",
            Self::Webauthn => "webauthn",
            Self::Passkey => "passkey",
        }
    }

    /// The method of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

/// Where a flow comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Who drives it.
    pub flow_type: FlowType,
    /// The full URL of the request that begins it.
    pub request_url: String,
    /// Where the browser goes afterwards; already checked against the allow-list.
    pub return_to: Option<String>,
    /// Hash of the anti-CSRF cookie that a browser flow belongs to.
    pub csrf: Option<TokenHash>,
    /// Passed to hooks and templates.
    pub transient_payload: Option<Value>,
}

impl Origin {
    /// A flow that another one leads to. `csrf` is the browser that will read it.
    #[must_use]
    pub fn of(flow: &Flow, csrf: Option<TokenHash>) -> Self {
        Self {
            flow_type: flow.flow_type,
            request_url: flow.request_url.clone(),
            return_to: flow.return_to.clone(),
            csrf,
            transient_payload: flow.transient_payload.clone(),
        }
    }
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
    /// A flow that begins now: its form waits for a method, at the lowest level.
    #[must_use]
    pub fn begin(kind: FlowKind, origin: Origin, lifespan: Duration, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            id: FlowId::generate(entropy),
            kind,
            flow_type: origin.flow_type,
            state: FlowState::ChooseMethod,
            active: None,
            issued_at: now,
            expires_at: now + lifespan,
            request_url: origin.request_url,
            return_to: origin.return_to,
            csrf: origin.csrf,
            identity_id: None,
            session_id: None,
            schema_id: None,
            requested_aal: Aal::Aal1,
            refresh: false,
            values: Map::new(),
            messages: Vec::new(),
            transient_payload: origin.transient_payload,
            context: Value::Null,
            submissions: 0,
            completed_at: None,
            updated_at: now,
        }
    }

    /// A flow that takes the place of this expired one: same client, same aim, and a message that says what happened.
    #[must_use]
    pub fn successor(
        &self,
        csrf: Option<TokenHash>,
        lifespan: Duration,
        notice: &message::Template,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Self {
        let origin = Origin { transient_payload: None, ..Origin::of(self, csrf) };
        let notice = notice.with([
            ("expired_at", Value::String(self.expires_at.to_rfc3339())),
            ("expired_at_unix", Value::from(self.expires_at.as_seconds())),
        ]);
        Self {
            schema_id: self.schema_id.clone(),
            requested_aal: self.requested_aal,
            messages: vec![notice.on_form()],
            ..Self::begin(self.kind, origin, lifespan, now, entropy)
        }
    }

    /// Whether it can no longer be submitted.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }
}
