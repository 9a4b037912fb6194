//! Database threads that serve one queue together, each with a connection of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::Connection;
use diesel::connection::TransactionManager;

use crate::queue::{BoxedJob, Trouble, Undone};
use crate::statements::Purpose;

/// The first wait after a connection could not be made; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A connection that has rested this long is tried before it is used: the peer may be gone.
const RESTED: Duration = Duration::from_secs(5);

/// How to make, and how to test, a connection.
pub(crate) trait Connect<C>: Send + Sync {
    /// Opens a connection and gives it its settings.
    fn connect(&self) -> Result<C, Trouble>;
    /// Whether the connection still works.
    fn works(&self, connection: &mut C) -> bool;
    /// Readies the connection for its first write.
    fn before_first_write(&self, _: &mut C) -> Result<(), Trouble> {
        Ok(())
    }
    /// Called after every write, before anybody hears what became of it.
    fn after_write(&self, _: &mut C) {}
}

/// Starts `count` threads called `name`. They end when every sender of the queue is gone.
///
/// # Errors
/// When the operating system refuses a thread.
pub(crate) fn start<C, M>(
    name: &str,
    count: usize,
    jobs: &flume::Receiver<BoxedJob<C>>,
    maker: &Arc<M>,
) -> std::io::Result<()>
where
    C: Connection + 'static,
    M: Connect<C> + 'static,
{
    let connected = Arc::new(AtomicUsize::new(0));
    for number in 0..count {
        let mut worker = Worker {
            jobs: jobs.clone(),
            maker: Arc::clone(maker),
            connected: Arc::clone(&connected),
            connection: None,
            may_write: false,
            used: Instant::now(),
            wait: Duration::ZERO,
        };
        std::thread::Builder::new().name(format!("{name}-{number}")).spawn(move || worker.serve())?;
    }
    Ok(())
}

struct Worker<C, M> {
    jobs: flume::Receiver<BoxedJob<C>>,
    maker: Arc<M>,
    /// How many workers of this queue have a connection.
    connected: Arc<AtomicUsize>,
    connection: Option<C>,
    /// Whether the connection was readied for writing.
    may_write: bool,
    used: Instant,
    /// How long to wait after the next failure to connect.
    wait: Duration,
}

impl<C: Connection, M: Connect<C>> Worker<C, M> {
    fn serve(&mut self) {
        let mut in_hand: Option<BoxedJob<C>> = None;
        loop {
            if let Err(trouble) = self.ensure_connected() {
                if let Some(job) = in_hand.take() {
                    job.answer(Err(trouble.clone()));
                }
                match self.back_off(&trouble) {
                    Pause::Over => continue,
                    Pause::Interrupted(job) => in_hand = Some(job),
                    Pause::Closed => return,
                }
                continue;
            }
            let job = match in_hand.take() {
                Some(job) => job,
                None => match self.jobs.recv() {
                    Ok(job) => job,
                    Err(flume::RecvError::Disconnected) => return,
                },
            };
            if job.abandoned() {
                continue;
            }
            if self.used.elapsed() > RESTED && !self.still_works() {
                self.disconnect();
                in_hand = Some(job);
                continue;
            }
            self.execute(job);
            self.used = Instant::now();
        }
    }

    fn execute(&mut self, mut job: BoxedJob<C>) {
        let Some(connection) = self.connection.as_mut() else { return };
        let purpose = job.purpose();
        if purpose.writes() && !self.may_write {
            if let Err(trouble) = self.maker.before_first_write(connection) {
                if !self.still_works() {
                    self.disconnect();
                }
                return job.answer(Err(trouble));
            }
            self.may_write = true;
        }
        let done = match purpose {
            Purpose::Transaction | Purpose::Schema => connection.transaction(|connection| job.run(connection)),
            Purpose::Engine | Purpose::Read | Purpose::Statement => job.run(connection),
        };
        if purpose.writes() {
            self.maker.after_write(connection);
        }
        let (settled, in_doubt) = match done {
            Ok(()) => (Ok(()), false),
            Err(Undone::ByItself { connection_in_doubt }) => (Ok(()), connection_in_doubt),
            Err(Undone::ByDatabase(error)) => (Err(Trouble::new(&error)), true),
        };
        // Before the answer, so that the caller's next call does not meet the lost connection again.
        if in_doubt && !self.still_works() {
            self.disconnect();
        }
        job.answer(settled);
    }

    fn still_works(&mut self) -> bool {
        let Some(connection) = self.connection.as_mut() else { return false };
        !C::TransactionManager::is_broken_transaction_manager(connection) && self.maker.works(connection)
    }

    fn ensure_connected(&mut self) -> Result<(), Trouble> {
        if self.connection.is_none() {
            self.connection = Some(self.maker.connect()?);
            self.connected.fetch_add(1, Ordering::SeqCst);
            self.used = Instant::now();
            self.wait = Duration::ZERO;
        }
        Ok(())
    }

    fn disconnect(&mut self) {
        if self.connection.take().is_some() {
            self.may_write = false;
            tracing::warn!("a database connection was lost");
            self.connected.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Waits before connecting again.
    ///
    /// While no worker has a connection, jobs are answered at once instead of waiting for a recovery that may be
    /// far away. While another worker has one, jobs are left to it.
    fn back_off(&mut self, trouble: &Trouble) -> Pause<C> {
        self.wait = (self.wait * 2).clamp(FIRST_WAIT, LONGEST_WAIT);
        tracing::warn!(reason = %trouble, "cannot connect to the database");
        let end = Instant::now() + self.wait;
        while Instant::now() < end {
            if self.connected.load(Ordering::SeqCst) > 0 {
                std::thread::sleep(FIRST_WAIT);
                if self.jobs.is_disconnected() {
                    return Pause::Closed;
                }
                continue;
            }
            match self.jobs.recv_deadline(end) {
                Ok(job) if self.connected.load(Ordering::SeqCst) > 0 => return Pause::Interrupted(job),
                Ok(job) => job.answer(Err(trouble.clone())),
                Err(flume::RecvTimeoutError::Timeout) => return Pause::Over,
                Err(flume::RecvTimeoutError::Disconnected) => return Pause::Closed,
            }
        }
        Pause::Over
    }
}

enum Pause<C> {
    /// Try to connect again.
    Over,
    /// Somebody else is connected again, so this job deserves an attempt.
    Interrupted(BoxedJob<C>),
    /// No caller is left.
    Closed,
}
