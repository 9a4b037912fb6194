//! `orrery import`.

use clap::{Args, Subcommand};
use secrecy::SecretString;
use uuid::Uuid;

use super::{Format, Source};

/// `orrery import`.
#[derive(Debug, Args)]
pub struct Import {
    /// From what.
    #[command(subcommand)]
    pub from: ImportFrom,
}

/// Systems whose database can be copied.
#[derive(Debug, Subcommand)]
pub enum ImportFrom {
    /// Copy an Ory Kratos: identities, credentials, addresses, sessions and the history of messages
    ///
    /// Kratos' database is only read, and Kratos may go on running meanwhile. Everybody keeps id, password, sessions of apps
    /// and verified addresses. Authenticator apps, backup codes and security keys are kept, too, but no login asks for them
    /// yet: whoever has one signs in with the first factor alone. How many accounts that concerns is told at the end.
    ///
    /// Repeat it as often as you like: what was copied and has not changed since is passed over, what is newer there is
    /// brought up to date, what was changed here stays. So copy once while Kratos serves, and once more right before the
    /// switch. Browsers sign in again, because their cookies are sealed under Kratos' secrets.
    ///
    /// --config names the Orrery to copy to. The schemas of the identities must be configured there under the same ids.
    /// With --kratos-config, tokens of social sign-in providers are opened, too.
    ///
    ///     orrery import kratos --from postgres://kratos@db/kratos --config orrery.yml
    ///     orrery import kratos --from 'sqlite:///var/lib/kratos/db.sqlite?_fk=true' --config orrery.yml --kratos-config kratos.yml
    #[command(verbatim_doc_comment)]
    Kratos(ImportKratos),
    /// Copy an Ory Hydra: clients with their secrets, keys, trusted issuers, remembered consents and live refresh tokens
    ///
    /// Hydra's database is only read, and Hydra may go on running meanwhile. Clients keep ids and secrets, applications their
    /// refresh tokens, people what they consented to. Repeat it as often as you like: what was copied and has not changed
    /// since is passed over, and a refresh token or consent that was copied and is gone there is taken back here. So copy
    /// once while Hydra serves, and once more right after it was stopped. Access tokens of Hydra end with it; who has a
    /// refresh token fetches a new one.
    ///
    /// --config names the Orrery to copy to. --hydra-config names Hydra's configuration, whose secrets.system opens keys and
    /// refresh tokens. Hydra's secrets must stay at the end of secrets.default for as long as its refresh tokens shall work.
    ///
    ///     orrery import hydra --from postgres://hydra@db/hydra --config orrery.yml --hydra-config hydra.yml
    #[command(verbatim_doc_comment)]
    Hydra(ImportHydra),
}

/// `orrery import kratos`.
#[derive(Debug, Args)]
pub struct ImportKratos {
    /// Kratos' `dsn`. Other users of this machine see arguments: where it holds a password, prefer the variable
    #[arg(long, env = "ORRERY_KRATOS_DSN", value_name = "DSN", hide_env_values = true)]
    pub from: SecretString,
    /// What both importers take.
    #[command(flatten)]
    pub copy: Copy,
}

/// `orrery import hydra`.
#[derive(Debug, Args)]
pub struct ImportHydra {
    /// Hydra's `dsn`. Other users of this machine see arguments: where it holds a password, prefer the variable
    #[arg(long, env = "ORRERY_HYDRA_DSN", value_name = "DSN", hide_env_values = true)]
    pub from: SecretString,
    /// What both importers take.
    #[command(flatten)]
    pub copy: Copy,
}

/// What every importer takes.
#[derive(Debug, Args)]
pub struct Copy {
    /// Which network (tenant), where there are several
    #[arg(long, value_name = "ID")]
    pub network: Option<Uuid>,
    /// How to print what became of every table
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub source: Source,
}
