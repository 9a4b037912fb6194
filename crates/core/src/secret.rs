//! Secrets at rest: keyed hashes of bearer tokens and sealed boxes for what must be readable again.
//!
//! A [`Keyring`] holds one or more operator secrets. The first hashes and seals; all verify and open, so that
//! secrets rotate by prepending a new one.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, hmac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

use crate::entropy::{Entropy, EntropyExt};
pub use crate::purpose::Purpose;

/// The keyed hash (HMAC-SHA-256) of a bearer secret: what is stored instead of the secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// As 64 hexadecimal digits, where a document holds it.
impl Serialize for TokenHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}{:032x}", half(self.0, 0), half(self.0, 16)))
    }
}

fn half(bytes: [u8; 32], from: usize) -> u128 {
    bytes[from..from + 16].iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut hash = [0; 32];
        for (index, byte) in hash.iter_mut().enumerate().filter(|_| digits) {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(de::Error::custom)?;
        }
        if digits { Ok(Self(hash)) } else { Err(de::Error::custom("not 64 hexadecimal digits")) }
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// One operator secret, stretched into a pseudorandom key, and the short id that sealed values name it by.
struct Master {
    prk: hkdf::Prk,
    id: [u8; 4],
    /// By purpose, derived when it is first used: every request needs some.
    keys: [Keys; Purpose::COUNT],
}

/// The keys of one secret for one purpose.
#[derive(Default)]
struct Keys {
    hashes: OnceLock<hmac::Key>,
    seals: OnceLock<Option<LessSafeKey>>,
}

impl Master {
    fn hashing(&self, purpose: Purpose) -> &hmac::Key {
        let keys = &self.keys[purpose as usize];
        keys.hashes.get_or_init(|| hmac::Key::new(hmac::HMAC_SHA256, &*self.derive(purpose)))
    }

    fn sealing(&self, purpose: Purpose) -> Option<&LessSafeKey> {
        let keys = &self.keys[purpose as usize];
        let make = || UnboundKey::new(&AES_256_GCM, &*self.derive(purpose)).ok().map(LessSafeKey::new);
        keys.seals.get_or_init(make).as_ref()
    }

    fn derive(&self, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        let info = [purpose.label()];
        // Both calls fail only for lengths above 255 hashes; 32 bytes is one.
        if let Ok(output) = self.prk.expand(&info, KeyLength) {
            let _: Result<(), _> = output.fill(&mut *key);
        }
        key
    }
}

/// The operator's secrets, newest first.
pub struct Keyring {
    masters: Vec<Master>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} secrets)", self.masters.len())
    }
}

/// A keyring needs at least one secret of at least sixteen characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at least one secret of at least 16 characters is needed")]
pub struct WeakSecret;

/// The value was not sealed by any secret of this keyring for this purpose, or was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value cannot be opened with the configured secrets")]
pub struct CannotOpen;

/// Output length of every derived key.
struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        32
    }
}

