//! What Hydra makes with its system secret: sealed columns and the signatures of tokens.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit as _, Mac as _};
use orrery_core::moving::open_aes_gcm;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha512_256;
use zeroize::Zeroizing;

/// URL-safe, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The keys that Hydra derives of `secrets.system`, newest first.
#[derive(Default)]
pub struct SystemSecrets(Vec<Zeroizing<[u8; 32]>>);

impl std::fmt::Debug for SystemSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SystemSecrets({})", self.0.len())
    }
}

impl SystemSecrets {
    /// All of them are tried.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let key = |secret: &SecretString| {
            let mut key = Zeroizing::new([0; 32]);
            key.copy_from_slice(digest::digest(&digest::SHA256, secret.expose_secret().as_bytes()).as_ref());
            key
        };
        Self(secrets.into_iter().map(key).collect())
    }

    /// What a sealed column holds; none when no secret opens it.
    pub(super) fn open(&self, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = BASE64.decode(sealed.trim()).ok()?;
        self.0.iter().find_map(|key| open_aes_gcm(&**key, &bytes))
    }

    /// Whether this is the signature of a token's random part, in constant time.
    pub(crate) fn signed(&self, random: &[u8], signature: &[u8]) -> bool {
        self.0.iter().any(|key| {
            let made = Hmac::<Sha512_256>::new_from_slice(&**key);
            made.is_ok_and(|mut made| {
                made.update(random);
                made.verify_slice(signature).is_ok()
            })
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

    use super::*;

    const OLD: &str = "an old system secret";
    const NEW: &str = "a new system secret";

    pub(in crate::hydra) fn secrets(secrets: &[&str]) -> SystemSecrets {
        let secrets: Vec<_> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        SystemSecrets::new(&secrets)
    }

    /// As Hydra seals.
    fn seal(secret: &str, text: &str) -> String {
        let key = digest::digest(&digest::SHA256, secret.as_bytes());
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).expect("a key"));
        let (nonce, mut boxed) = ([7; NONCE_LEN], text.as_bytes().to_vec());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut boxed).expect("sealed");
        base64::engine::general_purpose::URL_SAFE.encode([&nonce[..], &boxed].concat())
    }

    #[test]
    fn every_secret_is_tried() {
        let both = secrets(&[NEW, OLD]);
        for secret in [NEW, OLD] {
            assert_eq!(both.open(&seal(secret, "text")).as_deref().map(Vec::as_slice), Some(&b"text"[..]));
        }
        for broken in ["", "AAAA", "not base64", &seal("another", "text")] {
            assert!(both.open(broken).is_none(), "{broken}");
        }
    }

    #[test]
    fn only_the_signature_of_that_part_counts() {
        let mut made = Hmac::<Sha512_256>::new_from_slice(digest::digest(&digest::SHA256, OLD.as_bytes()).as_ref())
            .expect("a key");
        made.update(b"random");
        let signature = made.finalize().into_bytes();
        assert!(secrets(&[NEW, OLD]).signed(b"random", &signature));
        assert!(!secrets(&[NEW, OLD]).signed(b"random.", &signature));
        assert!(!secrets(&[NEW]).signed(b"random", &signature));
        assert!(!secrets(&[NEW, OLD]).signed(b"random", &[]));
        assert!(!secrets(&[]).signed(b"random", &signature));
    }
}
