//! Configuration to parts: everything that the surfaces work with, made once, in the order in which it is needed.

mod identity;
mod import;
mod keys;
mod oauth2;
mod programs;
mod references;
mod sign_in;
mod tasks;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, ServiceConfig};
use anyhow::Context as _;
use arc_swap::ArcSwap;
use orrery_core::jsonnet::Jsonnet;
use orrery_core::rate::Buckets;
use orrery_core::{Clock, Entropy, Keyring};
use orrery_courier::compose::Composer;
use orrery_courier::config::CourierSettings;
use orrery_courier::deliver::{Courier, CourierParts, Outbox, OutboxParts, OutboxSettings, Wake};
use orrery_courier::http::{CourierApi, EventsApi, Visibility};
use orrery_identity::IdentityService;
use orrery_identity::credentials::password::{Breaches, PasswordHasher};
use orrery_identity::limits::{Doors, Rates};
use orrery_keys::KeyManager;
use orrery_oauth2::OAuth2Service;
use orrery_oauth2::client::VerifiedSecrets;
use orrery_oauth2::client_auth::ClientKeys;
use orrery_oauth2::hydra::SystemSecrets;
use orrery_persistence::{Database, DatabaseConfig};
use orrery_ui::{OAuth2Platform, Pages, Platform, UiConfig};
use orrery_web::Routes;
use orrery_web::edge::EdgeSettings;
use secrecy::SecretString;
use tokio::sync::mpsc;

pub(crate) use self::import::{ImportParts, OAuth2ImportParts};
use self::tasks::Deliveries;
use crate::admin::AdminAccess;
use crate::config::database::Cleanup;
use crate::config::value::Secret;
use crate::config::{Config, Loaded, Mode};
use crate::health::Health;
use crate::jsonnet::Pool;
use crate::listeners::{Addresses, Services};
use crate::local::OwnNames;
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
    /// OAuth2 and OpenID Connect; keys.
    OAuth2,
    /// Delivery of messages.
    Courier,
}

/// Where time, randomness and helpers come from. Tests bring their own.
#[derive(Clone)]
pub struct Sources {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The `orrery` executable, which is run once more for what must be kept within limits (`orrery jsonnet`).
    pub program: PathBuf,
}

