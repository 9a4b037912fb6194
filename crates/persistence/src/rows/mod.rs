//! Rows and what they mean: from and to the types of the crates that own them. Shared by both backends.

pub(crate) mod authorization;
pub(crate) mod client;
pub(crate) mod device;
pub(crate) mod event;
pub(crate) mod flow;
pub(crate) mod grant;
pub(crate) mod identity;
pub(crate) mod key;
pub(crate) mod message;
pub(crate) mod session;
pub(crate) mod token;
pub(crate) mod trusted_issuer;
