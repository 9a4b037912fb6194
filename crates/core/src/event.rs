//! What happened and somebody is to hear of: rows of the outbox, written in the transaction of their cause.
//!
//! A use case of any surface makes a [`NewEvent`] before its transaction and hands it to the store with the change that caused
//! it; the courier delivers it afterwards, at least once. The call to make is complete and sealed, so that whoever
//! delivers needs to know nothing of hooks, clients or keys.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::entropy::Entropy;
use crate::id::{EventId, SessionId};
use crate::outbound::Trust;
use crate::secret::Purpose;
use crate::time::Timestamp;
use crate::{Keyring, ProjectId};

/// An event that is about to be stored.
#[derive(Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its id, which the recipient is told so that it recognises a second delivery.
    pub id: EventId,
    /// What happened: dotted words, at most 100 bytes.
    pub kind: String,
    /// To whom or what, if it is known: an id.
    pub subject: Option<String>,
    /// By whom: an identity's id, or a word such as `administrator`.
    pub actor: Option<String>,
    /// The request that caused it.
    pub request_id: Option<String>,
    /// The session that it happened in.
    pub session_id: Option<SessionId>,
    /// Who is to hear of it: scheme, host and port of the call.
    pub recipient: String,
    /// The call.
    pub notice: SealedNotice,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Nobody is told before this moment.
    pub deliver_after: Timestamp,
    /// When the row and its attempts may be removed, whatever became of it.
    pub expires_at: Timestamp,
}

impl fmt::Debug for NewEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEvent").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Whoever delivers events.
pub trait Outbox: Send + Sync {
    /// So many events were stored and committed: they can be delivered at once, not only with the next look.
    fn recorded(&self, events: usize);
}

/// The call by which somebody hears of an event.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Upper-case HTTP method.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Header names and values, those that authenticate the call among them.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: String,
    /// Who chose the URL.
    pub trust: Trust,
    /// From this moment on the call helps nobody (a token in it has expired) and is not made any more.
    pub useless_after: Option<Timestamp>,
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notice(…)")
    }
}

/// A [`Notice`] under the operator's secrets, bound to its event and project. Opaque to the store.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedNotice(pub Vec<u8>);

impl fmt::Debug for SealedNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedNotice({} bytes)", self.0.len())
    }
}

/// The notice was sealed under a secret that is no longer configured, for another event, or was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event cannot be read with the configured secrets")]
pub struct UnreadableNotice;

impl Notice {
    /// Seals the call for this event of this project only.
    ///
    /// # Errors
    /// Never: JSON of strings always serialises.
    pub fn seal(
        &self,
        project: ProjectId,
        id: EventId,
        keyring: &Keyring,
        entropy: &dyn Entropy,
    ) -> Result<SealedNotice, serde_json::Error> {
        let plain = serde_json::to_vec(self)?;
        Ok(SealedNotice(keyring.seal(Purpose::EventNotice, &binding(project, id), &plain, entropy)))
    }
}

impl SealedNotice {
    /// Opens what [`Notice::seal`] made.
    ///
    /// # Errors
    /// When no configured secret fits, the row was moved to another event or project, or a bit was changed.
    pub fn open(&self, project: ProjectId, id: EventId, keyring: &Keyring) -> Result<Notice, UnreadableNotice> {
        let plain = keyring.open(Purpose::EventNotice, &binding(project, id), &self.0).map_err(|_| UnreadableNotice)?;
        serde_json::from_slice(&plain).map_err(|_| UnreadableNotice)
    }
}

fn binding(project: ProjectId, id: EventId) -> [u8; 32] {
    let mut context = [0; 32];
    context[..16].copy_from_slice(project.as_uuid().as_bytes());
    context[16..].copy_from_slice(id.as_uuid().as_bytes());
    context
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::SystemEntropy;

    #[test]
    fn a_notice_opens_only_for_its_own_event_and_project() {
        let entropy = SystemEntropy::default();
        let keyring = Keyring::new(&[SecretString::from("a secret of some length")]).expect("long enough");
        let notice = Notice {
            method: "POST".into(),
            url: "https://hooks.example/x?token=hunter2".into(),
            headers: vec![("Authorization".into(), "Basic hunter2".into())],
            body: "{}".into(),
            trust: Trust::Operator,
            useless_after: Some(Timestamp::from_seconds(9)),
        };
        let id = EventId::generate(&entropy);
        let sealed = notice.seal(ProjectId::DEFAULT, id, &keyring, &entropy).expect("serialises");
        assert!(!sealed.0.windows(7).any(|bytes| bytes == b"hunter2"));
        assert_eq!(sealed.open(ProjectId::DEFAULT, id, &keyring), Ok(notice.clone()));
        let other = EventId::generate(&entropy);
        assert_eq!(sealed.open(ProjectId::DEFAULT, other, &keyring), Err(UnreadableNotice));
        assert_eq!(sealed.open(ProjectId::generate(&entropy), id, &keyring), Err(UnreadableNotice));
        assert!(!format!("{notice:?}{sealed:?}").contains("hunter2"));
    }
}