/// The parts of a running server.
pub(crate) struct Parts {
    surfaces: Surfaces,
    pub(crate) sources: Sources,
    mode: Mode,
    addresses: Addresses,
    pub(crate) database: Database,
    pub(crate) health: Health,
    keyring: Arc<Keyring>,
    outbound: Arc<GuardedClient>,
    admin: Data<AdminAccess>,
    edge: Data<EdgeSettings>,
    identity: Arc<IdentityService>,
    keys: Arc<KeyManager>,
    pub(crate) oauth2: Arc<OAuth2Service>,
    courier: Data<CourierApi>,
    events: Data<EventsApi>,
    pages: Data<Pages>,
    cleanup: Cleanup,
    /// How long is waited before it is looked again whether clients have to be told of a session's end.
    telling: Duration,
    /// The way to the task that delivers: each set of workers replaces the one before.
    deliveries: mpsc::Sender<Deliveries>,
    waiting: Option<mpsc::Receiver<Deliveries>>,
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
        let (clock, entropy) = (Arc::clone(&sources.clock), Arc::clone(&sources.entropy));
        let keyring = Arc::new(keyring(config)?);
        let outbound = Arc::new(GuardedClient::new(&config.outbound)?);
        outbound.reconfigure(&config.outbound, &config.identity.clients.http.private_ip_exceptions);
        let jsonnet: Arc<dyn Jsonnet> = Arc::new(Pool::new(sources.program.clone()));
        let resolved = references::resolve(config, site(addresses), Arc::clone(&outbound) as _).await?;
        programs::check(&*jsonnet, &resolved.programs).await?;
        let identity = Arc::new(IdentityService {
            config: ArcSwap::from_pointee(identity::settings(config, loaded.mode, addresses, &resolved.documents)?),
            schemas: ArcSwap::from_pointee(resolved.schemas),
            identities: database.identities(),
            sessions: database.sessions(),
            flows: database.flows(),
            attempts: database.attempts(),
            hasher: PasswordHasher::start(&identity::hasher(config)).context("the hashing pool cannot start")?,
            breaches: Breaches::new(Arc::clone(&outbound) as _),
            composer: ArcSwap::from_pointee(composer(&resolved.courier)?),
            wake: Wake::default(),
            outbox: Wake::default(),
            outbound: Arc::clone(&outbound) as _,
            jsonnet,
            doors: Doors::default(),
            rates: Rates::default(),
            keyring: Arc::clone(&keyring),
            entropy: Arc::clone(&entropy),
        });
        let keys = Arc::new(KeyManager::new(
            database.keys(),
            Arc::clone(&keyring),
            Arc::clone(&entropy),
            keys::settings(&config.keys)?,
        ));
        let oauth2 = Arc::new(OAuth2Service {
            config: ArcSwap::from_pointee(oauth2::settings(config, loaded.mode, addresses)?),
            clients: database.clients(),
            trusted_issuers: database.trusted_issuers(),
            devices: database.devices(),
            tokens: database.tokens(),
            authorizations: database.authorizations(),
            grants: database.grants(),
            login_sessions: database.login_sessions(),
            sign_in: Arc::new(sign_in::IdentitySignIn(Arc::clone(&identity))),
            keys: Arc::clone(&keys),
            keyring: Arc::clone(&keyring),
            hasher: Arc::new(oauth2::SharedHasher(Arc::clone(&identity))),
            entropy: Arc::clone(&entropy),
            outbound: Arc::clone(&outbound) as _,
            outbox: Arc::new(identity.outbox.clone()),
            verified_secrets: VerifiedSecrets::default(),
            failed_authentications: Buckets::default(),
            registrations: Buckets::default(),
            client_keys: ClientKeys::new(Arc::clone(&outbound) as _),
            hydra: SystemSecrets::new(config.secrets.default.iter().map(Secret::as_secret)),
        });
        let courier = CourierApi {
            store: database.messages(),
            keyring: Arc::clone(&keyring),
            entropy: Arc::clone(&entropy),
            visibility: match loaded.mode {
                Mode::Dev => Visibility::Open,
                Mode::Production => Visibility::Redacted,
            },
            sms_type: config.identity.courier.sms_message_type,
        };
        let events = EventsApi {
            store: database.events(),
            keyring: Arc::clone(&keyring),
            entropy: Arc::clone(&entropy),
            wake: identity.outbox.clone(),
            retention: config.outbox.retention.0,
        };
        let identity_settings = identity.config.load();
        let frontend = Platform { identity: Arc::clone(&identity), messages: database.messages() };
        let pages = Pages::new(ui(config, &identity_settings, loaded.mode, addresses), Arc::new(frontend))?
            .with_authorizations(Arc::new(OAuth2Platform(Arc::clone(&oauth2))));
        let edge = EdgeSettings { clock, entropy, trusted_proxies: config.serve.trusted_proxies.clone() };
        let (deliveries, waiting) = mpsc::channel(1);
        let parts = Self {
            surfaces,
            mode: loaded.mode,
            addresses: addresses.clone(),
            health: Health::new(database.clone()),
            admin: Data::new(AdminAccess::new(Arc::clone(&keyring), &config.admin.tokens, &addresses.admin_url)),
            edge: Data::new(edge),
            identity,
            keys,
            oauth2,
            courier: Data::new(courier),
            events: Data::new(events),
            pages: Data::new(pages),
            cleanup: config.database.cleanup.clone(),
            telling: resolved.courier.pull_wait,
            deliveries,
            waiting: Some(waiting),
            keyring,
            outbound,
            sources,
            database,
        };
        parts.deliver_with(resolved.courier, config);
        Ok(parts)
    }

    /// What the listeners serve.
    pub(crate) fn services(&self) -> Services {
        let (health, database) = (Data::new(self.health.clone()), Data::new(self.database.clone()));
        let (identity, keys) = (Data::from(Arc::clone(&self.identity)), Data::from(Arc::clone(&self.keys)));
        let (courier, pages) = (Data::clone(&self.courier), Data::clone(&self.pages));
        let oauth2 = Data::from(Arc::clone(&self.oauth2));
        let events = Data::clone(&self.events);
        let install = move |config: &mut ServiceConfig| {
            config
                .app_data(Data::clone(&health))
                .app_data(Data::clone(&database))
                .app_data(Data::clone(&identity))
                .app_data(Data::clone(&keys))
                .app_data(Data::clone(&oauth2))
                .app_data(Data::clone(&courier))
                .app_data(Data::clone(&events))
                .app_data(Data::clone(&pages));
        };
        Services {
            routes: routes(self.surfaces, self.mode),
            install: Arc::new(install),
            edge: Data::clone(&self.edge),
            admin: Data::clone(&self.admin),
            inbox: (self.mode == Mode::Dev).then(|| Data::new(OwnNames::new(&self.addresses.public_url))),
        }
    }

    /// Starts what runs beside the listeners.
    pub(crate) fn work(&mut self, workers: &mut Workers) {
        let clock = || Arc::clone(&self.sources.clock);
        let (database, cleanup, sweeping) = (self.database.clone(), self.cleanup.clone(), clock());
        workers.spawn(|stopping| tasks::sweep(database, sweeping, cleanup, stopping));
        workers.spawn(tasks::measure);
        if self.surfaces != Surfaces::Courier {
            let (keys, rotating) = (Arc::clone(&self.keys), clock());
            workers.spawn(|stopping| tasks::rotate(keys, rotating, stopping));
        }
        if matches!(self.surfaces, Surfaces::All | Surfaces::OAuth2) {
            let (oauth2, telling, pause) = (Arc::clone(&self.oauth2), clock(), self.telling);
            workers.spawn(move |stopping| tasks::tell(oauth2, telling, pause, stopping));
        }
        let deliveries = self.waiting.take();
        if let Some(deliveries) = deliveries.filter(|_| matches!(self.surfaces, Surfaces::All | Surfaces::Courier)) {
            workers.spawn(|stopping| tasks::deliver(deliveries, stopping));
        }
    }

    /// Takes over what may change while running. Nothing changes when a part refuses.
    pub(crate) async fn reload(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let config = &loaded.config;
        let oauth2 = oauth2::settings(config, self.mode, &self.addresses)?;
        let resolved = references::resolve(config, site(&self.addresses), Arc::clone(&self.outbound) as _).await?;
        programs::check(&*self.identity.jsonnet, &resolved.programs).await?;
        let settings = identity::settings(config, self.mode, &self.addresses, &resolved.documents)?;
        let composer = composer(&resolved.courier)?;
        // From here on nothing can fail.
        self.outbound.reconfigure(&config.outbound, &config.identity.clients.http.private_ip_exceptions);
        self.admin.replace(&config.admin.tokens);
        self.identity.config.store(Arc::new(settings));
        self.oauth2.config.store(Arc::new(oauth2));
        self.identity.composer.store(Arc::new(composer));
        self.identity.schemas.store(Arc::new(resolved.schemas));
        self.deliver_with(resolved.courier, config);
        Ok(())
    }

    /// Has messages and events delivered with these settings from the next batch on.
    fn deliver_with(&self, settings: CourierSettings, config: &Config) {
        let (clock, entropy) = (Arc::clone(&self.sources.clock), Arc::clone(&self.sources.entropy));
        let outbox = Outbox::new(
            OutboxSettings {
                hands: settings.pull_count,
                pause: settings.pull_wait,
                attempt_timeout: settings.attempt_timeout,
                retries: config.outbox.retries,
            },
            OutboxParts {
                store: self.database.events(),
                keyring: Arc::clone(&self.keyring),
                entropy: Arc::clone(&entropy),
                clock: Arc::clone(&clock),
                client: Arc::clone(&self.outbound) as _,
                wake: self.events.wake.clone(),
            },
        );
        let courier = Courier::new(
            settings,
            CourierParts {
                store: self.database.messages(),
                keyring: Arc::clone(&self.keyring),
                entropy,
                clock,
                client: Arc::clone(&self.outbound) as _,
                jsonnet: Arc::clone(&self.identity.jsonnet),
                wake: self.identity.wake.clone(),
            },
        );
        // Full: one is on its way already, and the next reload brings the newest. Closed: delivery runs elsewhere.
        let _: Result<(), _> = self.deliveries.try_send(Deliveries { courier, outbox });
    }
}

