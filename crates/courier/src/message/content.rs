//! What a message says, sealed at rest: it carries codes, links and personal data.

use std::collections::BTreeMap;
use std::fmt;

use orrery_core::id::MessageId;
use orrery_core::secret::Purpose;
use orrery_core::{Entropy, Keyring, ProjectId, Timestamp};
use serde::{Deserialize, Serialize};

/// What a message says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// One line without control characters; empty for SMS.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML alternative; none for SMS.
    pub html: Option<String>,
    /// The language tag that the texts are written in.
    pub locale: String,
    /// The variables that the texts were rendered from, for HTTP channels that render by themselves.
    pub template_data: serde_json::Value,
    /// Headers of the request that caused the message, as far as others may know them; for HTTP channels.
    #[serde(default)]
    pub request_headers: BTreeMap<String, Vec<String>>,
    /// From this moment on the message helps nobody (its code has expired) and is not sent any more.
    pub useless_after: Option<Timestamp>,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content(…)")
    }
}

/// [`Content`] under the operator's secrets, bound to its message and project. Opaque to the store.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedContent(pub Vec<u8>);

impl fmt::Debug for SealedContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedContent({} bytes)", self.0.len())
    }
}

/// The content was sealed under a secret that is no longer configured, for another message, or was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message cannot be read with the configured secrets")]
pub struct UnreadableContent;

impl Content {
    /// Seals the content for this message of this project only.
    ///
    /// # Errors
    /// Never for contents that the composer makes: JSON of strings and numbers always serialises.
    pub fn seal(
        &self,
        project: ProjectId,
        id: MessageId,
        keyring: &Keyring,
        entropy: &dyn Entropy,
    ) -> Result<SealedContent, serde_json::Error> {
        let plain = serde_json::to_vec(self)?;
        Ok(SealedContent(keyring.seal(Purpose::MessageBody, &binding(project, id), &plain, entropy)))
    }
}

impl SealedContent {
    /// Opens what [`Content::seal`] made.
    ///
    /// # Errors
    /// When no configured secret fits, the row was moved to another message or project, or a bit was changed.
    pub fn open(&self, project: ProjectId, id: MessageId, keyring: &Keyring) -> Result<Content, UnreadableContent> {
        let plain =
            keyring.open(Purpose::MessageBody, &binding(project, id), &self.0).map_err(|_| UnreadableContent)?;
        serde_json::from_slice(&plain).map_err(|_| UnreadableContent)
    }
}

fn binding(project: ProjectId, id: MessageId) -> [u8; 32] {
    let mut context = [0; 32];
    context[..16].copy_from_slice(project.as_uuid().as_bytes());
    context[16..].copy_from_slice(id.as_uuid().as_bytes());
    context
}

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn content_opens_only_for_its_own_message_and_project() {
        let entropy = SystemEntropy::default();
        let keyring = Keyring::new(&[SecretString::from("a secret of some length")]).expect("long enough");
        let content = Content {
            subject: "s".into(),
            text: "code 123456".into(),
            html: Some("<p>".into()),
            locale: "en".into(),
            template_data: serde_json::json!({"verification_code": "123456"}),
            request_headers: BTreeMap::from([("User-Agent".into(), vec!["x".into()])]),
            useless_after: Some(Timestamp::from_seconds(9)),
        };
        let id = MessageId::generate(&entropy);
        let sealed = content.seal(ProjectId::DEFAULT, id, &keyring, &entropy).expect("serialises");
        assert!(!sealed.0.windows(6).any(|bytes| bytes == b"123456"));
        assert_eq!(sealed.open(ProjectId::DEFAULT, id, &keyring), Ok(content.clone()));
        let other = MessageId::generate(&entropy);
        assert_eq!(sealed.open(ProjectId::DEFAULT, other, &keyring), Err(UnreadableContent));
        assert_eq!(sealed.open(ProjectId::generate(&entropy), id, &keyring), Err(UnreadableContent));
        assert!(!format!("{content:?}{sealed:?}").contains("123456"));
    }
}
