//! Configuration to parts: everything that the surfaces work with, made once, in the order in which it is needed.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use anyhow::Context as _;
use orrery_core::{Clock, Entropy, Keyring};
use orrery_persistence::{Database, DatabaseConfig};
use orrery_web::Routes;
use orrery_web::edge::EdgeSettings;
use secrecy::SecretString;

use crate::admin::AdminAccess;
use crate::config::{Config, Loaded};
use crate::health::Health;
use crate::listeners::{Addresses, Services};
use crate::outbound::GuardedClient;
use crate::workers::Workers;
use crate::{health, metrics};

/// Which surfaces a process runs. Operators scale them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surfaces {
    /// Everything.
    All,
    /// Identities, sessions, self-service flows and their pages; keys.
    Identity,
    /// Delivery of messages.
    Courier,
}

/// Where time and randomness come from. Tests bring their own.
#[derive(Clone)]
pub struct Sources {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// The parts of a running server.
pub(crate) struct Parts {
    surfaces: Surfaces,
    sources: Sources,
    pub(crate) database: Database,
    pub(crate) health: Health,
    outbound: Arc<GuardedClient>,
    admin: Data<AdminAccess>,
    edge: Data<EdgeSettings>,
}

impl Parts {
    /// Makes the parts. The database has been opened and its schema checked before.
    pub(crate) async fn new(
        loaded: &Loaded,
        surfaces: Surfaces,
        sources: Sources,
        database: Database,
        addresses: &Addresses,
    ) -> anyhow::Result<Self> {
        let config = &loaded.config;
        let keyring = Arc::new(keyring(config)?);
        let outbound = Arc::new(GuardedClient::new(&config.outbound)?);
        outbound.reconfigure(&config.outbound, &config.identity.clients.http.private_ip_exceptions);
        let edge = EdgeSettings {
            clock: Arc::clone(&sources.clock),
            entropy: Arc::clone(&sources.entropy),
            trusted_proxies: config.serve.trusted_proxies.clone(),
        };
        Ok(Self {
            surfaces,
            health: Health::new(database.clone()),
            database,
            outbound,
            admin: Data::new(AdminAccess::new(Arc::clone(&keyring), &config.admin.tokens, &addresses.admin_url)),
            edge: Data::new(edge),
            sources,
        })
    }

    /// What the listeners serve.
    pub(crate) fn services(&self) -> Services {
        let (health, database) = (Data::new(self.health.clone()), Data::new(self.database.clone()));
        let install = move |config: &mut ServiceConfig| {
            config.app_data(Data::clone(&health)).app_data(Data::clone(&database));
        };
        Services {
            routes: routes(self.surfaces),
            install: Arc::new(install),
            edge: Data::clone(&self.edge),
            admin: Data::clone(&self.admin),
        }
    }

    /// Starts what runs beside the listeners.
    pub(crate) fn work(&self, workers: &mut Workers) {
        let _ = workers;
    }

    /// Takes over what may change while running. Nothing changes when a part refuses.
    pub(crate) fn reload(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let config = &loaded.config;
        self.outbound.reconfigure(&config.outbound, &config.identity.clients.http.private_ip_exceptions);
        self.admin.replace(&config.admin.tokens);
        Ok(())
    }
}

/// Every route of these surfaces, on both listeners.
#[must_use]
pub fn routes(surfaces: Surfaces) -> Routes {
    let always = health::routes().and(metrics::routes());
    match surfaces {
        Surfaces::All | Surfaces::Identity => always.and(orrery_ui::http::public()),
        Surfaces::Courier => always,
    }
}

/// The database of a configuration, not yet checked.
///
/// # Errors
/// When the URL cannot be understood or the file cannot be opened.
pub fn database(config: &Config) -> anyhow::Result<Database> {
    let url = config.database.url.as_ref().context("no database is configured")?;
    let mut settings = DatabaseConfig::new(SecretString::from(url.expose()));
    settings.timeout = config.database.timeout.0;
    settings.connections = config.database.connections.unwrap_or(settings.connections);
    settings.queue = config.database.queue.unwrap_or(settings.queue);
    Ok(Database::connect(&settings)?)
}

/// Whether the schema is brought up to date at start when nobody says: only one process uses an SQLite file.
#[must_use]
pub fn migrates_by_default(config: &Config) -> bool {
    let embedded = config.database.url.as_ref().is_some_and(|url| !url.expose().starts_with("postgres"));
    config.database.migrate.unwrap_or(embedded)
}

fn keyring(config: &Config) -> anyhow::Result<Keyring> {
    let secrets: Vec<SecretString> = config.secrets.default.iter().map(|secret| secret.as_secret().clone()).collect();
    Keyring::new(&secrets).context("secrets.default")
}
