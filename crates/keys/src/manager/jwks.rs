//! The public document of the published sets.

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::{ProjectId, Timestamp};
use serde_json::{Value, json};

use super::KeyManager;
use super::cache::Loaded;
use crate::error::KeyError;

/// `/.well-known/jwks.json`, ready to send.
#[derive(Debug)]
pub struct PublicJwks {
    /// `{"keys":[…]}` with public members only.
    pub body: Vec<u8>,
    /// A strong validator of the body, without its quotes.
    pub etag: String,
    loaded: Loaded,
}

impl KeyManager {
    /// The public keys of all published sets, the newest of each set first; symmetric keys are left out.
    /// Managed sets that have no key yet get one.
    ///
    /// # Errors
    /// The failure of storage or of generation.
    pub async fn public_jwks(&self, project: ProjectId, now: Timestamp) -> Result<Arc<PublicJwks>, KeyError> {
        if let Some(document) = self.documents.get(&project).filter(|cached| self.is_fresh(cached.loaded, now)) {
            return Ok(document);
        }
        let mut keys: Vec<Value> = Vec::new();
        let mut oldest = self.loading(now);
        for set in &self.config.published {
            let loaded = if self.config.managed_set(set).is_some() {
                self.signing_set(project, now, set, None).await?.0
            } else {
                self.set(project, set, now).await?
            };
            let public = loaded.keys.iter().map(|key| &key.row.public_jwk);
            oldest = oldest.oldest(loaded.loaded);
            keys.extend(public.filter(|jwk| jwk.get("kty").is_some_and(|kty| kty != "oct")).cloned());
        }
        let body = serde_json::to_vec(&json!({ "keys": keys })).map_err(|_| KeyError::Crypto)?;
        let etag = URL_SAFE_NO_PAD.encode(&digest::digest(&digest::SHA256, &body).as_ref()[..16]);
        let document = Arc::new(PublicJwks { body, etag, loaded: oldest });
        self.documents.insert(project, Arc::clone(&document));
        Ok(document)
    }
}
