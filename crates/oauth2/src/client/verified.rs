//! Chosen secrets that were found right a moment ago.

use std::time::Duration;

use moka::sync::Cache;
use orrery_core::secret::Purpose;
use orrery_core::{Keyring, TokenHash};
use secrecy::{ExposeSecret as _, SecretString};

/// How many are known.
const CAPACITY: u64 = 10_000;
/// How long one is, before it is looked at again.
const KNOWN_FOR: Duration = Duration::from_secs(600);

/// Remembers by a keyed hash of stored hash and secret, so that the slow hash is computed once and not for every token. A
/// changed secret has another stored hash: nothing has to be forgotten.
#[derive(Debug)]
pub struct VerifiedSecrets(Cache<TokenHash, ()>);

impl Default for VerifiedSecrets {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(CAPACITY).time_to_live(KNOWN_FOR).build())
    }
}

impl VerifiedSecrets {
    /// Whether the secret was found to be the one behind the stored hash.
    pub(crate) fn knows(&self, keyring: &Keyring, stored: &str, secret: &SecretString) -> bool {
        self.0.contains_key(&key(keyring, stored, secret))
    }

    /// Notes that it is.
    pub(crate) fn note(&self, keyring: &Keyring, stored: &str, secret: &SecretString) {
        self.0.insert(key(keyring, stored, secret), ());
    }
}

fn key(keyring: &Keyring, stored: &str, secret: &SecretString) -> TokenHash {
    keyring.hash(Purpose::ClientSecret, &format!("{stored}\0{}", secret.expose_secret()))
}
