//! A whole server inside a test: production wiring on free ports, with a clock that stands still, seeded randomness
//! and a database of its own.
//!
//! ```no_run
//! # async fn test() {
//! use orrery_testkit::{Backend, TestServer};
//!
//! let server = TestServer::start(Backend::Sqlite).await;
//! let answer = server.api().get(server.public("/health/ready")).send().await.expect("an answer");
//! assert_eq!(answer.status(), 200);
//! # }
//! ```
//!
//! [`on_both_databases!`] runs the same test on SQLite and on PostgreSQL.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up has failed")]

mod api;
mod clients;
pub mod contract;
mod database;
pub mod psql;
mod server;

pub use api::{Api, Call};
pub use clients::Browser;
pub use database::{Backend, TestDatabase};
pub use server::{TestOptions, TestServer};

/// Runs `async fn name(backend: Backend)` of the present module as `sqlite::name` and as `postgres::name`.
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name($crate::Backend::Sqlite).await })+
        }
        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name($crate::Backend::Postgres).await })+
        }
    };
}
