//! Typed identifiers: a session id can never be passed where an identity id is expected.
//!
//! Every id is a version 4 UUID, because flow and error ids also act as capabilities and must not be guessable.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::entropy::{Entropy, EntropyExt};

/// Declares one newtype per kind of id.
macro_rules! ids {
    ($($(#[$doc:meta])+ $name:ident),+ $(,)?) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh random id.
            #[must_use]
            pub fn generate(entropy: &dyn Entropy) -> Self {
                Self(entropy.uuid())
            }

            /// Wraps a UUID that was read from storage or from a request.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The plain UUID, for storage and for formatting.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // Only the hyphenated form: the others would give one row two spellings in caches and logs.
                if text.len() != 36 {
                    return Err(InvalidId);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }
    )+};
}

ids! {
    /// A tenant. Every row belongs to one.
    ProjectId,
    /// An organisation inside a project.
    OrganizationId,
    /// A person or a machine that can sign in.
    IdentityId,
    /// One credential of an identity (a password, one set of backup codes, …).
    CredentialId,
    /// An address that can be verified or used for recovery.
    AddressId,
    /// A signed-in session.
    SessionId,
    /// A device entry of a session.
    DeviceId,
    /// A self-service flow of any kind.
    FlowId,
    /// An error shown to a browser through the error flow.
    FlowErrorId,
    /// A one-time code that was sent to an address.
    CodeId,
    /// An outgoing message.
    MessageId,
    /// One attempt to deliver a message.
    DispatchId,
    /// A stored JSON Web Key.
    KeyId,
    /// A row of the audit log and of the outbox.
    EventId,
    /// One attempt to tell somebody of an event.
    AttemptId,
    /// What somebody granted to an OAuth2 client: the family of its tokens (`consent_request_id`).
    GrantId,
    /// An OAuth2 authorization or logout in progress.
    ChallengeId,
    /// A browser's sign-in at the OAuth2 server (`sid`).
    LoginSessionId,
    /// An issuer whose assertions are accepted as grants.
    TrustedIssuerId,
}

impl ProjectId {
    /// The project that exists from the start and that requests without a known host name belong to.
    pub const DEFAULT: Self = Self(Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0001));
}

/// The text is not a hyphenated UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct InvalidId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_parses() {
        let id = "5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f";
        assert_eq!(id.parse::<FlowId>().map(|id| id.to_string()), Ok(id.to_owned()));
        for bad in ["", "x", "5f8c4a3e0d1b4c2a9e6f7a8b9c0d1e2f", "{5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f}"] {
            assert_eq!(bad.parse::<FlowId>(), Err(InvalidId), "{bad}");
        }
    }
}
