//! The courier from the outside: the worker with real transports, and the HTTP API.

#![expect(clippy::expect_used, reason = "tests say what they expect; helpers of tests too")]

mod api;
mod http_body;
mod http_channel;
mod lease;
mod programs;
mod queue;
mod smtp;
mod smtp_server;
mod smtp_tls;
mod stage;
