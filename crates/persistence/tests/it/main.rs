//! The conformance suite: every store method on both databases, and what the engine promises.
//!
//! Tests of PostgreSQL have `postgres` in their names and need `ORRERY_TEST_POSTGRES`; see `stage.rs`.

#![expect(clippy::expect_used, clippy::panic, reason = "tests say what they expect; helpers of tests too")]

mod attempt;
mod authorization;
mod budget;
mod client;
mod code;
mod device;
mod durability;
mod event;
mod flow;
mod grant;
mod grant_import;
mod identity;
mod key;
mod kratos;
mod login;
mod message;
mod oauth2_sample;
mod outage;
mod queue;
mod recovery;
mod registration;
mod sample;
mod schema;
mod session;
mod session_cache;
mod session_end;
mod settings;
mod stage;
mod sweep;
mod token;
mod told;
mod trusted_issuer;
mod verification;
mod wire;
