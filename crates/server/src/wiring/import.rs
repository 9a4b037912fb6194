//! What copies from other systems need of a configuration.

use std::sync::Arc;
use std::time::Duration;

use orrery_core::{Keyring, SystemEntropy};
use orrery_identity::schema::Schemas;
use orrery_keys::KeyManager;
use orrery_persistence::Database;

use super::references;
use crate::config::Loaded;
use crate::outbound::GuardedClient;

/// What a copy of identities needs.
pub(crate) struct ImportParts {
    /// Where it goes, not yet checked.
    pub(crate) database: Database,
    /// What seals secrets.
    pub(crate) keyring: Keyring,
    /// The identity schemas.
    pub(crate) schemas: Schemas,
    /// How long messages are kept.
    pub(crate) retention: Duration,
}

impl ImportParts {
    /// Makes the parts.
    ///
    /// # Errors
    /// When the database cannot be opened, or something that the configuration refers to cannot be had.
    pub(crate) async fn new(loaded: &Loaded) -> anyhow::Result<Self> {
        let mut config = loaded.config.clone();
        // Nobody reads sessions here.
        config.database.without_caches();
        let outbound = Arc::new(GuardedClient::new(&config.outbound)?);
        outbound.reconfigure(&config.outbound, &config.identity.clients.http.private_ip_exceptions);
        let resolved = references::resolve(&config, "localhost", outbound).await?;
        Ok(Self {
            database: super::database(&config)?,
            keyring: super::keyring(&config)?,
            schemas: resolved.schemas,
            retention: resolved.courier.composer.retention,
        })
    }
}

/// What a copy of clients, keys and grants needs.
pub(crate) struct OAuth2ImportParts {
    /// Where it goes, not yet checked.
    pub(crate) database: Database,
    /// What hashes tokens.
    pub(crate) keyring: Arc<Keyring>,
    /// Where keys go.
    pub(crate) keys: KeyManager,
}

impl OAuth2ImportParts {
    /// Makes the parts.
    ///
    /// # Errors
    /// When the database cannot be opened, or the configuration cannot be used.
    pub(crate) fn new(loaded: &Loaded) -> anyhow::Result<Self> {
        let mut config = loaded.config.clone();
        // Whoever imports reads each row once.
        config.database.without_caches();
        let (database, keyring) = (super::database(&config)?, Arc::new(super::keyring(&config)?));
        let entropy = Arc::new(SystemEntropy::default());
        let settings = super::keys::settings(&config.keys)?;
        let keys = KeyManager::new(database.keys(), Arc::clone(&keyring), entropy, settings);
        Ok(Self { database, keyring, keys })
    }
}
