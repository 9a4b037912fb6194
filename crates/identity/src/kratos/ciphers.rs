//! The tokens of providers as Kratos keeps them: hexadecimal digits of nonce, ciphertext and tag.

use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use orrery_core::moving::open_aes_gcm;
use secrecy::{ExposeSecret, SecretString};

/// Bytes of a nonce of XChaCha20.
const LONG_NONCE: usize = 24;

/// `ciphers.algorithm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `noop`: the digits of the token itself.
    None,
    /// `aes`: AES-256-GCM.
    Aes,
    /// `xchacha20-poly1305`.
    XChaCha,
}

/// What opens them.
#[derive(Debug, Clone)]
pub struct ProviderCiphers {
    /// How they were sealed.
    pub algorithm: Algorithm,
    /// `secrets.cipher`, each of 32 bytes; all are tried.
    pub secrets: Vec<SecretString>,
}

impl ProviderCiphers {
    /// The token; none when no secret opens it.
    #[must_use]
    pub fn open(&self, sealed: &str) -> Option<String> {
        let bytes = hex::decode(sealed).ok()?;
        let plain = match self.algorithm {
            Algorithm::None => Some(bytes),
            Algorithm::Aes => self.keys().find_map(|key| open_aes_gcm(key, &bytes)).map(|plain| plain.to_vec()),
            Algorithm::XChaCha => self.keys().find_map(|key| open_xchacha(key, &bytes)),
        };
        String::from_utf8(plain?).ok()
    }

    fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.secrets.iter().map(|secret| secret.expose_secret().as_bytes()).filter(|key| key.len() == 32)
    }
}

fn open_xchacha(key: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, boxed) = sealed.split_at_checked(LONG_NONCE)?;
    let nonce = XNonce::try_from(nonce).ok()?;
    XChaCha20Poly1305::new_from_slice(key).ok()?.decrypt(&nonce, boxed).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

    use super::*;

    const OLD: &str = "an old secret of thirty-two byte";
    const NEW: &str = "a new secret of thirty-two bytes";

    fn ciphers(algorithm: Algorithm) -> ProviderCiphers {
        ProviderCiphers { algorithm, secrets: vec![NEW.into(), "short".into(), OLD.into()] }
    }

    fn aes(key: &str, text: &str) -> String {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_bytes()).expect("a key"));
        let mut boxed = text.as_bytes().to_vec();
        let nonce = [7; NONCE_LEN];
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut boxed).expect("sealed");
        hex::encode([&nonce[..], &boxed].concat())
    }

    #[test]
    fn every_algorithm_and_every_secret_is_tried() {
        assert_eq!(ciphers(Algorithm::None).open(&hex::encode("token")).as_deref(), Some("token"));
        for key in [NEW, OLD] {
            assert_eq!(ciphers(Algorithm::Aes).open(&aes(key, "token")).as_deref(), Some("token"));
        }
        let nonce = [9; LONG_NONCE];
        let cipher = XChaCha20Poly1305::new_from_slice(OLD.as_bytes()).expect("a key");
        let boxed = cipher.encrypt(&XNonce::from(nonce), &b"token"[..]).expect("sealed");
        let sealed = hex::encode([&nonce[..], &boxed].concat());
        assert_eq!(ciphers(Algorithm::XChaCha).open(&sealed).as_deref(), Some("token"));
    }

    #[test]
    fn what_does_not_open_is_none() {
        let sealed = aes("another key of thirty-two bytes.", "token");
        for (algorithm, sealed) in [
            (Algorithm::Aes, sealed.as_str()),
            (Algorithm::XChaCha, sealed.as_str()),
            (Algorithm::Aes, "00"),
            (Algorithm::XChaCha, ""),
            (Algorithm::None, "not digits"),
            (Algorithm::None, "ff"),
        ] {
            assert_eq!(ciphers(algorithm).open(sealed), None, "{algorithm:?} {sealed}");
        }
    }
}
