//! Guarding the doors: how often somebody may try to get into one account, and how often one address may ask at all.
//!
//! A door is whatever leads into one account: an identifier to sign in with, an address whose code is guessed. Its
//! failures are counted in storage, where every node sees them, under a keyed hash, so that the table names nobody.
//! Identifiers that belong to nobody are counted and locked in the same way, so that a lock tells nothing. Behind the
//! names of one account there is one more door, which is locked in silence.

mod doors;
mod known;
mod rates;

pub use doors::{Attempt, Door, Doors, Early, Entry, Moment, Pass};
pub use known::{KNOWN_FOR, Known, KnownBrowser};
pub use orrery_core::rate::TooMany;
pub use rates::{Rate, Rates};
