//! Self-service flows, as the three kinds of clients drive them and as attackers do. Every JSON answer is judged by
//! the contract.

mod client;
mod login;
mod login_attacks;
mod recovery;
mod recovery_attacks;
mod recovery_handed_over;
mod registration;
mod registration_attacks;
mod settings;
mod verified_changes;
mod world;
