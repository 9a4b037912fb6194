//! Key sets over a real store: the schedule, signing and verifying on several nodes, and the routes.

mod admin;
mod jwks;
mod rotation;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use orrery_core::{Keyring, ProjectId, SystemEntropy, Timestamp};
use orrery_keys::config::{ACCESS_TOKEN_SET, ID_TOKEN_SET, KeysConfig, ManagedSet};
use orrery_keys::store::KeyStore;
use orrery_keys::{Claims, KeyManager, SigningAlgorithm};
use orrery_persistence::{Database, DatabaseConfig};
use secrecy::SecretString;
use serde_json::{Value, json};

const PROJECT: ProjectId = ProjectId::DEFAULT;
const DAY: Duration = Duration::from_secs(24 * 3600);
const SECRET: &str = "the secret of these tests";

/// One database for any number of nodes.
struct Keys {
    store: Arc<dyn KeyStore>,
}

impl Keys {
    async fn new() -> Self {
        let database = Database::connect(&DatabaseConfig::new("memory")).expect("opened");
        database.migrate_up().await.expect("migrated");
        Self { store: database.keys() }
    }

    /// A node with the settings of [`config`].
    fn node(&self) -> KeyManager {
        self.node_with(&[SECRET], config())
    }

    fn node_with(&self, secrets: &[&str], config: KeysConfig) -> KeyManager {
        let secrets: Vec<_> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        let keyring = Arc::new(Keyring::new(&secrets).expect("long enough"));
        KeyManager::new(Arc::clone(&self.store), keyring, Arc::new(SystemEntropy::default()), config)
    }
}

/// The defaults with algorithms whose keys are made at once.
fn config() -> KeysConfig {
    let managed = |name: &str, algorithm| ManagedSet { name: name.to_owned(), algorithm };
    let managed =
        vec![managed(ID_TOKEN_SET, SigningAlgorithm::EdDSA), managed(ACCESS_TOKEN_SET, SigningAlgorithm::ES256)];
    KeysConfig { managed, ..KeysConfig::default() }
}

fn start() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

fn claims(expires_at: Timestamp) -> Claims {
    json!({"sub": "somebody", "exp": expires_at.as_seconds()}).as_object().expect("object").clone()
}

/// The `kid`s that the node publishes.
async fn published(node: &KeyManager, now: Timestamp) -> Vec<String> {
    let document = node.public_jwks(PROJECT, now).await.expect("a document");
    let document: Value = serde_json::from_slice(&document.body).expect("JSON");
    let keys = document["keys"].as_array().expect("keys");
    keys.iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}
