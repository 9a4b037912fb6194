//! Versions of a client, and which of them a change is meant for (RFC 9110 sections 8.8.3 and 13.1.1).

use super::ClientRecord;
use crate::error::{ErrorCode, OAuth2Error};

/// The entity tag of a client. One that is deleted and registered again begins with another.
#[must_use]
pub fn entity_tag(record: &ClientRecord) -> String {
    format!("\"{}.{}\"", record.client.created_at.as_seconds(), record.version)
}

/// Which version a change is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeantFor {
    /// Whatever the client is by now.
    Any,
    /// Only a client with one of these entity tags.
    Only(Vec<String>),
}

impl MeantFor {
    /// Whether the change may be made to this version.
    ///
    /// # Errors
    /// `precondition_failed` when it is meant for another.
    pub fn check(&self, record: &ClientRecord) -> Result<(), OAuth2Error> {
        match self {
            Self::Any => Ok(()),
            Self::Only(tags) if tags.contains(&entity_tag(record)) => Ok(()),
            Self::Only(_) => Err(changed()),
        }
    }
}

/// The client is no longer what the change was meant for.
pub(super) fn changed() -> OAuth2Error {
    let description = "The client is not the version that If-Match names. Read it again and repeat the change.";
    OAuth2Error::new(ErrorCode::PreconditionFailed, description)
}
