//! What each command does.

mod client;
mod clients;
mod config;
mod identities;
mod import;
mod input;
mod migrate;
mod oauth2;
mod progress;
mod routes;
mod serve;
mod sessions;
mod source;
mod token;

use std::io::{self, Write as _};

use clap::CommandFactory as _;

use crate::cli::{Cli, Command};
use crate::jsonnet;

/// Runs a command to its end.
///
/// # Errors
/// What the user has to know, in words.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(arguments) => block_on(serve::serve(arguments)),
        Command::Migrate(arguments) => block_on(migrate::migrate(arguments.action)),
        Command::Identities(arguments) => block_on(identities::identities(arguments)),
        Command::Sessions(arguments) => block_on(sessions::sessions(arguments)),
        Command::Clients(arguments) => block_on(clients::clients(arguments)),
        Command::OAuth2(arguments) => block_on(oauth2::oauth2(arguments)),
        Command::Token(arguments) => block_on(token::token(arguments)),
        Command::Import(arguments) => block_on(import::import(arguments)),
        Command::Routes { json } => routes::routes(json),
        Command::Config(arguments) => config::config(arguments.action),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "orrery", &mut io::stdout());
            Ok(())
        }
        Command::Jsonnet => jsonnet::serve(),
        Command::Version => say(env!("CARGO_PKG_VERSION")),
    }
}

fn block_on(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}

/// One text to standard output. A reader that has gone away (`| head`) is no error.
fn say(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => Err(why.into()),
        Err(_) | Ok(()) => Ok(()),
    }
}
