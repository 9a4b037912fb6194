//! What operators meet: health, access, listeners, reload, shutdown, the command line and the log.

mod access;
mod admin_commands;
mod client_commands;
mod command;
mod edge;
mod health;
mod hydra_config;
mod hydra_import;
mod importing;
mod kratos_import;
mod listeners;
mod log;
mod moving_identities;
mod oauth2_command;
mod process;
mod reload;
mod schemas;
mod shutdown;
mod token_commands;
mod traces;
