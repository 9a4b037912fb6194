//! The logout challenge: the request itself, sealed. Ending the session is what makes it good once.

use orrery_core::id::LoginSessionId;
use orrery_core::{Entropy, Timestamp};
use serde::{Deserialize, Serialize};

use crate::challenge::seal::{Kind, Sealer};
use crate::client::ClientId;

/// A logout that somebody has to confirm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutChallenge {
    /// The session that is to end.
    #[serde(rename = "s")]
    pub session: LoginSessionId,
    /// Whose it is.
    #[serde(rename = "u")]
    pub subject: String,
    /// Who asks; none when the person does.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// Where the browser goes in the end; none for the default.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The client proved by an ID token whose session it means.
    #[serde(rename = "r", default)]
    pub rp_initiated: bool,
    /// What the browser asked for, the ID token left out.
    #[serde(rename = "q")]
    pub request_url: String,
    /// When it asked, in microseconds since 1970.
    #[serde(rename = "a")]
    pub(super) at: i64,
}

impl LogoutChallenge {
    /// A logout that is asked for now.
    pub(super) fn new(session: LoginSessionId, subject: String, request_url: String, now: Timestamp) -> Self {
        let at = now.as_micros();
        Self { session, subject, client: None, target: None, rp_initiated: false, request_url, at }
    }

    /// When the browser asked.
    #[must_use]
    pub const fn requested_at(&self) -> Timestamp {
        Timestamp::from_micros(self.at)
    }

    /// As a text of this kind.
    pub(super) fn seal(&self, sealer: Sealer<'_>, kind: Kind, entropy: &dyn Entropy) -> String {
        sealer.seal(kind, &serde_json::to_vec(self).unwrap_or_default(), entropy)
    }

    /// What [`LogoutChallenge::seal`] wrote.
    pub(super) fn open(sealer: Sealer<'_>, kind: Kind, text: &str) -> Option<Self> {
        serde_json::from_slice(&sealer.open(kind, text)?).ok()
    }
}
