//! Logs and traces.

pub(crate) mod access;
mod export;

use std::io::{IsTerminal as _, stderr};
use std::sync::Arc;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use orrery_core::outbound::OutboundClient;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt, reload};

use crate::config::Config;
use crate::config::operations::{Log, LogFormat};

/// The logs and traces of this process. Dropping it sends what is left.
pub(crate) struct Telemetry {
    filter: reload::Handle<EnvFilter, Registry>,
    traces: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Starts logging to standard error, and tracing when a collector is configured. Once per process, on its runtime.
    ///
    /// # Errors
    /// When the level or the collector's address cannot be understood.
    pub(crate) fn install(config: &Config, outbound: Arc<dyn OutboundClient>) -> anyhow::Result<Self> {
        let (filter, handle) = reload::Layer::new(filter(&config.log)?);
        let lines = match config.log.format {
            LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(stderr).boxed(),
            LogFormat::Text => fmt::layer().with_ansi(stderr().is_terminal()).with_writer(stderr).boxed(),
        };
        // Spans are for traces; in the log, a line says everything itself.
        let lines = lines.with_filter(filter_fn(|metadata| metadata.is_event()));
        let traces = export::provider(&config.tracing, outbound)?;
        let spans = traces.as_ref().map(|traces| tracing_opentelemetry::layer().with_tracer(traces.tracer("orrery")));
        tracing_subscriber::registry()
            .with(filter)
            .with(filter_fn(tells_no_message))
            .with(lines)
            .with(spans)
            .try_init()
            .context("logging is already set up in this process")?;
        Ok(Self { filter: handle, traces })
    }

    /// Another log level from now on.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub(crate) fn set_level(&self, log: &Log) -> anyhow::Result<()> {
        self.filter.reload(filter(log)?).context("the log level cannot be changed")
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(traces) = &self.traces {
            // Bounded by the exporter's timeout: a silent collector does not keep the process alive.
            let _: Result<(), _> = traces.shutdown();
        }
    }
}

/// At its lower levels the mail client writes whole messages, addresses and codes included. No configured level may
/// ask for that.
fn tells_no_message(metadata: &Metadata<'_>) -> bool {
    !metadata.target().starts_with("lettre") || *metadata.level() <= Level::INFO
}

fn filter(log: &Log) -> anyhow::Result<EnvFilter> {
    // The framework tells at length how its threads come and go; whoever wants that names it after this.
    EnvFilter::builder()
        .parse(format!("actix_server=warn,{}", log.level.0))
        .with_context(|| format!("log.level: `{}` is neither a level nor a list of directives", log.level.0))
}
