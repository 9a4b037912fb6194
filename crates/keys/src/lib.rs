//! JSON Web Key sets: storage, rotation, signing, verification.

pub mod store;
