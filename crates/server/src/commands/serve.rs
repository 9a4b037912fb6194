//! `orrery serve`.

use std::sync::Arc;

use anyhow::Context as _;
use orrery_core::{SystemClock, SystemEntropy};

use super::source;
use crate::cli::{self, Serve};
use crate::config::{self, Mode};
use crate::demo;
use crate::outbound::GuardedClient;
use crate::reload::{Change, Watcher};
use crate::run::{Migrations, Options, Server};
use crate::telemetry::Telemetry;
use crate::wiring::{self, Surfaces};

pub(super) async fn serve(arguments: Serve) -> anyhow::Result<()> {
    let sources = source::sources(&arguments.source)?;
    let loaded = config::load(&sources)?;
    let outbound = Arc::new(GuardedClient::new(&loaded.config.outbound)?);
    let telemetry = Telemetry::install(&loaded.config, outbound)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let migrate = arguments.migrate || wiring::migrates_by_default(&loaded.config);
    let mode = loaded.mode;
    let demo = matches!(arguments.surfaces, cli::Surfaces::All) && source::has_dev_database(&loaded);
    let certificates = loaded.config.serve.certificate_files();
    let mut watcher = Watcher::new(&source::watched(&sources).into_iter().chain(certificates).collect::<Vec<_>>())?;
    let server = Server::start(Options {
        loaded,
        surfaces: match arguments.surfaces {
            cli::Surfaces::All => Surfaces::All,
            cli::Surfaces::Identity => Surfaces::Identity,
            cli::Surfaces::Oauth2 => Surfaces::OAuth2,
            cli::Surfaces::Courier => Surfaces::Courier,
        },
        sources: wiring::Sources {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy::default()),
            program: std::env::current_exe().context("where this program is, is not known")?,
        },
        migrations: if migrate { Migrations::Apply } else { Migrations::Require },
    })
    .await?;
    if demo {
        server.register_demo_client().await?;
    }
    greet(&server, mode, demo);
    while watcher.next().await == Change::Configuration {
        reload(&sources, &server, &telemetry).await;
    }
    tracing::info!("stopping: requests in flight are answered first");
    server.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// A configuration that cannot be used changes nothing.
async fn reload(sources: &config::Sources, server: &Server, telemetry: &Telemetry) {
    match read_again(sources, server, telemetry).await {
        Ok(()) => tracing::info!("the configuration was read again"),
        Err(why) => tracing::error!("the new configuration is refused, the old one stays: {why:#}"),
    }
}

async fn read_again(sources: &config::Sources, server: &Server, telemetry: &Telemetry) -> anyhow::Result<()> {
    let loaded = config::load(sources)?;
    server.reload(&loaded).await?;
    telemetry.set_level(&loaded.config.log)
}

/// Tells a person where to go, and a log where the listeners are.
#[expect(clippy::print_stderr, reason = "a greeting for the person who started it")]
fn greet(server: &Server, mode: Mode, demo: bool) {
    let addresses = server.addresses();
    tracing::info!(public = %addresses.public_url, admin = %addresses.admin_url, "ready");
    if mode == Mode::Dev {
        let public = addresses.public_url.as_str();
        eprintln!("\n  Orrery {} is running.\n", env!("CARGO_PKG_VERSION"));
        eprintln!("  Register   {public}ui/registration");
        eprintln!("  Sign in    {public}ui/login");
        eprintln!("  Inbox      {public}ui/inbox     (mail and its codes arrive here)");
        eprintln!("  Admin API  {}\n", addresses.admin_url);
        if demo {
            let program = std::env::args().next().unwrap_or_else(|| "orrery".to_owned());
            eprintln!("  Sign in to an application, by OAuth2 and OpenID Connect:\n");
            eprintln!("    {program} oauth2 code --client-id {} --endpoint {public}\n", demo::CLIENT_ID);
        }
        eprintln!("  Development mode: data and secret are in ./data. Ctrl-C stops.\n");
    }
}
