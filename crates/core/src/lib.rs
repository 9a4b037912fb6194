//! Types and ports that every Orrery crate shares.
//!
//! Ids, time, entropy, secrets, pages, the storage error and the request context live here, because every
//! surface means the same thing by them.
//!
//! **Architecture invariant:** no I/O, no async runtime, no HTTP, no SQL. The two exceptions that touch the
//! operating system are [`time::SystemClock`] and [`entropy::SystemEntropy`]; everything else receives time and
//! randomness as arguments.

pub mod context;
pub mod duration;
pub mod entropy;
pub mod error;
pub mod event;
pub mod id;
pub mod jsonnet;
pub mod moving;
pub mod network;
pub mod origin;
pub mod outbound;
pub mod page;
mod purpose;
pub mod rate;
mod rfc3339;
pub mod secret;
pub mod time;

pub use context::RequestContext;
pub use duration::GoDuration;
pub use entropy::{Entropy, EntropyExt, SystemEntropy};
pub use error::StoreError;
pub use id::ProjectId;
pub use page::{Page, PageRequest};
pub use secret::{Keyring, TokenHash};
pub use time::{Clock, SystemClock, Timestamp};
