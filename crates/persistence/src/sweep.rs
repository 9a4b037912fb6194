//! What a sweep removed.

/// How many rows a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Finished and expired flows, with their codes.
    pub flows: u64,
    /// Expired codes.
    pub codes: u64,
    /// Attempt counters that no longer count.
    pub attempts: u64,
    /// Messages past their retention, with their dispatches.
    pub messages: u64,
    /// Errors that nobody will ask for any more.
    pub flow_errors: u64,
    /// Sessions that ended a day ago.
    pub sessions: u64,
    /// Whether some batch was full, so that another sweep should follow at once.
    pub more: bool,
}

impl Swept {
    /// How many rows in all.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.flows + self.codes + self.attempts + self.messages + self.flow_errors + self.sessions
    }

    pub(crate) fn add(&mut self, table: &str, removed: u64, limit: u64) {
        match table {
            "flows" => self.flows += removed,
            "flow_codes" => self.codes += removed,
            "attempt_counters" => self.attempts += removed,
            "messages" => self.messages += removed,
            "flow_errors" => self.flow_errors += removed,
            _ => self.sessions += removed,
        }
        self.more |= removed >= limit;
    }
}
