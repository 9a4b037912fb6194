//! The bounded queue between the callers, who await, and the database threads, who block.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use orrery_core::StoreError;
use tokio::sync::oneshot;

use crate::error::{Failure, Outcome};
use crate::statements::{Purpose, on_behalf_of};

/// A call on its way to a database thread, whatever it returns.
pub(crate) trait Job<C>: Send {
    /// What it wants to do.
    fn purpose(&self) -> Purpose;
    /// Whether nobody waits for the answer any more. Such a job is not begun.
    fn abandoned(&self) -> bool;
    /// Does the work and keeps the outcome. `Err` means that its transaction must be rolled back.
    fn run(&mut self, connection: &mut C) -> Result<(), Undone>;
    /// Hands the outcome to the caller; `Err` when it could not be begun or committed.
    fn answer(self: Box<Self>, settled: Result<(), Trouble>);
}

/// What a transaction that went well leaves behind.
pub(crate) enum Decision<T> {
    /// Everything that it wrote.
    Keep(T),
    /// Nothing: a guard said no after something had been written.
    Undo(T),
}

/// A queued job.
pub(crate) type BoxedJob<C> = Box<dyn Job<C>>;

/// Why a job left nothing behind.
#[derive(Debug)]
pub(crate) enum Undone {
    /// It failed by itself and keeps the reason. `true` when the connection may be lost.
    ByItself { connection_in_doubt: bool },
    /// Beginning or committing failed.
    ByDatabase(diesel::result::Error),
}

impl From<diesel::result::Error> for Undone {
    fn from(error: diesel::result::Error) -> Self {
        Self::ByDatabase(error)
    }
}

/// The database could not serve a call, which may be one of many that have to be told.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Trouble(pub(crate) Arc<str>);

impl Trouble {
    pub(crate) fn new(error: &dyn std::fmt::Display) -> Self {
        Self(error.to_string().into())
    }
}

/// The callers' end of a queue.
pub(crate) struct Queue<C> {
    jobs: flume::Sender<BoxedJob<C>>,
    patience: Duration,
}

impl<C> Clone for Queue<C> {
    fn clone(&self) -> Self {
        Self { jobs: self.jobs.clone(), patience: self.patience }
    }
}

impl<C: 'static> Queue<C> {
    /// A queue for `capacity` waiting jobs whose callers wait `patience` each, and the threads' end of it.
    pub(crate) fn new(capacity: usize, patience: Duration) -> (Self, flume::Receiver<BoxedJob<C>>) {
        let (jobs, waiting) = flume::bounded(capacity);
        (Self { jobs, patience }, waiting)
    }

    /// The same queue for callers who wait as long as it takes.
    pub(crate) fn patient(&self) -> Self {
        Self { jobs: self.jobs.clone(), patience: Duration::MAX }
    }

    /// Has `work` done on a database thread.
    ///
    /// Dropping the future before the work has begun cancels it; once begun, it runs to its end. A caller who is told
    /// that the database did not answer in time may rely on nothing having been stored; one that is being stored just then is
    /// waited for once more, and only if the database keeps silent even so does nobody know what became of it.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        purpose: Purpose,
        work: impl FnOnce(&mut C) -> Outcome<Decision<T>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let fate = Fate::default();
        let job = Box::new(Call { purpose, work: Some(work), outcome: None, reply, fate: fate.clone() });
        self.jobs.try_send(job).map_err(|error| {
            StoreError::unavailable(match error {
                flume::TrySendError::Full(_) => "too many calls are waiting for the database",
                flume::TrySendError::Disconnected(_) => "the database threads have ended",
            })
        })?;
        let mut answer = std::pin::pin!(answer);
        let mut heard = tokio::time::timeout(self.patience, &mut answer).await;
        if heard.is_err() && !fate.give_up() {
            // It is being stored at this moment: to say that it failed would be a lie.
            let unknown = |_| StoreError::unavailable("the database does not say whether it has stored this");
            heard = Ok(tokio::time::timeout(self.patience, answer).await.map_err(unknown)?);
        }
        match heard {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(StoreError::unavailable("the database thread ended before it answered")),
            Err(_) => Err(StoreError::unavailable("the database did not answer in time")),
        }
    }
}

/// What becomes of a call: either its caller gives up, or its work is stored, never both.
#[derive(Clone, Default)]
struct Fate(Arc<AtomicU8>);

