//! A submit that waits while its sender signs in once more: kept in a sealed cookie of the browser that sent it.
//!
//! It may hold a password, so it is encrypted, not only signed; it is good for one flow of one identity and a quarter
//! of an hour.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::id::{FlowId, IdentityId};
use orrery_core::secret::Purpose;
use orrery_core::{Entropy, Keyring, ProjectId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Encoding, Submission};

/// The cookie's name.
pub const COOKIE: &str = "ory_kratos_continuity";
/// How long it waits.
pub const LIFESPAN: Duration = Duration::from_secs(15 * 60);
/// A browser refuses longer cookies. What does not fit has to be typed again.
const MAX_LENGTH: usize = 3_500;

/// Whose submit it is, and of what.
#[derive(Debug, Clone, Copy)]
pub struct Owner {
    /// The project.
    pub project: ProjectId,
    /// The flow.
    pub flow: FlowId,
    /// The identity that the flow belongs to.
    pub identity: IdentityId,
}

#[derive(Serialize, Deserialize)]
struct Content {
    until: i64,
    fields: Map<String, Value>,
}

impl Owner {
    /// The cookie's value; none when the submit does not fit.
    #[must_use]
    pub fn seal(
        &self,
        submitted: &Submission,
        now: Timestamp,
        keyring: &Keyring,
        entropy: &dyn Entropy,
    ) -> Option<String> {
        let content = Content { until: (now + LIFESPAN).as_micros(), fields: submitted.fields().clone() };
        let plain = Zeroizing::new(serde_json::to_vec(&content).ok()?);
        let sealed = URL_SAFE_NO_PAD.encode(keyring.seal(Purpose::Cookie, &self.binding(), &plain, entropy));
        (sealed.len() <= MAX_LENGTH).then_some(sealed)
    }

    /// The submit in a cookie, if it is this owner's and still waits.
    #[must_use]
    pub fn open(&self, value: &str, now: Timestamp, keyring: &Keyring) -> Option<Submission> {
        if value.len() > MAX_LENGTH {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
        let plain = Zeroizing::new(keyring.open(Purpose::Cookie, &self.binding(), &sealed).ok()?);
        let content: Content = serde_json::from_slice(&plain).ok()?;
        // Only forms wait: scripts and apps are told to repeat their request themselves.
        (now < Timestamp::from_micros(content.until)).then(|| Submission::new(content.fields, Encoding::Form))
    }

    fn binding(&self) -> Vec<u8> {
        let ids = [self.project.as_uuid(), self.flow.as_uuid(), self.identity.as_uuid()];
        let mut binding = b"continuity".to_vec();
        ids.iter().for_each(|id| binding.extend_from_slice(id.as_bytes()));
        binding
    }
}

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;
    use serde_json::json;

    use super::*;
    use crate::test_values::{context, keyring};

    fn owner() -> Owner {
        let entropy = SystemEntropy::default();
        let (flow, identity) = (FlowId::generate(&entropy), IdentityId::generate(&entropy));
        Owner { project: ProjectId::DEFAULT, flow, identity }
    }

    fn submitted(password: &str) -> Submission {
        let fields = json!({"method": "password", "password": password});
        Submission::new(fields.as_object().cloned().unwrap_or_default(), Encoding::Form)
    }

    #[test]
    fn a_parked_submit_comes_back_to_its_owner_and_to_nobody_else() {
        let (owner, now, keyring) = (owner(), context().now, keyring());
        let sealed = owner.seal(&submitted("hunter2"), now, &keyring, &SystemEntropy::default()).expect("fits");
        assert!(!sealed.contains("hunter2"));
        let back = owner.open(&sealed, now, &keyring).expect("its own");
        assert_eq!(back.text("password"), Some("hunter2"));
        let other = self::owner();
        for stranger in [Owner { flow: other.flow, ..owner }, Owner { identity: other.identity, ..owner }] {
            assert!(stranger.open(&sealed, now, &keyring).is_none());
        }
        assert!(owner.open(&sealed, now + LIFESPAN, &keyring).is_none(), "too late");
        assert!(owner.open("x", now, &keyring).is_none());
    }

    #[test]
    fn what_no_browser_would_keep_is_not_parked() {
        let long = submitted(&"x".repeat(5_000));
        assert!(owner().seal(&long, context().now, &keyring(), &SystemEntropy::default()).is_none());
    }
}
