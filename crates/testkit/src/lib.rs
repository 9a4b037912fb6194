//! A whole server inside a test.

pub mod contract;
