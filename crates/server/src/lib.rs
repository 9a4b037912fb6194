//! The Orrery server: configuration, wiring, listeners and commands.
//!
//! `config/` reads, `wiring/` makes the parts, `listeners/` serves them, `commands/` is the command line. A test starts
//! the same server in its own process: [`run::Server::start`].
//!
//! **Architecture invariant:** the only crate that reads files and the environment, and the only place where surfaces
//! meet. No rule of a surface stands here.

mod admin;
pub mod cli;
mod commands;
pub mod config;
mod demo;
mod health;
pub mod jsonnet;
mod listeners;
mod local;
mod metrics;
mod outbound;
mod reload;
pub mod run;
mod telemetry;
pub mod wiring;
mod workers;

pub use commands::run as run_command;
pub use listeners::Addresses;
