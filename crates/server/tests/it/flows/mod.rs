//! Self-service flows, as the three kinds of clients drive them and as attackers do. Every JSON answer is judged by
//! the contract.

mod breached;
mod client;
mod code_attacks;
mod code_login;
mod code_registration;
mod code_world;
pub(crate) mod hooks;
mod http_channels;
mod login;
mod login_attacks;
mod phone_numbers;
mod recovery;
mod recovery_attacks;
mod recovery_handed_over;
mod registration;
mod registration_attacks;
mod second_factor;
mod settings;
mod timing;
mod token_exchange;
mod tokenized;
mod verified_changes;
mod world;
