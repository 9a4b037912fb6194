//! The parts that every use case of this crate works with, built once by the server.

use std::sync::Arc;

use arc_swap::ArcSwap;
use orrery_core::jsonnet::Jsonnet;
use orrery_core::outbound::OutboundClient;
use orrery_core::{Entropy, Keyring};
use orrery_courier::compose::Composer;
use orrery_courier::deliver::Wake;

use crate::config::Config;
use crate::credentials::password::{Breaches, PasswordHasher};
use crate::limits::{Doors, Rates};
use crate::schema::Schemas;
use crate::store::{AttemptStore, FlowStore, IdentityStore, SessionStore};

/// The identity surface: stores, secrets and settings.
pub struct IdentityService {
    /// Settings; replaced as a whole when the configuration is reloaded. Load once per request.
    pub config: ArcSwap<Config>,
    /// Identity schemas; replaced as a whole when the configuration is reloaded.
    pub schemas: ArcSwap<Schemas>,
    /// Identities.
    pub identities: Arc<dyn IdentityStore>,
    /// Sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// Flows.
    pub flows: Arc<dyn FlowStore>,
    /// Attempt counters.
    pub attempts: Arc<dyn AttemptStore>,
    /// The threads that hash passwords.
    pub hasher: PasswordHasher,
    /// Passwords that are known from breaches.
    pub breaches: Breaches,
    /// The texts of messages; replaced as a whole when the configuration is reloaded.
    pub composer: ArcSwap<Composer>,
    /// Wakes the worker that delivers them; to be called after a commit.
    pub wake: Wake,
    /// Wakes the worker that delivers events; to be called after a commit.
    pub outbox: Wake,
    /// Calls to other servers.
    pub outbound: Arc<dyn OutboundClient>,
    /// Programs of the operator.
    pub jsonnet: Arc<dyn Jsonnet>,
    /// The gates in front of accounts.
    pub doors: Doors,
    /// How often each network address may ask.
    pub rates: Rates,
    /// Keyed hashes and sealed values.
    pub keyring: Arc<Keyring>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}
