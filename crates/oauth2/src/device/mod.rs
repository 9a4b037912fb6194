//! Devices that have no browser of their own (RFC 8628): they show a short code, and somebody approves it elsewhere.

pub mod authorize;
mod challenge;
pub mod user_code;
pub mod verify;

pub use challenge::DeviceChallenge;

use orrery_core::id::GrantId;
use orrery_core::{Timestamp, TokenHash};
use serde::{Deserialize, Serialize};

use crate::client::ClientId;

/// How far a device has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// Nobody has decided yet.
    Waiting,
    /// Somebody said yes: the device gets its tokens when it asks next.
    Approved,
    /// Somebody said no.
    Denied,
}

/// A device that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCode {
    /// Keyed hash of the code that the device asks with.
    pub hash: TokenHash,
    /// Keyed hash of the code that somebody types.
    pub user_code: TokenHash,
    /// The client that runs on it.
    pub client: ClientId,
    /// How far it has come.
    pub state: DeviceState,
    /// What it asks for.
    pub scope: Vec<String>,
    /// Whom the tokens are for.
    pub audience: Vec<String>,
    /// What it was granted.
    pub grant: Option<GrantId>,
    /// Asking before that moment is too soon.
    pub poll_after: Timestamp,
    /// Seconds between two questions: more for a device that asked too soon.
    pub poll_interval: i32,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When both codes stop working.
    pub expires_at: Timestamp,
}
