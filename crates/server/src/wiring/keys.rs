//! From the `keys` section to the settings of the key store.

use std::time::Duration;

use anyhow::Context as _;
use orrery_keys::KeysConfig;
use orrery_keys::config::{PrivateExport, RotationConfig, RsaSize as Bits};

use crate::config::keys::{Keys, RsaSize};

/// The settings of the key manager.
pub(super) fn settings(config: &Keys) -> anyhow::Result<KeysConfig> {
    let settings = KeysConfig {
        rotation: RotationConfig {
            period: Some(config.rotation.period.0).filter(|period| *period > Duration::ZERO),
            publish_ahead: config.rotation.publish_ahead.0,
            keep_after: config.rotation.keep_after.0,
        },
        rsa_size: match config.rsa_size {
            RsaSize::Bits2048 => Bits::Bits2048,
            RsaSize::Bits3072 => Bits::Bits3072,
            RsaSize::Bits4096 => Bits::Bits4096,
        },
        refresh: config.refresh.0,
        jwks_max_age: config.jwks_max_age.0,
        private_export: if config.private_export { PrivateExport::Allowed } else { PrivateExport::Refused },
        ..KeysConfig::default()
    };
    settings.check().context("keys")?;
    Ok(settings)
}
