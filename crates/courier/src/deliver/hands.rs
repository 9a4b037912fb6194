//! What every delivery worker does: claim what is due as hands become free, work on it, and pause when there is nothing.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use orrery_core::StoreError;

use super::Wake;
use crate::store::Settled;

/// A claim lasts this long: twice the longest attempt.
pub(super) const LEASE: Duration = Duration::from_secs(120);
/// No more is attempted at the same time, whatever is configured: each attempt may need a connection.
pub(super) const MOST: u32 = 32;
/// Longest reason of a failure, in characters.
pub(super) const MAX_REASON: usize = 1_000;
/// How often the outcome of an attempt is offered to a store that is away, and how long is waited in between.
const SETTLE_ATTEMPTS: u32 = 20;
const SETTLE_WAIT: Duration = Duration::from_secs(2);

/// A queue and how to work on what it holds.
pub(super) trait Work: Sync {
    /// One thing in hand.
    type Item: Send;

    /// Claims at most so many that are due.
    fn claim(&self, most: usize) -> impl Future<Output = Result<Vec<Self::Item>, StoreError>> + Send;

    /// Attempts one of them and records how it went.
    fn handle(&self, item: Self::Item) -> impl Future<Output = ()> + Send;
}

/// How a worker works.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Things attempted at the same time.
    pub(super) hands: usize,
    /// How long it waits when there is nothing to do and nobody wakes it.
    pub(super) pause: Duration,
}

/// Works until `shutdown` completes, and then finishes what is in hand.
///
/// Things are claimed as hands become free, so that a slow recipient does not hold up what others would take.
pub(super) async fn run<W: Work>(work: &W, pace: Pace, wake: &Wake, shutdown: impl Future<Output = ()>) {
    let mut shutdown = pin!(shutdown);
    let mut in_hand = FuturesUnordered::new();
    let mut look = true;
    loop {
        let free = pace.hands - in_hand.len();
        if look && free > 0 {
            match work.claim(free).await {
                Ok(batch) => {
                    // As many as asked for: there is probably more.
                    look = batch.len() >= free;
                    in_hand.extend(batch.into_iter().map(|item| work.handle(item)));
                }
                Err(error) => {
                    look = false;
                    tracing::warn!(error = &error as &dyn std::error::Error, "a delivery queue cannot be read");
                }
            }
        }
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(()) = in_hand.next() => {}
            () = wake.wait() => look = true,
            () = tokio::time::sleep(pace.pause) => look = true,
        }
    }
    while in_hand.next().await.is_some() {}
}

/// Claims one batch and works on all of it. Returns its size.
///
/// # Errors
/// When the queue cannot be read.
pub(super) async fn once<W: Work>(work: &W, pace: Pace) -> Result<usize, StoreError> {
    let batch = work.claim(pace.hands).await?;
    let claimed = batch.len();
    let mut in_hand: FuturesUnordered<_> = batch.into_iter().map(|item| work.handle(item)).collect();
    while in_hand.next().await.is_some() {}
    Ok(claimed)
}

/// Records the outcome of an attempt, again and again while the store is away. What cannot be recorded is logged; it is
/// attempted again once its lease has ended.
pub(super) async fn record<F: Future<Output = Result<Settled, StoreError>>>(
    id: &(dyn std::fmt::Display + Sync),
    settle: impl Fn() -> F,
) {
    for attempt in 1..=SETTLE_ATTEMPTS {
        match settle().await {
            Ok(Settled::Done) => return,
            Ok(Settled::LeaseLost) => {
                tracing::warn!(%id, "the lease ended before the attempt");
                return;
            }
            Err(StoreError::Unavailable(_)) if attempt < SETTLE_ATTEMPTS => tokio::time::sleep(SETTLE_WAIT).await,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(%id, error, "the outcome of an attempt was not recorded");
                return;
            }
        }
    }
}
