//! Telling a person how far a long command has come.

use std::time::{Duration, Instant};

/// So often, at most.
const EVERY: Duration = Duration::from_secs(2);

/// Says on standard error how far something has come, now and then.
pub(super) struct Progress {
    doing: &'static str,
    last: Instant,
}

impl Progress {
    /// `doing` stands in front of what is told: "exported".
    pub(super) fn new(doing: &'static str) -> Self {
        Self { doing, last: Instant::now() }
    }

    /// Tells it, unless something was told a moment ago.
    #[expect(clippy::print_stderr, reason = "for the person who waits; standard output is for results")]
    pub(super) fn tell(&mut self, so_far: impl FnOnce() -> String) {
        if self.last.elapsed() >= EVERY {
            self.last = Instant::now();
            eprintln!("{} {} …", self.doing, so_far());
        }
    }
}
