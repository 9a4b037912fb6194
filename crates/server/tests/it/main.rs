//! HTTP tests, one folder per surface.
#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests say what they expect, too")]

mod keys;
