//! `keys`: the life of signing keys.

use orrery_core::GoDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::{DurationText, seconds};

const DAY: u64 = 24 * 3600;

/// The life of signing keys.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// When keys are replaced.
    pub rotation: Rotation,
    /// Bits of RSA keys that are made here.
    pub rsa_size: RsaSize,
    /// How long relying parties may keep `/.well-known/jwks.json`.
    #[schemars(with = "DurationText")]
    pub jwks_max_age: GoDuration,
    /// How long it takes at most until other nodes hear of a change.
    #[schemars(with = "DurationText")]
    pub refresh: GoDuration,
    /// Whether the admin API hands out private keys, as clients written for Hydra expect.
    pub private_export: bool,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            rotation: Rotation::default(),
            rsa_size: RsaSize::Bits2048,
            jwks_max_age: seconds(300),
            refresh: seconds(30),
            private_export: true,
        }
    }
}

/// When keys are replaced. A key is published, then signs, then stays for verification.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rotation {
    /// How long a key signs; 0 for ever.
    #[schemars(with = "DurationText")]
    pub period: GoDuration,
    /// How long a key is visible before it signs.
    #[schemars(with = "DurationText")]
    pub publish_ahead: GoDuration,
    /// How long a key stays after it has stopped signing; longer by itself when its tokens live longer.
    #[schemars(with = "DurationText")]
    pub keep_after: GoDuration,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { period: seconds(90 * DAY), publish_ahead: seconds(DAY), keep_after: seconds(30 * DAY) }
    }
}

/// Bits of an RSA key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RsaSize {
    /// 2048: the fastest that is considered safe through 2030.
    #[serde(rename = "2048")]
    Bits2048,
    /// 3072.
    #[serde(rename = "3072")]
    Bits3072,
    /// 4096: signs about seven times slower than 2048.
    #[serde(rename = "4096")]
    Bits4096,
}