impl Fate {
    const OPEN: u8 = 0;
    const GIVEN_UP: u8 = 1;
    const STORED: u8 = 2;

    /// The caller waits no longer. `false` when it is too late for that.
    fn give_up(&self) -> bool {
        self.decide(Self::GIVEN_UP)
    }

    /// The work is about to be stored. `false` when nobody waits for it any more.
    fn store(&self) -> bool {
        self.decide(Self::STORED)
    }

    fn decide(&self, fate: u8) -> bool {
        self.0.compare_exchange(Self::OPEN, fate, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

struct Call<W, T> {
    purpose: Purpose,
    work: Option<W>,
    outcome: Option<Outcome<T>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    fate: Fate,
}

impl<C, W, T> Job<C> for Call<W, T>
where
    W: FnOnce(&mut C) -> Outcome<Decision<T>> + Send,
    T: Send,
{
    fn purpose(&self) -> Purpose {
        self.purpose
    }

    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, connection: &mut C) -> Result<(), Undone> {
        const LEFT: Result<(), Undone> = Err(Undone::ByItself { connection_in_doubt: false });
        let Some(work) = self.work.take() else { return Ok(()) };
        // A single statement commits by itself, a transaction after it has run.
        if self.purpose == Purpose::Statement && !self.fate.store() {
            return LEFT;
        }
        // A defect in one call must not end the thread that everybody else depends on.
        let outcome = on_behalf_of(self.purpose, || {
            catch_unwind(AssertUnwindSafe(|| work(connection))).unwrap_or(Err(Failure::Panicked))
        });
        let (outcome, settled) = match outcome {
            Ok(Decision::Keep(_)) if self.purpose == Purpose::Transaction && !self.fate.store() => return LEFT,
            Ok(Decision::Keep(value)) => (Ok(value), Ok(())),
            Ok(Decision::Undo(value)) => (Ok(value), LEFT),
            Err(failure) => {
                let connection_in_doubt = failure.connection_in_doubt();
                (Err(failure), Err(Undone::ByItself { connection_in_doubt }))
            }
        };
        self.outcome = Some(outcome);
        settled
    }

    fn answer(self: Box<Self>, settled: Result<(), Trouble>) {
        let answer = match (self.outcome, settled) {
            // What the job itself found wrong says more than the rollback that followed.
            (Some(Err(failure)), _) => Err(failure.into()),
            (_, Err(trouble)) => Err(StoreError::unavailable(trouble)),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(StoreError::unavailable("the call was never begun")),
        };
        // The caller may have gone.
        let _: Result<(), _> = self.reply.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A caller with a second's patience who wants `7` written for `purpose`.
    fn caller(purpose: Purpose) -> (tokio::task::JoinHandle<Result<u8, StoreError>>, flume::Receiver<BoxedJob<()>>) {
        let (queue, jobs) = Queue::<()>::new(1, Duration::from_secs(1));
        (tokio::spawn(async move { queue.call(purpose, |()| Ok(Decision::Keep(7))).await }), jobs)
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_stored_for_a_caller_who_was_told_that_it_took_too_long() {
        for purpose in [Purpose::Transaction, Purpose::Statement] {
            let (caller, jobs) = caller(purpose);
            let mut job = jobs.recv_async().await.expect("a job");
            assert!(caller.await.expect("no panic").is_err());
            assert!(job.run(&mut ()).is_err(), "{purpose:?} must be rolled back");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_waits_for_what_is_being_stored() {
        for purpose in [Purpose::Transaction, Purpose::Statement] {
            let (caller, jobs) = caller(purpose);
            let mut job = jobs.recv_async().await.expect("a job");
            job.run(&mut ()).expect("to be committed");
            tokio::time::sleep(Duration::from_millis(1500)).await;
            job.answer(Ok(()));
            assert_eq!(caller.await.expect("no panic").expect("stored"), 7);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whether_it_is_stored_is_said_to_be_unknown_where_it_is() {
        let (caller, jobs) = caller(Purpose::Transaction);
        let mut job = jobs.recv_async().await.expect("a job");
        job.run(&mut ()).expect("to be committed");
        let told = caller.await.expect("no panic").expect_err("nobody answers");
        assert!(format!("{told:?}").contains("does not say whether"), "{told:?}");
        drop(job);
    }
}
