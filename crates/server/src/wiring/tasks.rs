//! What runs beside the listeners: delivering messages and events, removing what has expired, rotating keys.

use std::sync::Arc;
use std::time::Duration;

use orrery_core::{Clock, ProjectId};
use orrery_courier::deliver::{Courier, Outbox};
use orrery_keys::KeyManager;
use orrery_oauth2::OAuth2Service;
use orrery_persistence::Database;
use tokio::sync::{mpsc, watch};

use crate::config::database::Cleanup;
use crate::metrics;
use crate::workers::Stopping;

/// Keys change over days; a node that was away catches up within this time.
const KEY_MAINTENANCE: Duration = Duration::from_secs(15 * 60);

/// How often measured durations become sums; each is kept until then.
const SUMMING_UP: Duration = Duration::from_secs(5);

/// The workers that deliver.
pub(super) struct Deliveries {
    /// Messages.
    pub(super) courier: Courier,
    /// Events.
    pub(super) outbox: Outbox,
}

/// Delivers messages and events. Each set of workers works until the next one arrives, and finishes what it holds.
pub(super) async fn deliver(mut deliveries: mpsc::Receiver<Deliveries>, stopping: Stopping) {
    let mut next = deliveries.recv().await;
    while let Some(Deliveries { courier, outbox }) = next.take() {
        let over = watch::Sender::new(false);
        let wait = |mut over: watch::Receiver<bool>| async move {
            let _ = over.wait_for(|over| *over).await;
        };
        let until = async {
            tokio::select! {
                () = stopping.clone().wait() => {}
                Some(replacement) = deliveries.recv() => next = Some(replacement),
            }
            over.send_replace(true);
        };
        tokio::join!(until, courier.run(wait(over.subscribe())), outbox.run(wait(over.subscribe())));
    }
}

/// Removes what has expired, in small batches, for as long as there is something; then pauses.
pub(super) async fn sweep(database: Database, clock: Arc<dyn Clock>, cleanup: Cleanup, stopping: Stopping) {
    loop {
        let more = match database.sweep(clock.now(), cleanup.batch_size).await {
            Ok(swept) => swept.more,
            Err(why) => {
                tracing::warn!(error = %why, "what has expired could not be removed; it is tried again");
                false
            }
        };
        let pause = if more { Duration::ZERO } else { cleanup.interval.0 };
        if paused(pause, &stopping).await == Next::Stop {
            return;
        }
    }
}

/// Has the clients of OAuth2 told whose sessions have ended elsewhere.
pub(super) async fn tell(oauth2: Arc<OAuth2Service>, clock: Arc<dyn Clock>, pause: Duration, stopping: Stopping) {
    loop {
        if let Err(why) = orrery_oauth2::logout::tell_of_ended(&oauth2, clock.now()).await {
            tracing::warn!(error = %why, "clients could not be told of sessions that have ended; it is tried again");
        }
        if paused(pause, &stopping).await == Next::Stop {
            return;
        }
    }
}

/// Seals private keys under the newest secret, once; then makes, publishes and retires signing keys.
pub(super) async fn rotate(keys: Arc<KeyManager>, clock: Arc<dyn Clock>, stopping: Stopping) {
    let mut sealed = false;
    loop {
        if !sealed {
            match keys.reseal(ProjectId::DEFAULT).await {
                Ok(_) => sealed = true,
                Err(why) => tracing::warn!(error = %why, "private keys were not sealed again; it is tried again"),
            }
        }
        match keys.maintain(ProjectId::DEFAULT, clock.now()).await {
            Ok(_) => {}
            Err(why) => tracing::warn!(error = %why, "keys could not be looked after; it is tried again"),
        }
        if paused(KEY_MAINTENANCE, &stopping).await == Next::Stop {
            return;
        }
    }
}

/// Keeps what is measured small.
pub(super) async fn measure(stopping: Stopping) {
    while paused(SUMMING_UP, &stopping).await == Next::GoOn {
        metrics::sum_up();
    }
}

#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    Stop,
}

async fn paused(pause: Duration, stopping: &Stopping) -> Next {
    tokio::select! {
        biased;
        () = stopping.clone().wait() => Next::Stop,
        () = tokio::time::sleep(pause) => Next::GoOn,
    }
}
