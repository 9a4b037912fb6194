//! Passwords: which are acceptable, how they are stored and how they are checked.
//!
//! Hashing is slow on purpose, so it never runs on an async thread: [`PasswordHasher`] owns a few threads of its own
//! behind a bounded queue. A stored hash says by itself how it was made ([`PasswordHash`]); whatever differs from the
//! configured algorithm is replaced at the next successful sign-in.

mod argon2;
mod bcrypt;
mod breached;
mod foreign;
mod hash;
mod notation;
mod policy;
mod pool;

pub use breached::{BreachedList, Breaches};
pub use hash::{InvalidHash, PasswordHash};
pub use policy::{PolicyViolation, check};
pub use pool::{Overloaded, PasswordHasher};
