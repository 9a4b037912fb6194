//! JSON Web Key sets: storage, rotation, signing, verification.
//!
//! Other crates use [`KeyManager`]: [`KeyManager::sign_jwt`], [`KeyManager::verify_jwt`] and
//! [`KeyManager::public_jwks`]. Keys rest sealed in a [`store::KeyStore`]; the schedule
//! ([`KeyManager::maintain`]) publishes a new key before it signs and keeps an old one until the last token that it
//! signed has expired.
//!
//! - A new algorithm: [`algorithm`], and its scheme in [`sign`].
//! - A rule of the schedule: `rotation`, which is pure; its effects are in `manager/maintain.rs`.
//! - A member of a JSON Web Key: [`jwk`].
//!
//! **Architecture invariant:** the key decides the algorithm, never the token; private members leave the crate only
//! through the admin API; actix appears in `http` alone; nothing here knows SQL.

pub mod algorithm;
pub mod config;
pub mod error;
mod fixed;
pub mod foreign;
pub mod http;
pub mod jwk;
mod jwt;
mod manager;
mod rotation;
pub mod sign;
pub mod store;

pub use algorithm::SigningAlgorithm;
pub use config::KeysConfig;
pub use error::KeyError;
pub use fixed::{FixedKey, UnusableSet};
pub use jwt::{Claims, MAX_TOKEN};
pub use manager::{KeyManager, Lifetime, Maintenance, NewKey, PublicJwks, TokenToSign, VerifiedToken, VerifyError};
