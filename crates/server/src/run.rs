//! A whole server: started, reloaded, stopped.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use orrery_persistence::{Database, SchemaError};

use crate::config::Loaded;
use crate::demo;
use crate::listeners::{Addresses, Certificates, Listeners, Serving};
use crate::metrics;
use crate::wiring::{self, Parts, Sources, Surfaces};
use crate::workers::Workers;

/// What a server is started with.
pub struct Options {
    /// The configuration.
    pub loaded: Loaded,
    /// Which surfaces it runs.
    pub surfaces: Surfaces,
    /// Time and randomness.
    pub sources: Sources,
    /// What happens to a database whose schema is not up to date.
    pub migrations: Migrations,
}

/// What happens to a database whose schema is not up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrations {
    /// It is brought up to date.
    Apply,
    /// The server does not start.
    Require,
}

/// A running server. Dropping it leaves its listeners running until the runtime ends; call [`Server::stop`].
pub struct Server {
    addresses: Addresses,
    parts: Parts,
    serving: Serving,
    workers: Workers,
    certificates: Vec<Arc<Certificates>>,
    shutdown_delay: Duration,
}

impl Server {
    /// Binds the listeners, opens the database, and serves.
    ///
    /// # Errors
    /// When an address cannot be bound, the database cannot be used, or a part cannot be made.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let Options { mut loaded, surfaces, sources, migrations } = options;
        metrics::install()?;
        let serve = &loaded.config.serve.clone();
        let listeners = Listeners::open(serve, !loaded.config.admin.tokens.is_empty())?;
        let (addresses, certificates) = (listeners.addresses.clone(), listeners.certificates());
        if surfaces == Surfaces::Courier {
            // It reads none.
            loaded.config.database.without_caches();
        }
        let database = wiring::database(&loaded.config)?;
        prepare(&database, migrations).await?;
        let mut parts = Parts::new(&loaded, surfaces, sources, database, &addresses).await?;
        let mut workers = Workers::new();
        parts.work(&mut workers);
        let serving = listeners.serve(serve, &parts.services())?;
        Ok(Self { addresses, parts, serving, workers, certificates, shutdown_delay: serve.shutdown_delay.0 })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Its database.
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.parts.database
    }

    /// Registers the demo client of `--dev`, unless it is there.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub(crate) async fn register_demo_client(&self) -> anyhow::Result<()> {
        demo::register(&self.parts.oauth2, self.parts.sources.clock.now()).await
    }

    /// Takes over what may change while running, and reads certificates again.
    ///
    /// # Errors
    /// When a part refuses; then everything stays as it was. A certificate that cannot be read stays what it was.
    pub async fn reload(&self, loaded: &Loaded) -> anyhow::Result<()> {
        self.parts.reload(loaded).await?;
        for certificates in &self.certificates {
            certificates.reload()?;
        }
        Ok(())
    }

    /// Stops: readiness answers 503, load balancers get time to notice, requests in flight are answered, workers
    /// finish what they hold.
    pub async fn stop(self) {
        self.parts.health.stop();
        tokio::time::sleep(self.shutdown_delay).await;
        self.serving.stop().await;
        self.workers.stop().await;
    }
}

async fn prepare(database: &Database, migrations: Migrations) -> anyhow::Result<()> {
    if migrations == Migrations::Apply {
        let applied = database.migrate_up().await.context("the database cannot be brought up to date")?;
        if !applied.is_empty() {
            tracing::info!(count = applied.len(), "migrations applied");
        }
    }
    match database.check_schema().await {
        Ok(()) => Ok(()),
        // A database that is away now may be back in a moment; readiness tells until then.
        Err(SchemaError::Store(why)) if migrations == Migrations::Require => {
            tracing::warn!(error = %why, "the database cannot be reached yet");
            Ok(())
        }
        Err(why) => {
            Err(anyhow::Error::new(why)
                .context("the database cannot be used (`orrery migrate status` shows its schema)"))
        }
    }
}
