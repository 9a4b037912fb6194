//! Behaviour over HTTP, one folder per surface; `operations` is what operators meet.
#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests say what they expect, too")]

mod access;
mod attacks;
mod authorize;
mod contract;
mod flows;
mod identities;
mod jsonnet;
mod keys;
mod known_browsers;
mod limits;
mod logout;
mod oauth2;
mod operations;
mod outage;
mod sessions;
mod stage;
mod verification;
