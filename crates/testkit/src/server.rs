//! The server under test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use orrery_core::entropy::SeededEntropy;
use orrery_core::time::ManualClock;
use orrery_core::{Clock, Timestamp};
use orrery_persistence::Database;
use orrery_server::config::{self, Loaded, Mode, Sources as ConfigSources};
use orrery_server::run::{Migrations, Options, Server};
use orrery_server::wiring::{Sources, Surfaces};
use serde_json::{Value, json};

use crate::api::Api;
use crate::clients::Browser;
use crate::database::{Backend, TestDatabase};
use crate::psql::Psql;

/// How a test's server differs from the usual one.
pub struct TestOptions {
    /// Which database.
    pub backend: Backend,
    /// Configuration on top of the usual one, shaped like a configuration file.
    pub config: Value,
    /// How the configuration is judged; with `Dev` the inbox is open.
    pub mode: Mode,
    /// Which surfaces run.
    pub surfaces: Surfaces,
}

impl From<Backend> for TestOptions {
    fn from(backend: Backend) -> Self {
        Self { backend, config: json!({}), mode: Mode::Dev, surfaces: Surfaces::All }
    }
}

impl TestOptions {
    /// The usual server on this database with this configuration on top.
    #[must_use]
    pub fn with(backend: Backend, config: Value) -> Self {
        Self { config, ..Self::from(backend) }
    }
}

/// A running server. Its clock stands at 2026-01-01T00:00:00Z until it is moved.
pub struct TestServer {
    server: Server,
    clock: Arc<ManualClock>,
    program: Api,
    loaded: Loaded,
    // Dropped last: the server must be gone before its database is.
    database: TestDatabase,
}

impl TestServer {
    /// Starts a server; a [`Backend`] alone gives the usual one.
    pub async fn start(options: impl Into<TestOptions>) -> Self {
        Self::try_start(options).await.expect("the server starts")
    }

    /// Starts a server that may refuse to.
    ///
    /// # Errors
    /// What the operator would be told.
    pub async fn try_start(options: impl Into<TestOptions>) -> Result<Self, String> {
        let options = options.into();
        let database = TestDatabase::new(options.backend);
        let loaded = load(&options, &database).map_err(|problems| problems.to_string())?;
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_767_225_600)));
        let starting = Server::start(Options {
            loaded: loaded.clone(),
            surfaces: options.surfaces,
            sources: Sources {
                clock: Arc::clone(&clock) as _,
                entropy: Arc::new(SeededEntropy::new(1)),
                program: program(),
            },
            migrations: Migrations::Apply,
        });
        // On the heap: the future holds the whole configuration, and every helper around it would hold it once more, on
        // the small stack of a test.
        let server = Box::pin(starting).await.map_err(|why| format!("{why:#}"))?;
        Ok(Self { server, clock, program: Api::default(), loaded, database })
    }

    /// An address on the public listener.
    #[must_use]
    pub fn public(&self, path: &str) -> String {
        address(self.server.addresses().public_url.as_str(), path)
    }

    /// An address on the admin listener.
    #[must_use]
    pub fn admin(&self, path: &str) -> String {
        address(self.server.addresses().admin_url.as_str(), path)
    }

    /// A client without cookies that follows no redirect, for either listener. Its answers are held against the
    /// contracts.
    #[must_use]
    pub fn api(&self) -> Api {
        self.program.clone()
    }

    /// A browser with an empty cookie jar.
    #[must_use]
    pub fn browser(&self) -> Browser {
        Browser::default()
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// The messages that were sent or wait to be sent, newest first, as `/inbox/messages` shows them.
    pub async fn inbox(&self) -> Vec<Value> {
        let answer = self.api().get(self.public("/inbox/messages")).send().await.expect("an answer");
        answer.json().await.expect("a list of messages")
    }

    /// The six digits in the newest message to this address.
    pub async fn code_for(&self, recipient: &str) -> String {
        let inbox = self.inbox().await;
        let message = inbox.iter().find(|message| message["recipient"] == recipient);
        let text = message.and_then(|message| message["text"].as_str()).expect("a message to this address");
        let code = text.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 6);
        code.expect("a code in the message").to_owned()
    }

    /// The server's database.
    #[must_use]
    pub fn database(&self) -> &Database {
        self.server.database()
    }

    /// The URL of the server's database.
    #[must_use]
    pub fn database_url(&self) -> &str {
        &self.database.url
    }

    /// Every row of a table as the database keeps it.
    #[must_use]
    pub fn dump(&self, table: &str) -> String {
        self.database.script(&format!("SELECT * FROM {table};"))
    }

    /// A connection of an operator to the server's PostgreSQL.
    #[must_use]
    pub fn psql(&self) -> Psql {
        Psql::open(&self.database.url)
    }

    /// A private folder that disappears with the server.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.database.folder.path()
    }

    /// Takes over another configuration on top of the usual one, as a reload does.
    ///
    /// # Errors
    /// What the operator would be told.
    pub async fn reload(&self, config: Value) -> Result<(), String> {
        let options = TestOptions { config, mode: self.loaded.mode, surfaces: Surfaces::All, backend: Backend::Sqlite };
        let loaded = load(&options, &self.database).map_err(|problems| problems.to_string())?;
        self.server.reload(&loaded).await.map_err(|why| format!("{why:#}"))
    }

    /// Stops as on SIGTERM. The database stays until the returned value is dropped.
    pub async fn stop(self) -> impl Sized {
        self.server.stop().await;
        self.database
    }
}

/// Free ports, cheap hashes, flows as with `--dev`; then what the test wants.
fn load(options: &TestOptions, database: &TestDatabase) -> Result<Loaded, config::Problems> {
    let usual = json!({
        "serve": {
            "public": { "port": 0 },
            "admin": { "port": 0 },
            "workers": 1,
            "shutdown_delay": "0s",
            "shutdown_timeout": "10s",
        },
        "database": { "url": database.url, "connections": 4 },
        "secrets": { "default": ["a secret of the tests, long enough"] },
        "limits": { "submits_per_minute": 0, "flows_per_minute": 0, "registrations_per_minute": 0, "hash_workers": 2 },
        "identity": {
            "hashers": { "argon2": { "memory": "64KB", "iterations": 1 } },
            "courier": {
                "delivery_strategy": if options.mode == Mode::Dev { "inbox" } else { "smtp" },
                "worker": { "pull_wait": "50ms" },
            },
            // Tests need no network.
            "selfservice": { "methods": { "password": { "config": { "haveibeenpwned_enabled": false } } }, "flows": {
                "registration": { "after": { "hooks": [{ "hook": "session" }, { "hook": "show_verification_ui" }] } },
                "recovery": { "enabled": true },
                "verification": { "enabled": true },
            } },
        },
    });
    let file = database.folder.path().join("test.json");
    std::fs::write(&file, options.config.to_string()).expect("a configuration file");
    config::load(&ConfigSources {
        defaults: Some(usual.to_string()),
        files: vec![file],
        environment: BTreeMap::new(),
        mode: options.mode,
        kratos: None,
        hydra: None,
    })
}

/// The `orrery` executable, which is built together with the tests and lies above them.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows where it is");
    let folder = test.ancestors().nth(2).expect("a target folder");
    folder.join(format!("orrery{}", std::env::consts::EXE_SUFFIX))
}

fn address(base: &str, path: &str) -> String {
    format!("{}{path}", base.trim_end_matches('/'))
}
