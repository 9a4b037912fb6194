//! The storage that this crate needs, one trait for each subject. Each method is one atomic step, named for what it
//! means; every one takes the project first and sees nothing of other projects.
//!
//! "Not found" is a value; a [`StoreError`](orrery_core::StoreError) means that the storage could not do its work:
//! callers answer 503 or 500, never "invalid".

mod authorization;
mod client;
mod device;
mod grant;
mod import;
mod session;
mod token;
mod trusted_issuer;

pub use authorization::{
    AuthorizationStore, AuthorizationWithClient, Begins, Begun, Finished, Granted, LoginCompleted, PushedRequest,
    SessionWrite, Stepped,
};
pub use client::{ClientFilter, ClientStore, Updated};
pub use device::{DeviceRedemption, DeviceStore, Polled, Recognised, TypedCode};
pub use grant::{GrantStore, GrantWithClient};
pub use import::{GrantImportStore, GrantImported, ImportedGrant};
pub use session::{LoginSessionStore, SessionClient, SessionEnd, SessionEnded};
pub use token::{FoundCode, FoundToken, Redeemed, Redemption, Rotated, Rotation, TokenStore};
pub use trusted_issuer::{AssertionKeys, TrustedIssuerStore};
