//! Sessions, and what becomes of them.

use std::sync::Arc;
use std::time::Duration;

use orrery_keys::FixedKey;

use super::CookieConfig;
use crate::session::Aal;

/// Session settings.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// How long a session lasts.
    pub lifespan: Duration,
    /// A session can be extended only this long before its end; none means any time.
    pub earliest_extend: Option<Duration>,
    /// Cookie name.
    pub cookie_name: String,
    /// Cookie attributes.
    pub cookie: CookieConfig,
    /// Whether the cookie outlives the browser.
    pub persistent: bool,
    /// Level that `whoami` demands: one factor, or the highest that the identity can reach.
    pub required_aal: RequiredAal,
    /// Whether answers say how long they may be cached (`Ory-Session-Cache-For`), and for how long at most.
    pub cache_for: Option<Duration>,
    /// Answer an extension with 204 instead of the session.
    pub faster_extend: bool,
}

/// How a session becomes a JSON Web Token.
#[derive(Debug, Clone)]
pub struct TokenizerTemplate {
    /// How long the token is valid.
    pub ttl: Duration,
    /// The Jsonnet program that adds claims.
    pub mapper: Option<Arc<str>>,
    /// What signs it.
    pub key: FixedKey,
    /// What becomes `sub`.
    pub subject: SubjectSource,
}

/// What becomes `sub` of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectSource {
    /// The identity's id.
    Id,
    /// The identity's external id.
    ExternalId,
}

/// A demanded level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequiredAal {
    /// Any active session.
    Aal1,
    /// The highest level that the identity's credentials allow.
    HighestAvailable,
}

impl RequiredAal {
    /// Whether a session at `reached` of an identity that can reach `available` is enough.
    #[must_use]
    pub fn satisfied(self, reached: Aal, available: Aal) -> bool {
        match self {
            Self::Aal1 => reached >= Aal::Aal1,
            Self::HighestAvailable => reached >= Aal::Aal1 && reached >= available,
        }
    }
}
