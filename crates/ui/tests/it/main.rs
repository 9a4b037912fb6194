//! The pages over HTTP, in front of a platform that answers with prepared JSON.
#![expect(clippy::expect_used, reason = "helpers of tests say what they expect, too")]

mod fixture;
mod pages;
