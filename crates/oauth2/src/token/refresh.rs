//! Refresh tokens. Each names its family and follows from the one before.
//!
//! A family has one row for its present token. So a token that is presented must tell by itself that we made it, or else
//! one that was replaced long ago could not be told from one that was made up: it carries a keyed hash of the rest. And
//! its successor is derived from it, so that a client which lost our answer and asks again is given the same one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::id::GrantId;
use orrery_core::secret::Purpose;
use orrery_core::{Entropy, EntropyExt as _, Keyring, TokenHash};
use subtle::{Choice, ConstantTimeEq as _};
use uuid::Uuid;

use crate::hydra::{self, SystemSecrets};

/// Every refresh token begins so.
const PREFIX: &str = "ory_rt_";
/// Bytes of the family's id and of the secret.
const BODY: usize = 16 + 32;

/// A genuine refresh token, which may have been replaced since.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The family.
    pub grant: GrantId,
    text: String,
    /// What its stored hash is of: the text, or of a Hydra's token the one part that its database knows.
    hashed: String,
}

impl RefreshToken {
    /// The first of a family.
    #[must_use]
    pub fn first(grant: GrantId, keyring: &Keyring, entropy: &dyn Entropy) -> Self {
        let (body, proof) = (body(grant, entropy.bytes()), Purpose::RefreshFamily);
        Self::ours(grant, format!("{PREFIX}{body}.{}", encode(&keyring.hash(proof, &body))))
    }

    fn ours(grant: GrantId, text: String) -> Self {
        Self { grant, hashed: text.clone(), text }
    }

    /// Reads a token. `None` unless it was made here.
    #[must_use]
    pub fn parse(text: &str, keyring: &Keyring) -> Option<Self> {
        let (body, proof) = text.strip_prefix(PREFIX)?.split_once('.')?;
        let proof: [u8; 32] = URL_SAFE_NO_PAD.decode(proof).ok()?.try_into().ok()?;
        let bytes: [u8; BODY] = URL_SAFE_NO_PAD.decode(body).ok()?.try_into().ok()?;
        let candidates = keyring.candidates(Purpose::RefreshFamily, body);
        let genuine = candidates.fold(Choice::from(0), |known, candidate| known | candidate.0.ct_eq(&proof));
        let grant = GrantId::from_uuid(Uuid::from_slice(&bytes[..16]).ok()?);
        bool::from(genuine).then(|| Self::ours(grant, text.to_owned()))
    }

    /// Reads a token of the Hydra whose grants were copied. `None` unless that one made it. The first of a family that is
    /// ours from then on: what follows it is made here.
    #[must_use]
    pub fn of_hydra(text: &str, secrets: &SystemSecrets) -> Option<Self> {
        // Older ones have no prefix.
        let (random, signature) = text.strip_prefix(PREFIX).unwrap_or(text).split_once('.')?;
        let (random, signature) = (URL_SAFE_NO_PAD.decode(random).ok()?, URL_SAFE_NO_PAD.decode(signature).ok()?);
        secrets.signed(&random, &signature).then(|| Self {
            grant: hydra::family(&signature),
            // However it was written, it is one token.
            text: format!("hydra.{}.{}", URL_SAFE_NO_PAD.encode(&random), URL_SAFE_NO_PAD.encode(&signature)),
            hashed: hashed_of_hydra(&signature),
        })
    }

    /// The hash that is stored of a Hydra's token, of which its database knows only the signature.
    pub(crate) fn hash_of_hydra(signature: &[u8], keyring: &Keyring) -> TokenHash {
        keyring.hash(Purpose::RefreshToken, &hashed_of_hydra(signature))
    }

    /// What the client holds.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The hash that is stored of it.
    #[must_use]
    pub fn hash(&self, keyring: &Keyring) -> TokenHash {
        keyring.hash(Purpose::RefreshToken, &self.hashed)
    }

    /// Whether a stored hash is of this token, under any of the secrets.
    #[must_use]
    pub fn is(&self, stored: &TokenHash, keyring: &Keyring) -> bool {
        keyring.candidates(Purpose::RefreshToken, &self.hashed).any(|candidate| candidate == *stored)
    }

    /// The token that takes its place: the same one each time, under each of the secrets, the newest first.
    pub fn successors<'a>(&'a self, keyring: &'a Keyring) -> impl Iterator<Item = Self> + 'a {
        let secrets = keyring.candidates(Purpose::RefreshSuccessor, &self.text);
        secrets.enumerate().filter_map(move |(position, secret)| {
            let body = body(self.grant, secret.0);
            let proof = keyring.candidates(Purpose::RefreshFamily, &body).nth(position)?;
            Some(Self::ours(self.grant, format!("{PREFIX}{body}.{}", encode(&proof))))
        })
    }
}

// A bearer secret.
impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RefreshToken({}, …)", self.grant)
    }
}

fn hashed_of_hydra(signature: &[u8]) -> String {
    format!("hydra.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn body(grant: GrantId, secret: [u8; 32]) -> String {
    let mut bytes = [0; BODY];
    bytes[..16].copy_from_slice(grant.as_uuid().as_bytes());
    bytes[16..].copy_from_slice(&secret);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn encode(hash: &TokenHash) -> String {
    URL_SAFE_NO_PAD.encode(hash.0)
}

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;

    use super::*;

    fn keyring(secrets: &[&str]) -> Keyring {
        let secrets: Vec<_> = secrets.iter().map(|secret| (*secret).into()).collect();
        Keyring::new(&secrets).expect("long enough")
    }

    const OLD: &str = "an old secret of some length";
    const NEW: &str = "a new secret of some length";

    #[test]
    fn only_what_was_made_here_is_genuine() {
        let (ring, entropy) = (keyring(&[OLD]), SystemEntropy::default());
        let token = RefreshToken::first(GrantId::generate(&entropy), &ring, &entropy);
        assert_eq!(RefreshToken::parse(token.text(), &ring), Some(token.clone()));
        assert_eq!(RefreshToken::parse(token.text(), &keyring(&[NEW, OLD])), Some(token.clone()), "after a rotation");
        assert_eq!(RefreshToken::parse(token.text(), &keyring(&[NEW])), None);
        for position in PREFIX.len()..token.text().len() {
            let mut changed = token.text().to_owned().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("still ASCII");
            assert_eq!(RefreshToken::parse(&changed, &ring), None, "{position}");
        }
        for broken in ["", "ory_rt_", "ory_rt_.", "ory_at_x.y", "ory_rt_AAAA.AAAA"] {
            assert_eq!(RefreshToken::parse(broken, &ring), None, "{broken}");
        }
    }

    #[test]
    fn the_successor_is_always_the_same_and_another_for_each_token() {
        let (ring, entropy) = (keyring(&[OLD]), SystemEntropy::default());
        let token = RefreshToken::first(GrantId::generate(&entropy), &ring, &entropy);
        let next = token.successors(&ring).next().expect("one");
        assert_eq!(token.successors(&ring).next(), Some(next.clone()));
        assert_eq!((next.grant, RefreshToken::parse(next.text(), &ring)), (token.grant, Some(next.clone())));
        assert_ne!(next.successors(&ring).next(), Some(next.clone()));
        let stored = next.hash(&ring);
        let rotated = keyring(&[NEW, OLD]);
        assert!(token.successors(&rotated).any(|candidate| candidate.is(&stored, &rotated)), "after a rotation");
        assert!(!token.is(&stored, &ring));
    }
}
