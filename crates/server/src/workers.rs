//! What runs beside the listeners until the server stops.

use std::future::Future;

use tokio::sync::watch;
use tokio::task::JoinSet;

/// Background tasks and the signal that ends them.
pub(crate) struct Workers {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// Ends when the workers are asked to stop.
#[derive(Clone)]
pub(crate) struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Completes when the server stops.
    pub(crate) async fn wait(mut self) {
        // An error means that the server is gone altogether.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

impl Workers {
    pub(crate) fn new() -> Self {
        Self { stop: watch::Sender::new(false), tasks: JoinSet::new() }
    }

    /// Runs one worker. It is handed the signal and finishes what it holds.
    pub(crate) fn spawn<F: Future<Output = ()> + Send + 'static>(&mut self, work: impl FnOnce(Stopping) -> F) {
        self.tasks.spawn(work(Stopping(self.stop.subscribe())));
    }

    /// Asks all workers to stop and waits until they have.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(why) = ended {
                tracing::error!(error = %why, "a worker failed");
            }
        }
    }
}
