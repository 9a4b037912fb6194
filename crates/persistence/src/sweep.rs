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
    /// Events past their retention, with their attempts.
    pub events: u64,
    /// Errors that nobody will ask for any more.
    pub flow_errors: u64,
    /// Sessions that ended a day ago.
    pub sessions: u64,
    /// Authorizations that nobody finished, or that were.
    pub authorizations: u64,
    /// Pushed authorization requests.
    pub pushed_requests: u64,
    /// Device codes.
    pub device_codes: u64,
    /// Authorization codes, used ones too.
    pub authorization_codes: u64,
    /// Access and refresh tokens.
    pub tokens: u64,
    /// Grants, with what is left of their tokens.
    pub grants: u64,
    /// Assertions and proofs that are too old to be presented again.
    pub assertion_ids: u64,
    /// Sign-ins at the OAuth2 server.
    pub login_sessions: u64,
    /// Issuers that were trusted until a day ago.
    pub trusted_issuers: u64,
    /// Whether some batch was full, so that another sweep should follow at once.
    pub more: bool,
}

impl Swept {
    /// How many rows in all.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.flows
            + self.codes
            + self.attempts
            + self.messages
            + self.events
            + self.flow_errors
            + self.sessions
            + self.authorizations
            + self.pushed_requests
            + self.device_codes
            + self.authorization_codes
            + self.tokens
            + self.grants
            + self.assertion_ids
            + self.login_sessions
            + self.trusted_issuers
    }
}
