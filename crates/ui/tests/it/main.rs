//! The pages over HTTP, in front of a platform that answers with prepared JSON.

mod fixture;
mod pages;
