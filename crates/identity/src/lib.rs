//! Identities, credentials, sessions and self-service flows: the contract of Ory Kratos, both client generations.
//!
//! Rooms: `identity/`, `schema/`, `credentials/` and `session/` are the things that last; `flow/` is what all
//! self-service flows share; `login/`, `registration/`, `settings/`, `recovery/`, `verification/` and `logout/` hold one
//! flow each (start, submit, complete, one file per method); `kratos/` reads the rows of a Kratos; `http/` is the edge.
//!
//! To add a method to a flow: a file in the flow's folder that says *who* and *how* and writes nothing; nodes in the
//! flow's `render.rs`; its numbered messages are in `flow/catalogue.rs`.
//!
//! **Architecture invariant:** a use case reads, decides, and hands one plain value to one store method, which commits
//! it in one transaction. Hashing, mail and webhooks never happen inside that transaction. Only `http/` knows actix.

pub mod config;
pub mod credentials;
pub mod flow;
pub mod hooks;
pub mod http;
pub mod identity;
pub mod kratos;
pub mod limits;
pub mod login;
pub mod logout;
pub mod recovery;
pub mod registration;
pub mod schema;
pub mod service;
pub mod session;
pub mod settings;
pub mod store;
pub mod verification;

#[cfg(test)]
mod test_values;

pub use config::Config;
pub use service::IdentityService;
