//! Waiting for what changes a running server: signals, and files that are written.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use notify::{Event, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// Editors write a file in several steps; one reload is enough for all of them.
const SETTLE: Duration = Duration::from_millis(300);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// SIGHUP, or a configuration file changed.
    Configuration,
    /// SIGTERM or Ctrl-C.
    Stop,
}

/// Watches until dropped.
pub(crate) struct Watcher {
    changed: mpsc::Receiver<()>,
    signals: Signals,
    /// Held so that it goes on watching; none when there are no files.
    _files: Option<notify::RecommendedWatcher>,
}

impl Watcher {
    /// Watches the folders of these files: editors and Kubernetes replace files rather than write to them.
    pub(crate) fn new(files: &[PathBuf]) -> anyhow::Result<Self> {
        let (sender, changed) = mpsc::channel(1);
        let watcher = match files {
            [] => None,
            files => Some(watch(files, sender)?),
        };
        Ok(Self { changed, signals: Signals::new()?, _files: watcher })
    }

    /// The next change.
    pub(crate) async fn next(&mut self) -> Change {
        tokio::select! {
            biased;
            change = self.signals.next() => change,
            Some(()) = self.changed.recv() => {
                tokio::time::sleep(SETTLE).await;
                while self.changed.try_recv().is_ok() {}
                Change::Configuration
            }
        }
    }
}

fn watch(files: &[PathBuf], sender: mpsc::Sender<()>) -> anyhow::Result<notify::RecommendedWatcher> {
    let folder = |file: &PathBuf| match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut folders: Vec<PathBuf> = files.iter().map(folder).collect();
    folders.sort();
    folders.dedup();
    let names: Vec<_> = files.iter().filter_map(|file| file.file_name().map(ToOwned::to_owned)).collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let concerns = |path: &PathBuf| {
            // `..data` is the link that Kubernetes turns over when a mounted configuration changes.
            path.file_name().is_some_and(|name| names.iter().any(|known| known == name) || name == "..data")
        };
        if event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(concerns)) {
            // Full means that a reload is due already.
            let _: Result<(), _> = sender.try_send(());
        }
    })
    .context("the configuration files cannot be watched")?;
    for folder in folders {
        watcher
            .watch(&folder, RecursiveMode::NonRecursive)
            .with_context(|| format!("the folder {} cannot be watched", folder.display()))?;
    }
    Ok(watcher)
}

#[cfg(unix)]
struct Signals {
    hangup: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Change {
        tokio::select! {
            _ = self.terminate.recv() => Change::Stop,
            _ = self.interrupt.recv() => Change::Stop,
            _ = self.hangup.recv() => Change::Configuration,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> anyhow::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Change {
        let _: Result<(), _> = tokio::signal::ctrl_c().await;
        Change::Stop
    }
}
