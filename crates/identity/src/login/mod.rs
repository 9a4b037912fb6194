//! Signing in: start, submit, complete; one file per method.

pub mod code;
pub mod complete;
mod guess;
mod identifier_first;
pub mod password;
pub mod render;
pub mod start;
pub mod submit;

use orrery_core::RequestContext;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::IdentityService;
use crate::config::{CodeSignIn, Config};
use crate::credentials::code::CodeAddress;
use crate::flow::{BrowserSecrets, ContinueWith, Flow, FlowMethod, Submission};
use crate::limits::Known;
use crate::session::{Aal, SessionWithIdentity};

/// What a login led to.
#[derive(Debug)]
pub enum Outcome {
    /// Signed in.
    LoggedIn(Box<LoggedIn>),
    /// Nothing to do: the request's session is good enough. The flow says so to those who want to read it.
    AlreadySignedIn(Box<Flow>),
}

/// A completed login.
#[derive(Debug)]
pub struct LoggedIn {
    /// The flow, passed.
    pub flow: Flow,
    /// How.
    pub method: FlowMethod,
    /// The session and whose it is.
    pub session: SessionWithIdentity,
    /// The session's token: new, or the one that came with the request.
    pub token: SecretString,
    /// Whether the session is new.
    pub issued: SessionIssue,
    /// What the client should do next, in order.
    pub continue_with: Vec<ContinueWith>,
}

/// Whether a login led to a new session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionIssue {
    /// A new session with a new token.
    New,
    /// The request's own session was renewed.
    Renewed,
}

/// One submit on its way, with all that methods need to know.
pub(crate) struct Login<'a> {
    pub(crate) service: &'a IdentityService,
    pub(crate) context: &'a RequestContext,
    pub(crate) config: &'a Config,
    pub(crate) submitted: &'a Submission,
    /// The request's session and its token, if it is active.
    pub(crate) current: Option<(SessionWithIdentity, SecretString)>,
    /// By what its sender was known before.
    pub(crate) known: Option<Known>,
    /// The browser, unless it is a native client.
    pub(crate) browser: Option<BrowserSecrets>,
}

/// What a login remembers between submits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// What somebody has who signs in once more, or with a second factor. None while nobody is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
    /// The page of a login that asks for the identifier first.
    #[serde(default)]
    pub screen: Screen,
    /// Where the code went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<CodeAddress>,
    /// Whether the app that began it wants to exchange codes for the session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exchange: bool,
}

/// Which page of a login that asks for the identifier first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Screen {
    /// Who is it?
    #[default]
    Identifier,
    /// How do they prove it?
    Credentials,
}

/// What an identity can sign in with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Offer {
    /// Whether it has a password.
    #[serde(default)]
    pub password: bool,
    /// Where codes can be sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<CodeAddress>,
}

impl Memory {
    /// What this flow remembers.
    #[must_use]
    pub fn of(flow: &Flow) -> Self {
        Self::deserialize(&flow.context).unwrap_or_default()
    }

    pub(crate) fn store(&self, flow: &mut Flow) {
        flow.context = serde_json::json!(self);
    }

    /// Whether a password is asked for: as far as it is known, those who have none are not asked.
    pub(crate) fn offers_password(&self, flow: &Flow, config: &Config) -> bool {
        let has = self.offer.as_ref().is_none_or(|offer| offer.password);
        has && config.password.enabled && flow.requested_aal <= Aal::Aal1
    }

    /// Whether a code can be sent.
    pub(crate) fn offers_code(&self, flow: &Flow, config: &Config) -> bool {
        let has = self.offer.as_ref().is_none_or(|offer| !offer.codes.is_empty());
        has && match config.code.sign_in {
            CodeSignIn::Off => false,
            CodeSignIn::FirstFactor => flow.requested_aal <= Aal::Aal1,
            CodeSignIn::SecondFactor => flow.requested_aal > Aal::Aal1,
        }
    }
}
