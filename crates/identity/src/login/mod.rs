//! Signing in: start, submit, complete; one file per method.

pub mod complete;
pub mod password;
pub mod render;
pub mod start;
pub mod submit;

use secrecy::SecretString;

use crate::flow::Flow;
use crate::session::SessionWithIdentity;

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
    /// The session and whose it is.
    pub session: SessionWithIdentity,
    /// The session's token: new, or the one that came with the request.
    pub token: SecretString,
    /// Whether the session is new.
    pub issued: SessionIssue,
}

/// Whether a login led to a new session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionIssue {
    /// A new session with a new token.
    New,
    /// The request's own session was renewed.
    Renewed,
}
