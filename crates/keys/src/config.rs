//! The settings of this crate, plain values.

use std::time::Duration;

use crate::algorithm::SigningAlgorithm;

/// The set whose keys sign ID tokens, logout tokens and signed userinfo answers.
pub const ID_TOKEN_SET: &str = "hydra.openid.id-token";
/// The set whose keys sign JWT access tokens.
pub const ACCESS_TOKEN_SET: &str = "hydra.jwt.access-token";

/// How keys are made, published, rotated and cached.
#[derive(Debug, Clone)]
pub struct KeysConfig {
    /// Sets that Orrery fills and rotates by itself. All other sets belong to the administrator alone.
    pub managed: Vec<ManagedSet>,
    /// Sets that `/.well-known/jwks.json` shows, in this order.
    pub published: Vec<String>,
    /// When keys are replaced.
    pub rotation: RotationConfig,
    /// Size of the RSA keys made here.
    pub rsa_size: RsaSize,
    /// How long a set that was read from storage is used before it is read again: the time until other nodes hear
    /// of a change.
    pub refresh: Duration,
    /// `max-age` of `/.well-known/jwks.json`.
    pub jwks_max_age: Duration,
    /// Whether the admin API hands out private members.
    pub private_export: PrivateExport,
}

/// A set that is filled and rotated by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedSet {
    /// Name of the set.
    pub name: String,
    /// What its keys sign with, unless an administrator had another key generated or imported.
    pub algorithm: SigningAlgorithm,
}

/// The life of a key: published, then signing for `period`, then kept for verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationConfig {
    /// How long a key signs; `None` for ever.
    pub period: Option<Duration>,
    /// How long a key is visible before it signs, so that every relying party has seen it.
    pub publish_ahead: Duration,
    /// How long a key stays after it stopped signing. Tokens that live longer extend this by themselves.
    pub keep_after: Duration,
}

/// Sizes of RSA keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RsaSize {
    /// 2048 bits: the fastest that is considered safe through 2030 (NIST SP 800-57).
    Bits2048,
    /// 3072 bits.
    Bits3072,
    /// 4096 bits: signs about seven times slower than 2048.
    Bits4096,
}

/// Whether private members can be read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateExport {
    /// The admin API returns them, as clients written for Hydra expect.
    Allowed,
    /// They can be written but never read.
    Refused,
}

impl Default for KeysConfig {
    fn default() -> Self {
        let managed = |name: &str, algorithm| ManagedSet { name: name.to_owned(), algorithm };
        Self {
            managed: vec![
                managed(ID_TOKEN_SET, SigningAlgorithm::RS256),
                managed(ACCESS_TOKEN_SET, SigningAlgorithm::ES256),
            ],
            published: vec![ID_TOKEN_SET.to_owned(), ACCESS_TOKEN_SET.to_owned()],
            rotation: RotationConfig::default(),
            rsa_size: RsaSize::Bits2048,
            refresh: Duration::from_secs(30),
            jwks_max_age: Duration::from_secs(300),
            private_export: PrivateExport::Allowed,
        }
    }
}

impl Default for RotationConfig {
    fn default() -> Self {
        const DAY: u64 = 24 * 3600;
        Self {
            period: Some(Duration::from_secs(90 * DAY)),
            publish_ahead: Duration::from_secs(DAY),
            keep_after: Duration::from_secs(30 * DAY),
        }
    }
}

/// Settings that would break tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeysConfig {
    /// Relying parties could meet a signature before they can know its key.
    #[error("publish_ahead must be longer than jwks_max_age and refresh together")]
    PublishAheadTooShort,
    /// A key would be replaced before it has signed.
    #[error("period must be longer than publish_ahead")]
    PeriodTooShort,
}

impl KeysConfig {
    /// Refuses settings that contradict each other.
    ///
    /// # Errors
    /// The first contradiction.
    pub fn check(&self) -> Result<(), InvalidKeysConfig> {
        let rotation = &self.rotation;
        if rotation.publish_ahead <= self.jwks_max_age + self.refresh {
            return Err(InvalidKeysConfig::PublishAheadTooShort);
        }
        if rotation.period.is_some_and(|period| period <= rotation.publish_ahead) {
            return Err(InvalidKeysConfig::PeriodTooShort);
        }
        Ok(())
    }

    /// The settings of a managed set.
    #[must_use]
    pub fn managed_set(&self, name: &str) -> Option<&ManagedSet> {
        self.managed.iter().find(|set| set.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_together_and_contradictions_are_refused() {
        let config = KeysConfig::default();
        assert_eq!(config.check(), Ok(()));
        let mut late = config.clone();
        late.rotation.publish_ahead = Duration::from_secs(60);
        assert_eq!(late.check(), Err(InvalidKeysConfig::PublishAheadTooShort));
        let mut short = config;
        short.rotation.period = Some(Duration::from_secs(3600));
        assert_eq!(short.check(), Err(InvalidKeysConfig::PeriodTooShort));
    }
}