/// The public host, by which messages call the site when nobody gave it a name.
fn site(addresses: &Addresses) -> &str {
    addresses.public_url.host_str().unwrap_or("localhost")
}

fn composer(settings: &CourierSettings) -> anyhow::Result<Composer> {
    Ok(Composer::new(settings.composer.clone(), &settings.templates)?)
}

fn ui(config: &Config, identity: &orrery_identity::Config, mode: Mode, addresses: &Addresses) -> UiConfig {
    let afters = [&identity.login.after, &identity.registration.after, &identity.verification.after];
    let configured = afters.into_iter().flat_map(|after| after.return_url.iter().chain(after.return_urls.values()));
    let targets = std::iter::once(&identity.default_return_url).chain(&identity.allowed_return_urls).chain(configured);
    UiConfig {
        public_url: addresses.public_url.clone(),
        name: config.ui.name.clone(),
        logo_url: config.ui.logo_url.clone(),
        theme: config.ui.theme.clone().into_iter().collect(),
        form_targets: targets.cloned().collect(),
        inbox: mode == Mode::Dev,
    }
}

/// Every route of these surfaces, on both listeners.
#[must_use]
pub fn routes(surfaces: Surfaces, mode: Mode) -> Routes {
    let always = health::routes().and(metrics::routes()).and(orrery_courier::http::admin());
    let keys = || orrery_keys::http::public().and(orrery_keys::http::admin());
    let oauth2 = || {
        let pages = orrery_ui::http::oauth2();
        orrery_oauth2::http::public().and(orrery_oauth2::http::admin()).and(pages)
    };
    let identity =
        || orrery_identity::http::public().and(orrery_identity::http::admin()).and(orrery_ui::http::public());
    let served = match surfaces {
        Surfaces::All => always.and(identity()).and(keys()).and(oauth2()),
        Surfaces::Identity => always.and(identity()).and(keys()),
        Surfaces::OAuth2 => always.and(keys()).and(oauth2()).and(orrery_ui::http::assets()),
        Surfaces::Courier => always,
    };
    match mode {
        Mode::Dev => served.and(orrery_courier::http::development_inbox()),
        Mode::Production => served,
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
    settings.session_cache = config.database.session_cache.0;
    settings.client_cache = config.database.client_cache.0;
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
