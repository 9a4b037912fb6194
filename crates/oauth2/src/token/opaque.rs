//! Opaque tokens and codes: random text behind Hydra's prefixes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::{Entropy, EntropyExt as _};

/// What a random text is for. Secret scanners and people know it by its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpaqueKind {
    /// An access token.
    Access,
    /// An authorization code.
    AuthorizationCode,
    /// A device code (RFC 8628).
    DeviceCode,
}

impl OpaqueKind {
    /// The prefix.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Access => "ory_at_",
            Self::AuthorizationCode => "ory_ac_",
            Self::DeviceCode => "ory_dc_",
        }
    }
}

/// A fresh one, with 256 random bits.
#[must_use]
pub fn opaque(kind: OpaqueKind, entropy: &dyn Entropy) -> String {
    let mut text = kind.prefix().to_owned();
    URL_SAFE_NO_PAD.encode_string(entropy.bytes::<32>(), &mut text);
    text
}

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;

    use super::*;

    #[test]
    fn each_is_another_and_fits_into_a_header() {
        let entropy = SystemEntropy::default();
        let (one, other) = (opaque(OpaqueKind::Access, &entropy), opaque(OpaqueKind::Access, &entropy));
        assert_ne!(one, other);
        assert_eq!((one.len(), &one[..7]), (50, "ory_at_"));
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
    }
}
