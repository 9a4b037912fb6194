//! Devices that wait for approval.

use std::time::Duration;

use async_trait::async_trait;
use orrery_core::id::GrantId;
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};

use crate::client::{Client, ClientId};
use crate::device::DeviceCode;
use crate::grant::Grant;
use crate::store::{Granted, Redeemed, Stepped};
use crate::token::StoredToken;

/// What a device hears when it asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Polled {
    /// Nobody has decided yet.
    Waiting,
    /// Nobody has decided yet, and it asked too soon: from now on it has to wait longer.
    TooSoon,
    /// Somebody said no.
    Denied,
    /// Its codes have expired.
    Expired,
    /// Somebody said yes, to this. It can be taken once.
    Approved(Box<Grant>),
    /// There is no such device.
    Unknown,
}

/// Somebody types a user code. Wrong ones are counted, so that codes cannot be guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedCode {
    /// The keyed hashes that the code may have.
    pub hashes: Vec<TokenHash>,
    /// Keyed hash of the network that it comes from.
    pub network: TokenHash,
    /// The miss after which the network has to wait.
    pub misses: u32,
    /// How long it waits, and in how long so many misses have to fall.
    pub wait: Duration,
    /// The present moment.
    pub now: Timestamp,
}

/// What comes of a user code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recognised {
    /// This device shows it, and somebody can still decide about it.
    Device(Box<DeviceCode>),
    /// None does. That was counted.
    Unknown,
    /// Too many wrong ones came from this network: nobody looked.
    TooManyMisses {
        /// When it may go on.
        until: Timestamp,
    },
}

/// The tokens that an approved device takes.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceRedemption {
    /// The device.
    pub code: TokenHash,
    /// The client that runs on it.
    pub client: ClientId,
    /// What was granted.
    pub grant: GrantId,
    /// What is stored of the tokens.
    pub tokens: Vec<StoredToken>,
    /// The family is needed at least so long.
    pub grant_until: Timestamp,
    /// The present moment.
    pub now: Timestamp,
}

/// Devices.
#[async_trait]
pub trait DeviceStore: Send + Sync {
    /// Stores a device. `Conflict::Other` when its user code is taken.
    async fn device_create(&self, project: ProjectId, code: &DeviceCode) -> Result<(), StoreError>;

    /// A device of the client asks, by any of the hashes that its code may have. Asking before it may lengthens its
    /// interval by five seconds (RFC 8628 section 3.5).
    async fn device_poll(
        &self,
        project: ProjectId,
        hashes: &[TokenHash],
        client: &ClientId,
        now: Timestamp,
    ) -> Result<(Polled, Option<TokenHash>), StoreError>;

    /// Looks a typed code up, or counts it as a miss: one step, so that guessing in parallel gains nothing.
    async fn device_recognise(&self, project: ProjectId, typed: &TypedCode) -> Result<Recognised, StoreError>;

    /// The device that shows a code, with its client, while somebody can still decide about it.
    async fn device_by_user_code(
        &self,
        project: ProjectId,
        hashes: &[TokenHash],
        now: Timestamp,
    ) -> Result<Option<(DeviceCode, Client)>, StoreError>;

    /// Somebody decides: with what they granted yes, without it no. `TooLate` when somebody has before, or the codes have
    /// expired.
    async fn device_decide(
        &self,
        project: ProjectId,
        code: TokenHash,
        granted: Option<&Granted>,
        now: Timestamp,
    ) -> Result<Stepped, StoreError>;

    /// The approved device takes its tokens, once.
    async fn device_redeem(&self, project: ProjectId, redemption: &DeviceRedemption) -> Result<Redeemed, StoreError>;
}
