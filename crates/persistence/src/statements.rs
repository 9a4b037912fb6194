//! Counting statements, and telling of slow and failed ones without their values.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{DebugQuery, Instrumentation, InstrumentationEvent};

/// A statement slower than this is logged.
const SLOW: Duration = Duration::from_millis(250);

/// How many statements have been sent since the start. Transaction control is not counted, nor is what the
/// engine asks on its own behalf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statements {
    /// Statements of calls that only read.
    pub reads: u64,
    /// Statements of calls that write.
    pub writes: u64,
    /// Commits of those. SQLite commits several calls at once.
    pub commits: u64,
}

impl std::ops::Sub for Statements {
    type Output = Self;

    /// What was sent between two readings.
    fn sub(self, earlier: Self) -> Self {
        Self {
            reads: self.reads - earlier.reads,
            writes: self.writes - earlier.writes,
            commits: self.commits - earlier.commits,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    reads: AtomicU64,
    writes: AtomicU64,
    commits: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self) -> Statements {
        Statements {
            reads: self.reads.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
        }
    }
}

/// On whose behalf the present thread talks to its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The engine itself: settings, pings.
    Engine,
    /// A call that only reads.
    Read,
    /// A call that writes one statement, which commits by itself.
    Statement,
    /// A call that writes in a transaction.
    Transaction,
    /// A call that changes tables, in a transaction.
    Schema,
}

impl Purpose {
    /// Whether it may change what is stored.
    pub(crate) const fn writes(self) -> bool {
        match self {
            Self::Engine | Self::Read => false,
            Self::Statement | Self::Transaction | Self::Schema => true,
        }
    }
}

thread_local! {
    static PURPOSE: Cell<Purpose> = const { Cell::new(Purpose::Engine) };
}

/// Counts what `work` sends under `purpose`.
pub(crate) fn on_behalf_of<T>(purpose: Purpose, work: impl FnOnce() -> T) -> T {
    let before = PURPOSE.replace(purpose);
    let result = work();
    PURPOSE.set(before);
    result
}

/// Listens to one connection.
pub(crate) struct Meter {
    counters: Arc<Counters>,
    started: Option<Instant>,
    control: bool,
}

impl Meter {
    pub(crate) const fn new(counters: Arc<Counters>) -> Self {
        Self { counters, started: None, control: false }
    }

    fn count(&self) {
        let counters = &*self.counters;
        match PURPOSE.get() {
            Purpose::Engine => return,
            Purpose::Read => &counters.reads,
            Purpose::Statement => {
                counters.commits.fetch_add(1, Ordering::Relaxed);
                &counters.writes
            }
            Purpose::Transaction | Purpose::Schema => &counters.writes,
        }
        .fetch_add(1, Ordering::Relaxed);
    }
}

impl Instrumentation for Meter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        // Whoever opens connections logs them; those events are none of ours.
        if let InstrumentationEvent::StartQuery { .. } = event {
            self.started = Some(Instant::now());
        } else if let InstrumentationEvent::FinishQuery { query, error, .. } = event {
            let took = self.started.take().map(|started| started.elapsed()).unwrap_or_default();
            if !std::mem::take(&mut self.control) {
                self.count();
            }
            if let Some(error) = error {
                tracing::debug!(statement = without_values(query), %error, "statement failed");
            } else if took > SLOW {
                let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(statement = without_values(query), milliseconds, "slow statement");
            }
        } else if let InstrumentationEvent::CommitTransaction { depth, .. } = event {
            self.control = true;
            if depth.get() == 1 {
                self.counters.commits.fetch_add(1, Ordering::Relaxed);
            }
        } else if let InstrumentationEvent::BeginTransaction { .. } | InstrumentationEvent::RollbackTransaction { .. } =
            event
        {
            self.control = true;
        }
    }
}

/// The statement's text. Diesel appends the bound values, which may be secrets.
fn without_values(query: &dyn DebugQuery) -> String {
    let mut text = query.to_string();
    if let Some(end) = text.find(" -- binds:") {
        text.truncate(end);
    }
    text
}
