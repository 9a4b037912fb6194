//! Making, replacing and checking client secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orrery_core::secret::Purpose;
use orrery_core::{EntropyExt, Timestamp, TokenHash};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;

use super::{AuthMethod, ClientId, ClientRecord, ClientSecrets, SecretHash};
use crate::OAuth2Service;
use crate::error::OAuth2Error;

/// Letters and digits of a generated secret: 256 random bits.
const GENERATED: usize = 43;
/// Earlier secrets that go on working.
pub(crate) const MOST_ROTATED: usize = 5;

impl AuthMethod {
    /// Whether a client proves with a secret who it is.
    #[must_use]
    pub const fn uses_secret(self) -> bool {
        match self {
            Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretJwt => true,
            Self::PrivateKeyJwt | Self::None => false,
        }
    }
}

/// A new secret: what the client is told, and what is kept.
pub(crate) struct NewSecret {
    pub(crate) plain: SecretString,
    pub(crate) hash: SecretHash,
    sealed: Option<String>,
}

impl NewSecret {
    /// A secret that the server makes. It cannot be guessed, so a keyed hash of it suffices.
    pub(crate) fn generate(service: &OAuth2Service, id: &ClientId, method: AuthMethod) -> Self {
        let plain = SecretString::from(service.entropy.alphanumeric(GENERATED));
        let hash = SecretHash::Keyed(service.keyring.hash(Purpose::ClientSecret, plain.expose_secret()));
        Self { sealed: seal(service, id, method, &plain), hash, plain }
    }

    /// A secret that somebody chose. It might be guessed, so that it is hashed like a password.
    ///
    /// # Errors
    /// 503 when too much is waiting to be hashed.
    pub(crate) async fn chosen(
        service: &OAuth2Service,
        id: &ClientId,
        method: AuthMethod,
        plain: SecretString,
    ) -> Result<Self, OAuth2Error> {
        let hash = SecretHash::Password(service.hasher.hash(plain.clone()).await?);
        Ok(Self { sealed: seal(service, id, method, &plain), hash, plain })
    }

    /// What is stored when no other secret is to work any longer.
    pub(crate) fn alone(&self) -> ClientSecrets {
        ClientSecrets { current: Some(self.hash.clone()), rotated: Vec::new(), sealed: self.sealed.clone() }
    }

    /// What is stored when the secrets so far go on working.
    pub(crate) fn beside(&self, before: ClientSecrets, now: Timestamp) -> ClientSecrets {
        let replaced = before.current.map(|hash| (hash, now));
        let rotated = replaced.into_iter().chain(before.rotated).take(MOST_ROTATED).collect();
        ClientSecrets { rotated, ..self.alone() }
    }
}

/// `client_secret_jwt` checks signatures with the secret itself, so that it must be readable again.
fn seal(service: &OAuth2Service, id: &ClientId, method: AuthMethod, plain: &SecretString) -> Option<String> {
    let sealed = (method == AuthMethod::ClientSecretJwt).then(|| {
        let context = id.as_str().as_bytes();
        service.keyring.seal(Purpose::ClientSecret, context, plain.expose_secret().as_bytes(), &*service.entropy)
    });
    sealed.map(|sealed| STANDARD.encode(sealed))
}

/// The secret of a `client_secret_jwt` client. `None` when it has none that can be read: it was registered with another
/// method, or the operator's secrets have changed.
#[must_use]
pub fn readable_secret(service: &OAuth2Service, record: &ClientRecord) -> Option<SecretString> {
    let sealed = STANDARD.decode(record.secrets.sealed.as_ref()?).ok()?;
    let context = record.client.id.as_str().as_bytes();
    let plain = service.keyring.open(Purpose::ClientSecret, context, &sealed).ok()?;
    String::from_utf8(plain).ok().map(SecretString::from)
}

/// The stored hash of a secret, if it is the client's present one or one of those that still work.
///
/// # Errors
/// 503 when too much is waiting to be hashed.
pub async fn matching_secret<'a>(
    service: &OAuth2Service,
    secrets: &'a ClientSecrets,
    given: &SecretString,
) -> Result<Option<&'a SecretHash>, OAuth2Error> {
    let keyed: Vec<_> = service.keyring.candidates(Purpose::ClientSecret, given.expose_secret()).collect();
    let all = || secrets.current.iter().chain(secrets.rotated.iter().map(|(hash, _)| hash));
    // Cheap ones first: most clients have no other.
    for stored in all() {
        if let SecretHash::Keyed(hash) = stored
            && keyed.iter().any(|candidate| same(candidate, hash))
        {
            return Ok(Some(stored));
        }
    }
    for stored in all() {
        let SecretHash::Password(hash) = stored else { continue };
        if service.verified_secrets.knows(&service.keyring, hash, given) {
            return Ok(Some(stored));
        }
        if service.hasher.verify(hash, given.clone()).await? {
            service.verified_secrets.note(&service.keyring, hash, given);
            return Ok(Some(stored));
        }
    }
    Ok(None)
}

/// In constant time.
pub(crate) fn same(left: &TokenHash, right: &TokenHash) -> bool {
    left.0.ct_eq(&right.0).into()
}
