//! Outgoing messages: composed before a transaction, queued inside it, delivered afterwards.
//!
//! A use case of another crate asks the composer for a [`message::NewMessage`] and stores it in the same
//! transaction as its cause. The worker of any node claims what is due, hands it to a transport and records the
//! attempt. A message is delivered at least once; a lease keeps two nodes from sending the same message, and a
//! stable Message-ID makes the rare duplicate recognisable.
//!
//! **Architecture invariant:** composing is pure (time, entropy and keys are arguments), the store is dumb, and
//! every rule about retries is a pure function. This crate reads no file and no environment; contents of templates
//! and certificates are handed in.

pub mod call;
pub mod compose;
pub mod config;
pub mod deliver;
pub mod event;
mod gotmpl;
pub mod http;
pub mod inbox;
pub mod message;
pub mod store;
