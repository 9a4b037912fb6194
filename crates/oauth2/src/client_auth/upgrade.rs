//! Secrets that another system hashed, hashed anew when they are first used.

use orrery_core::ProjectId;
use secrecy::SecretString;

use crate::client::{ClientRecord, SecretHash};
use crate::service::OAuth2Service;
use crate::store::Updated;

/// Replaces the stored hash of a secret that was just found right, if it is of another kind than new ones. It never fails a
/// request: what does not work now works another time.
pub(super) async fn upgrade(
    service: &OAuth2Service,
    project: ProjectId,
    record: &ClientRecord,
    stored: &SecretHash,
    secret: &SecretString,
) {
    let SecretHash::Password(hash) = stored else { return };
    if !service.hasher.is_outdated(hash, secret) {
        return;
    }
    let Ok(new) = service.hasher.hash(secret.clone()).await else { return };
    service.verified_secrets.note(&service.keyring, &new, secret);
    let mut changed = record.clone();
    let rotated = changed.secrets.rotated.iter_mut().map(|(rotated, _)| rotated);
    for one in changed.secrets.current.iter_mut().chain(rotated).filter(|one| *one == stored) {
        *one = SecretHash::Password(new.clone());
    }
    match service.clients.client_update(project, &changed).await {
        Ok(Updated::Done | Updated::Stale | Updated::Unknown) => {}
        Err(error) => tracing::debug!(%error, "a client secret stays hashed as another system did it"),
    }
}
