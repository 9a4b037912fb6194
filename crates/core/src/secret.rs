//! Secrets at rest: keyed hashes of bearer tokens and sealed boxes for what must be readable again.
//!
//! A [`Keyring`] holds one or more operator secrets. The first hashes and seals; all verify and open, so that
//! secrets rotate by prepending a new one.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, hmac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::entropy::{Entropy, EntropyExt};

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

/// What a hash or a sealed value is for. The purpose is mixed into the key, so that a value of one kind can never
/// be replayed as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Session tokens.
    SessionToken,
    /// Logout tokens.
    LogoutToken,
    /// One-time codes sent by mail or SMS.
    OneTimeCode,
    /// Session and continuity cookies.
    Cookie,
    /// Page tokens of lists.
    PageToken,
    /// Private keys in the key store.
    PrivateKey,
    /// Credential secrets that must be readable (TOTP secrets, provider tokens).
    CredentialSecret,
    /// Counters of attempts, keyed so that the table reveals no identifier.
    AttemptCounter,
    /// Browsers that signed in before, and whose account it was.
    KnownBrowser,
    /// Access tokens of administrators and projects.
    AdminToken,
    /// Bodies of queued messages, which carry codes.
    MessageBody,
    /// Calls that the outbox makes, which carry personal data and what authenticates them.
    EventNotice,
    /// Opaque OAuth2 access tokens.
    AccessToken,
    /// OAuth2 refresh tokens.
    RefreshToken,
    /// The refresh token that follows another: derived from it, so that a client that asks twice is answered alike.
    RefreshSuccessor,
    /// What shows that a refresh token, whether it still counts or not, was made here.
    RefreshFamily,
    /// OAuth2 authorization codes.
    AuthorizationCode,
    /// Device codes and user codes (RFC 8628).
    DeviceCode,
    /// Registration access tokens (RFC 7592).
    RegistrationToken,
    /// Client secrets that the server generated.
    ClientSecret,
    /// Login, consent, logout and device challenges and verifiers.
    Challenge,
    /// References to pushed authorization requests (RFC 9126).
    PushedRequest,
    /// Identifiers of assertions and proofs that may be used once (`jti`).
    AssertionId,
    /// Nonces that a server hands out for DPoP proofs (RFC 9449 section 8).
    DpopNonce,
}

impl Purpose {
    /// The label that separates keys. Changing one invalidates everything stored under it.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::SessionToken => b"orrery/session-token/v1",
            Self::LogoutToken => b"orrery/logout-token/v1",
            Self::OneTimeCode => b"orrery/one-time-code/v1",
            Self::Cookie => b"orrery/cookie/v1",
            Self::PageToken => b"orrery/page-token/v1",
            Self::PrivateKey => b"orrery/private-key/v1",
            Self::CredentialSecret => b"orrery/credential-secret/v1",
            Self::AttemptCounter => b"orrery/attempt-counter/v1",
            Self::KnownBrowser => b"orrery/known-browser/v1",
            Self::AdminToken => b"orrery/admin-token/v1",
            Self::MessageBody => b"orrery/message-body/v1",
            Self::EventNotice => b"orrery/event-notice/v1",
            Self::AccessToken => b"orrery/access-token/v1",
            Self::RefreshToken => b"orrery/refresh-token/v1",
            Self::RefreshSuccessor => b"orrery/refresh-successor/v1",
            Self::RefreshFamily => b"orrery/refresh-family/v1",
            Self::AuthorizationCode => b"orrery/authorization-code/v1",
            Self::DeviceCode => b"orrery/device-code/v1",
            Self::RegistrationToken => b"orrery/registration-token/v1",
            Self::ClientSecret => b"orrery/client-secret/v1",
            Self::Challenge => b"orrery/challenge/v1",
            Self::PushedRequest => b"orrery/pushed-request/v1",
            Self::AssertionId => b"orrery/assertion-id/v1",
            Self::DpopNonce => b"orrery/dpop-nonce/v1",
        }
    }
}

/// One operator secret, stretched into a pseudorandom key, and the short id that sealed values name it by.
struct Master {
    prk: hkdf::Prk,
    id: [u8; 4],
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
            Master { prk: salt.extract(bytes), id }
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
            let key = hmac::Key::new(hmac::HMAC_SHA256, &derive(master, purpose));
            let mut hash = [0; 32];
            hash.copy_from_slice(hmac::sign(&key, value.as_bytes()).as_ref());
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
        if let Some(key) = aead(master, purpose) {
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
            let key = aead(master, purpose).ok_or(CannotOpen)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
            let mut boxed = boxed.to_vec();
            if let Ok(plain) = key.open_in_place(nonce, Aad::from(context), &mut boxed) {
                return Ok(plain.to_vec());
            }
        }
        Err(CannotOpen)
    }
}

fn derive(master: &Master, purpose: Purpose) -> [u8; 32] {
    let mut key = [0; 32];
    let info = [purpose.label()];
    // Both calls fail only for lengths above 255 hashes; 32 bytes is one.
    if let Ok(output) = master.prk.expand(&info, KeyLength) {
        let _: Result<(), _> = output.fill(&mut key);
    }
    key
}

fn aead(master: &Master, purpose: Purpose) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, &derive(master, purpose)).ok().map(LessSafeKey::new)
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
