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
    /// Bits of RSA keys that are made here: 2048, 3072 or 4096. A larger key signs much slower: 4096 about seven
    /// times.
    #[schemars(with = "u32")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Bits", into = "u32")]
pub enum RsaSize {
    /// The fastest that is considered safe through 2030.
    Bits2048,
    /// In between.
    Bits3072,
    /// Signs about seven times slower than 2048.
    Bits4096,
}

/// A number; a text where it comes from the environment.
#[derive(Deserialize)]
#[serde(untagged)]
enum Bits {
    Number(u32),
    Text(String),
}

impl TryFrom<Bits> for RsaSize {
    type Error = &'static str;

    fn try_from(bits: Bits) -> Result<Self, Self::Error> {
        let bits = match bits {
            Bits::Number(bits) => Some(bits),
            Bits::Text(text) => text.parse().ok(),
        };
        match bits {
            Some(2048) => Ok(Self::Bits2048),
            Some(3072) => Ok(Self::Bits3072),
            Some(4096) => Ok(Self::Bits4096),
            Some(_) | None => Err("an RSA key has 2048, 3072 or 4096 bits"),
        }
    }
}

impl From<RsaSize> for u32 {
    fn from(size: RsaSize) -> Self {
        match size {
            RsaSize::Bits2048 => 2048,
            RsaSize::Bits3072 => 3072,
            RsaSize::Bits4096 => 4096,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_in_a_file_and_a_text_in_the_environment() {
        for given in ["3072", "\"3072\""] {
            assert_eq!(serde_json::from_str::<RsaSize>(given).ok(), Some(RsaSize::Bits3072), "{given}");
        }
        for given in ["1024", "\"many\"", "null"] {
            assert!(serde_json::from_str::<RsaSize>(given).is_err(), "{given}");
        }
        assert_eq!(serde_json::to_string(&RsaSize::Bits4096).ok().as_deref(), Some("4096"));
    }
}
