//! The configuration: files, then the environment, then typed sections.
//!
//! Each file of this folder is one section. Only here, and in [`crate::commands`], files and the environment are
//! read; domain crates receive plain settings (see [`crate::wiring`]).

mod check;
mod ciphers;
pub mod database;
pub mod dev;
mod document;
mod hydra;
pub mod identity;
mod idle;
pub mod keys;
mod kratos;
mod load;
mod locate;
pub mod oauth2;
pub mod operations;
mod problem;
pub mod serve;
#[cfg(test)]
mod tests;
mod translate;
mod tree;
mod typed;
pub mod value;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::ciphers::{provider_ciphers, system_secrets};
pub use self::document::{generated, schema};
pub use self::load::{Loaded, Mode, Sources, load};
pub use self::problem::{Problem, Problems};

/// Everything that can be configured.
// Large sections are on the heap: futures that start a server hold the whole of it, several times over, and a thread's
// stack may be two MiB.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the server listens on.
    pub serve: Box<serve::Serve>,
    /// Where everything is kept.
    pub database: database::Database,
    /// The secrets from which every key is derived.
    pub secrets: operations::Secrets,
    /// What is written to standard error.
    pub log: operations::Log,
    /// OpenTelemetry traces.
    pub tracing: operations::Tracing,
    /// Access to the admin listener.
    pub admin: operations::Admin,
    /// Bounds for what one address or account may do.
    pub limits: operations::Limits,
    /// Calls to other servers.
    pub outbound: operations::Outbound,
    /// Calls that are owed to other servers.
    pub outbox: operations::Outbox,
    /// Identities, flows, sessions and messages.
    pub identity: Box<identity::Identity>,
    /// OAuth2 clients, tokens and OpenID Connect.
    pub oauth2: Box<oauth2::OAuth2>,
    /// The life of signing keys.
    pub keys: keys::Keys,
    /// The built-in pages.
    pub ui: operations::Ui,
}
