//! Login sessions: a browser's sign-in at the OAuth2 server, the `sid` of its ID tokens.

use orrery_core::id::{LoginSessionId, SessionId};
use orrery_core::{Timestamp, TokenHash};

/// A sign-in at the OAuth2 server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginSession {
    /// `sid`.
    pub id: LoginSessionId,
    /// Keyed hash of the browser's cookie; of a value that nobody has where no cookie was given out.
    pub token: TokenHash,
    /// Who signed in.
    pub subject: String,
    /// The identity surface's session behind it. The sign-in then counts only while that one is active, and ending
    /// either ends the other.
    pub identity_session: Option<SessionId>,
    /// Whether the browser is remembered. A sign-in that is not serves the tokens that came of it, and no further request.
    pub remember: bool,
    /// `acr`.
    pub acr: String,
    /// `amr`.
    pub amr: Vec<String>,
    /// When the person signed in.
    pub authenticated_at: Timestamp,
    /// When the row was written.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}
