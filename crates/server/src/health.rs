//! Whether the server lives, whether it can serve, and which one it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, web};
use orrery_persistence::{Database, SchemaError};
use orrery_web::{ApiError, Listener, Routes, response};
use serde_json::json;

/// A readiness probe that waits longer than this for the database has its answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What readiness depends on.
#[derive(Clone)]
pub(crate) struct Health {
    database: Database,
    stopping: Arc<AtomicBool>,
    /// The schema only changes by migrations, so that once right it need not be asked again.
    schema_seen: Arc<AtomicBool>,
}

impl Health {
    /// Health of a server on this database.
    #[must_use]
    pub(crate) fn new(database: Database) -> Self {
        Self { database, stopping: Arc::default(), schema_seen: Arc::default() }
    }

    /// From now on the server is not ready.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// The part that is not ready and why, in a fixed sentence.
    async fn trouble(&self) -> Option<(&'static str, &'static str)> {
        if self.stopping.load(Ordering::SeqCst) {
            return Some(("server", "the server is shutting down"));
        }
        match tokio::time::timeout(PATIENCE, self.database_trouble()).await {
            Ok(trouble) => trouble.map(|trouble| ("database", trouble)),
            Err(_) => Some(("database", "the database does not answer")),
        }
    }

    async fn database_trouble(&self) -> Option<&'static str> {
        if let Err(why) = self.database.ping().await {
            tracing::warn!(error = %why, "the database is not ready");
            return Some("the database cannot be used");
        }
        if !self.schema_seen.load(Ordering::SeqCst) {
            match self.database.check_schema().await {
                Ok(()) => self.schema_seen.store(true, Ordering::SeqCst),
                Err(SchemaError::Store(_)) => return Some("the database cannot be used"),
                Err(why) => {
                    tracing::warn!(error = %why, "the database is not ready");
                    return Some("the schema of the database does not fit; run `orrery migrate up`");
                }
            }
        }
        None
    }
}

/// Health on both listeners, the version for administrators.
#[must_use]
pub(crate) fn routes() -> Routes {
    let on = |listener| {
        Routes::new(listener, "health")
            .get("/health/alive", Some("isAlive"), alive)
            .get("/health/ready", Some("isReady"), ready)
            // Some load balancers only ask for the status.
            .on(Method::HEAD, "/health/alive", None, alive)
            .on(Method::HEAD, "/health/ready", None, ready)
    };
    on(Listener::Public).and(on(Listener::Admin).get("/version", Some("getVersion"), version))
}

async fn alive() -> Result<HttpResponse, ApiError> {
    response::ok(&json!({ "status": "ok" }))
}

async fn ready(health: web::Data<Health>) -> Result<HttpResponse, ApiError> {
    match health.trouble().await {
        None => response::ok(&json!({ "status": "ok" })),
        Some((part, why)) => response::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "errors": { part: why } })),
    }
}

async fn version() -> Result<HttpResponse, ApiError> {
    response::ok(&json!({ "version": env!("CARGO_PKG_VERSION") }))
}
