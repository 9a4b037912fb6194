//! The queries, once for both databases: this folder is mounted below `postgres` and below `sqlite`, and `super`
//! names what differs.
//!
//! Sessions and clients that were read are cached. A method that changes them, or whom they belong to, needs to do nothing
//! for that: see `cache/mod.rs`.
//!
//! To add a store: declare its trait in the crate that needs it, implement it in a file here, hand it out in
//! `lib.rs`, and prove it in the conformance suite.

mod attempt;
mod authorization;
mod client;
mod code;
mod complete;
mod device;
mod event;
mod exchange;
mod flow;
mod grant;
mod grant_import;
mod identity;
mod import;
mod key;
mod login_session;
mod message;
mod new_identity;
mod recovery;
mod session;
mod settings;
mod sweep;
mod token;
mod trusted_issuer;
mod verification;

use std::sync::Arc;

use diesel::RunQueryDsl;
use orrery_core::StoreError;

use super::{Conn, SINGLE_STATEMENT, has_table};
use crate::cache::Caches;
use crate::error::Outcome;
use crate::foreign::Product;
use crate::queue::{Decision, Queue};
use crate::statements::Purpose;

/// Every storage trait, on one database.
pub(crate) struct Store {
    reads: Queue<Conn>,
    pub(super) writes: Queue<Conn>,
    caches: Arc<Caches>,
}

impl Store {
    pub(super) const fn new(reads: Queue<Conn>, writes: Queue<Conn>, caches: Arc<Caches>) -> Self {
        Self { reads, writes, caches }
    }

    /// Reads.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Outcome<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.reads.call(Purpose::Read, |connection| work(connection).map(Decision::Keep)).await
    }

    /// Writes with a single statement.
    async fn write_one<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Outcome<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writes.call(SINGLE_STATEMENT, |connection| work(connection).map(Decision::Keep)).await
    }

    /// Writes with several statements in one transaction, which an error undoes.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Outcome<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.decide(|connection| work(connection).map(Decision::Keep)).await
    }

    /// Writes in one transaction that the work may undo although nothing failed.
    async fn decide<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Outcome<Decision<T>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writes.call(Purpose::Transaction, work).await
    }

    /// Whose database this is, if it is another system's: some of their tables have names of ours.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be used.
    pub(crate) async fn other_owner(&self) -> Result<Option<Product>, StoreError> {
        self.read(|connection| Ok(Product::owner(|table| has_table(connection, table))?)).await
    }

    /// A trip to the database and back.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be used.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.read(|connection| Ok(diesel::sql_query("SELECT 1").execute(connection).map(|_| ())?)).await
    }
}

#[cfg(test)]
mod tests {
    use diesel::query_builder::QueryFragment;

    use super::super::{Db, hears_changes_of};

    /// What a query that is kept in memory reads, and that all of it tells of its changes.
    pub(super) fn tell_of_their_changes(query: &impl QueryFragment<Db>, expected: &[&str]) {
        let query = diesel::debug_query::<Db, _>(query).to_string().replace(['"', '`', '(', ')'], "");
        let words: Vec<_> = query.split_whitespace().collect();
        let tables = words.windows(2).filter(|pair| ["FROM", "JOIN"].contains(&pair[0])).map(|pair| pair[1]);
        let tables: Vec<_> = tables.collect();
        assert_eq!(tables, expected, "{query}");
        for table in tables {
            assert!(hears_changes_of(table), "{table} needs triggers: see cache/mod.rs");
        }
        assert!(!hears_changes_of("flows"));
    }
}