impl Keyring {
    /// Builds a keyring; the first secret is the one that hashes and seals.
    ///
    /// # Errors
    /// When there is no secret or one is shorter than 16 characters.
    pub fn new(secrets: &[SecretString]) -> Result<Self, WeakSecret> {
        if secrets.is_empty() || secrets.iter().any(|secret| secret.expose_secret().chars().count() < 16) {
            return Err(WeakSecret);
        }
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"orrery/keyring/v1");
        let masters = secrets.iter().map(|secret| {
            let bytes = secret.expose_secret().as_bytes();
            let mut named = digest::Context::new(&digest::SHA256);
            named.update(b"orrery/key-id/v1");
            named.update(digest::digest(&digest::SHA256, bytes).as_ref());
            let mut id = [0; 4];
            id.copy_from_slice(&named.finish().as_ref()[..4]);
            Master { prk: salt.extract(bytes), id, keys: std::array::from_fn(|_| Keys::default()) }
        });
        Ok(Self { masters: masters.collect() })
    }

    /// The hash under the first secret: what a new row stores.
    #[must_use]
    pub fn hash(&self, purpose: Purpose, value: &str) -> TokenHash {
        self.candidates(purpose, value).next().unwrap_or(TokenHash([0; 32]))
    }

    /// The hash under every secret, newest first: what a lookup compares with.
    pub fn candidates<'a>(&'a self, purpose: Purpose, value: &'a str) -> impl Iterator<Item = TokenHash> + 'a {
        self.masters.iter().map(move |master| {
            let mut hash = [0; 32];
            hash.copy_from_slice(hmac::sign(master.hashing(purpose), value.as_bytes()).as_ref());
            TokenHash(hash)
        })
    }

    /// Seals bytes with AES-256-GCM under the first secret. `context` (an id, say) must be the same when opening.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, context: &[u8], plain: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        let Some(master) = self.masters.first() else { return Vec::new() };
        let nonce: [u8; NONCE_LEN] = entropy.bytes();
        let mut boxed = plain.to_vec();
        let mut out = Vec::with_capacity(4 + NONCE_LEN + plain.len() + 16);
        out.extend_from_slice(&master.id);
        out.extend_from_slice(&nonce);
        if let Some(key) = master.sealing(purpose) {
            // Sealing fails only beyond 64 GiB; an empty box then opens as `CannotOpen`, never as plain text.
            if key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut boxed).is_ok()
            {
                out.extend_from_slice(&boxed);
            }
        }
        out
    }

    /// Whether the first secret sealed these bytes; otherwise they should be sealed again before a secret goes.
    #[must_use]
    pub fn is_sealed_by_newest(&self, sealed: &[u8]) -> bool {
        self.masters.first().is_some_and(|master| sealed.starts_with(&master.id))
    }

    /// Opens what [`Keyring::seal`] made, under whichever secret sealed it.
    ///
    /// # Errors
    /// When no secret fits, the context differs or a bit was changed.
    pub fn open(&self, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let (id, rest) = sealed.split_at_checked(4).ok_or(CannotOpen)?;
        let (nonce, boxed) = rest.split_at_checked(NONCE_LEN).ok_or(CannotOpen)?;
        for master in self.masters.iter().filter(|master| master.id == id) {
            let key = master.sealing(purpose).ok_or(CannotOpen)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
            let mut boxed = boxed.to_vec();
            if let Ok(plain) = key.open_in_place(nonce, Aad::from(context), &mut boxed) {
                return Ok(plain.to_vec());
            }
        }
        Err(CannotOpen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    fn ring(secrets: &[&str]) -> Keyring {
        let secrets: Vec<_> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        Keyring::new(&secrets).expect("long enough")
    }

    const OLD: &str = "an old secret of some length";
    const NEW: &str = "a new secret of some length";

    #[test]
    fn short_or_missing_secrets_are_refused() {
        assert_eq!(Keyring::new(&[]).err(), Some(WeakSecret));
        assert_eq!(Keyring::new(&[SecretString::from("short")]).err(), Some(WeakSecret));
    }

    #[test]
    fn rotation_keeps_old_values_readable() {
        let entropy = SystemEntropy::default();
        let sealed = ring(&[OLD]).seal(Purpose::PrivateKey, b"kid", b"plain", &entropy);
        let rotated = ring(&[NEW, OLD]);
        assert_eq!(rotated.open(Purpose::PrivateKey, b"kid", &sealed).as_deref(), Ok(&b"plain"[..]));
        assert_eq!(ring(&[NEW]).open(Purpose::PrivateKey, b"kid", &sealed), Err(CannotOpen));
        assert!(!rotated.is_sealed_by_newest(&sealed) && ring(&[OLD]).is_sealed_by_newest(&sealed));
        let hash = ring(&[OLD]).hash(Purpose::SessionToken, "token");
        assert!(rotated.candidates(Purpose::SessionToken, "token").any(|candidate| candidate == hash));
    }

    /// A key that came out differently would sign everybody out and make every sealed value unreadable.
    #[test]
    fn keys_are_the_same_in_every_release() {
        let hash = ring(&[NEW]).hash(Purpose::SessionToken, "token");
        let text = serde_json::to_string(&hash).expect("serialises");
        // Both computed with Node's crypto module.
        assert_eq!(text, "\"e0bae417711f1d5b6cad4fce4ae1642eb5b5e1037646767d3847cfd1cd410a92\"");
        let mut sealed = vec![0xd9, 0x88, 0x68, 0xd5];
        sealed.extend_from_slice(&[7; NONCE_LEN]);
        sealed.extend_from_slice(&0x20d8_d2da_c0e1_9ddd_f8ec_a7ed_34c7_6e32_u128.to_be_bytes());
        sealed.extend_from_slice(&[0x43, 0x96, 0xb7, 0x10, 0x85]);
        assert_eq!(ring(&[NEW]).open(Purpose::Cookie, b"a", &sealed).as_deref(), Ok(&b"plain"[..]));
    }

    #[test]
    fn a_hash_survives_a_document() {
        let hash = ring(&[NEW]).hash(Purpose::ClientSecret, "x");
        let text = serde_json::to_string(&hash).expect("serialises");
        assert_eq!((text.len(), serde_json::from_str::<TokenHash>(&text).ok()), (66, Some(hash)));
        for bad in ["\"\"", "\"zz\"", "7"] {
            assert!(serde_json::from_str::<TokenHash>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn purpose_context_and_every_byte_matter() {
        let ring = ring(&[NEW]);
        let sealed = ring.seal(Purpose::Cookie, b"a", b"plain", &SystemEntropy::default());
        assert_eq!(ring.open(Purpose::PageToken, b"a", &sealed), Err(CannotOpen));
        assert_eq!(ring.open(Purpose::Cookie, b"b", &sealed), Err(CannotOpen));
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert_eq!(ring.open(Purpose::Cookie, b"a", &changed), Err(CannotOpen), "byte {position}");
        }
        for length in 0..sealed.len() {
            assert_eq!(ring.open(Purpose::Cookie, b"a", &sealed[..length]), Err(CannotOpen));
        }
        assert_ne!(ring.hash(Purpose::Cookie, "x"), ring.hash(Purpose::PageToken, "x"));
    }
}
