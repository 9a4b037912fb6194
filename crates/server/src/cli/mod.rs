//! The command line.

mod client;
mod clients;
mod identities;
mod import;
mod oauth2;
mod sessions;
mod token;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use client::{Client, Format, Listing, OAuth2Client, PublicServer, SecretPlace};
pub use clients::{ClientMembers, Clients, ClientsAction};
pub use identities::{Identities, IdentitiesAction, Patch};
pub use import::{Copy, Import, ImportFrom, ImportHydra, ImportKratos};
pub use oauth2::{CALLBACK, Code, OAuth2, OAuth2Action, PORT};
pub use sessions::{Sessions, SessionsAction};
pub use token::{Introspect, Revoke, Token, TokenAction};

/// One identity platform: accounts, sign-in, sessions, keys and messages.
///
/// Try it without any configuration, then open the address that it prints:
///
///     orrery serve all --dev
///
/// Run it for real:
///
///     orrery config check --config orrery.yml
///     orrery migrate up --config orrery.yml
///     orrery serve all --config orrery.yml
#[derive(Debug, Parser)]
#[command(name = "orrery", version, verbatim_doc_comment, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve requests until stopped
    ///
    /// SIGTERM and Ctrl-C stop it gracefully: readiness answers 503, requests in flight are answered, workers finish.
    /// SIGHUP, or a change of a configuration file, reads the configuration again; an invalid one is refused and the
    /// old one stays.
    ///
    ///     orrery serve all --dev
    ///     orrery serve all --config orrery.yml
    ///     orrery serve all --kratos-config kratos.yml --config orrery.yml
    ///     orrery serve all --hydra-config hydra.yml
    ///     ORRERY__SERVE__PUBLIC__PORT=8080 orrery serve identity --config orrery.yml
    #[command(verbatim_doc_comment)]
    Serve(Serve),
    /// Change or show the schema of the database
    ///
    ///     orrery migrate status --config orrery.yml
    ///     orrery migrate up --config orrery.yml
    #[command(verbatim_doc_comment)]
    Migrate(Migrate),
    /// Work with the accounts of a running server
    ///
    ///     orrery identities list --similar ada
    ///     orrery identities get 5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f --format json
    ///     orrery identities patch 5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f --set /state=inactive
    #[command(verbatim_doc_comment)]
    Identities(Identities),
    /// Work with the sessions of a running server
    ///
    ///     orrery sessions list --active true
    ///     orrery sessions revoke --identity 5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f
    #[command(verbatim_doc_comment)]
    Sessions(Sessions),
    /// Work with the OAuth2 clients of a running server
    ///
    ///     orrery clients create --name Shop --redirect-uri https://shop.example.com/callback
    ///     orrery clients list --owner ada
    #[command(verbatim_doc_comment)]
    Clients(Clients),
    /// Be an OAuth2 client, to try things out
    ///
    ///     orrery oauth2 code --client-id try
    #[command(name = "oauth2", verbatim_doc_comment)]
    OAuth2(OAuth2),
    /// Look at or revoke a token of a running server
    ///
    ///     orrery token introspect ory_at_…
    ///     orrery token revoke ory_rt_… --client-id shop
    #[command(verbatim_doc_comment)]
    Token(Token),
    /// Copy accounts, clients and grants from another system
    ///
    ///     orrery import kratos --from postgres://kratos@db/kratos --config orrery.yml
    ///     orrery import hydra --from postgres://hydra@db/hydra --config orrery.yml --hydra-config hydra.yml
    #[command(verbatim_doc_comment)]
    Import(Import),
    /// List every route: listener, method, path, surface and operation of the contract
    Routes {
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Judge or show the configuration
    ///
    ///     orrery config check --config orrery.yml
    ///     orrery config check --kratos-config kratos.yml
    ///     orrery config print --dev
    ///     orrery config schema > orrery.schema.json
    #[command(verbatim_doc_comment)]
    Config(Config),
    /// Print a completion script for a shell
    ///
    ///     orrery completions bash > /etc/bash_completion.d/orrery
    #[command(verbatim_doc_comment)]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the version
    Version,
    /// Run Jsonnet programs from standard input, within limits: how the server has them run
    #[command(hide = true)]
    Jsonnet,
}

/// Where the configuration comes from.
#[derive(Debug, Clone, Args)]
pub struct Source {
    /// A YAML, TOML or JSON file; repeatable, later ones win, and ORRERY__SECTION__KEY wins over all
    #[arg(long = "config", short = 'c', value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A Kratos configuration as it is; what has no meaning here is listed as a warning
    #[arg(long, value_name = "FILE")]
    pub kratos_config: Option<PathBuf>,
    /// A Hydra configuration as it is; where a Kratos configuration names the same key, that one wins
    #[arg(long, value_name = "FILE")]
    pub hydra_config: Option<PathBuf>,
    /// Need no configuration: SQLite and a generated secret under ./data, mail to the inbox page, all on 127.0.0.1
    #[arg(long)]
    pub dev: bool,
}

/// `orrery serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Which surfaces
    #[arg(value_enum)]
    pub surfaces: Surfaces,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub source: Source,
    /// Bring the schema of the database up to date first; on by default for SQLite
    #[arg(long)]
    pub migrate: bool,
}

/// Which surfaces to serve.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Surfaces {
    /// Everything
    All,
    /// Identities, sessions, self-service flows and their pages; keys
    Identity,
    /// OAuth2 and OpenID Connect; keys. Clients hear of logouts from whoever serves `courier`
    Oauth2,
    /// Delivery of messages, and of events such as web hooks and logouts
    Courier,
}

/// `orrery migrate`.
#[derive(Debug, Args)]
pub struct Migrate {
    /// What to do.
    #[command(subcommand)]
    pub action: MigrateAction,
}

/// What to do with the schema.
#[derive(Debug, Subcommand)]
pub enum MigrateAction {
    /// Apply what is missing
    Up {
        /// Where the configuration comes from.
        #[command(flatten)]
        source: Source,
    },
    /// Take back the newest migrations, with all data in what they made
    Down {
        /// Where the configuration comes from.
        #[command(flatten)]
        source: Source,
        /// How many
        #[arg(long, default_value_t = 1)]
        steps: usize,
        /// Yes, lose that data
        #[arg(long)]
        yes: bool,
    },
    /// Show every migration and whether the database has it
    Status {
        /// Where the configuration comes from.
        #[command(flatten)]
        source: Source,
    },
}

/// `orrery config`.
#[derive(Debug, Args)]
pub struct Config {
    /// What to do.
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Say everything that is wrong with it, or that nothing is
    Check {
        /// Where the configuration comes from.
        #[command(flatten)]
        source: Source,
    },
    /// Print all values in effect as JSON (which is YAML too), without secrets
    Print {
        /// Where the configuration comes from.
        #[command(flatten)]
        source: Source,
    },
    /// Print the JSON Schema of a configuration file
    Schema,
}
