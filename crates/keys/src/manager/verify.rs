//! Verifying tokens that Orrery, or an issuer whose keys are in the store, has signed.

use orrery_core::{ProjectId, Timestamp};
use std::time::Duration;

use super::KeyManager;
use super::cache::LoadedSet;
use crate::algorithm::SigningAlgorithm;
use crate::error::KeyError;
use crate::jwt::{Claims, Unverified};
use crate::rotation;

/// How often strangers' tokens with an unknown `kid` may make a set be read again.
const RELOAD_PAUSE: Duration = Duration::from_secs(5);
/// Most keys that are tried for a token that names none.
const MAX_TRIED: usize = 8;

/// Whether a token that is over, or has not begun, is good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// `exp` must lie ahead and `nbf`, if there is one, behind. A token without `exp` is refused.
    Enforced,
    /// Times do not matter: `id_token_hint` may be expired (OpenID Connect RP-Initiated Logout section 2).
    Ignored,
}

/// A token whose signature is right.
#[derive(Debug, Clone)]
pub struct VerifiedToken {
    /// `typ` of the header: compare it where tokens of several kinds share a set.
    pub typ: Option<String>,
    /// The `kid` of the key that signed it.
    pub kid: String,
    /// What it was signed with.
    pub algorithm: SigningAlgorithm,
    /// The claims. Issuer, audience and the rest are the caller's to judge.
    pub claims: Claims,
}

/// A token was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It is not a token, its key is unknown, its algorithm is not the key's, or the signature is wrong.
    #[error("the token is not valid")]
    Invalid,
    /// The signature is right and `exp` has passed, or is missing.
    #[error("the token has expired")]
    Expired,
    /// The signature is right and `nbf` lies ahead.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// It could not be looked at.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl KeyManager {
    /// Verifies a compact token with the keys of a set. The key decides the algorithm, never the token.
    ///
    /// # Errors
    /// Says only what the holder of a genuine token may know.
    pub async fn verify_jwt(
        &self,
        project: ProjectId,
        now: Timestamp,
        set: &str,
        token: &str,
        lifetime: Lifetime,
    ) -> Result<VerifiedToken, VerifyError> {
        let token = Unverified::parse(token).ok_or(VerifyError::Invalid)?;
        let mut loaded = self.set(project, set, now).await?;
        let mut verified = verify_with(&loaded, &token, now);
        if verified.is_none() && !knows(&loaded, &token) && now.since(loaded.loaded.at) >= RELOAD_PAUSE {
            loaded = self.reload(project, set, now).await?;
            verified = verify_with(&loaded, &token, now);
        }
        let verified = verified.ok_or(VerifyError::Invalid)?;
        match lifetime {
            Lifetime::Enforced => check_times(&verified.claims, now).map(|()| verified),
            Lifetime::Ignored => Ok(verified),
        }
    }
}

fn knows(set: &LoadedSet, token: &Unverified<'_>) -> bool {
    token.header.kid.as_ref().is_none_or(|kid| set.keys.iter().any(|key| key.row.kid == *kid))
}

fn verify_with(set: &LoadedSet, token: &Unverified<'_>, now: Timestamp) -> Option<VerifiedToken> {
    let algorithm = SigningAlgorithm::parse(&token.header.alg)?;
    let keys = set.keys.iter().filter(|key| key.row.algorithm == algorithm.name());
    let keys = keys.filter(|key| !rotation::has_ended(&key.row, now));
    let mut keys = keys.filter(|key| token.header.kid.as_ref().is_none_or(|kid| *kid == key.row.kid)).take(MAX_TRIED);
    keys.find_map(|key| {
        let claims = token.verify(key.verifier.as_ref()?)?;
        Some(VerifiedToken { typ: token.header.typ.clone(), kid: key.row.kid.clone(), algorithm, claims })
    })
}

/// RFC 7519 sections 4.1.4 and 4.1.5, without leeway: the clocks are ours.
fn check_times(claims: &Claims, now: Timestamp) -> Result<(), VerifyError> {
    let seconds = |name: &str| claims.get(name).map(|value| value.as_f64().ok_or(VerifyError::Invalid)).transpose();
    #[expect(clippy::cast_precision_loss, reason = "exact until the year 285 million")]
    let now = now.as_micros() as f64 / 1e6;
    if seconds("exp")?.is_none_or(|end| end <= now) {
        return Err(VerifyError::Expired);
    }
    if seconds("nbf")?.is_some_and(|start| start > now) {
        return Err(VerifyError::NotYetValid);
    }
    Ok(())
}
