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
    /// Kratos' database is only read, and Kratos may go on running meanwhile. Everybody keeps id, password, second
    /// factors, sessions of apps and verified addresses. Repeat it as often as you like: what was copied and has not
    /// changed since is passed over, what is newer there is brought up to date, what was changed here stays. So copy once
    /// while Kratos serves, and once more right before the switch. Browsers sign in again, because their cookies are sealed
    /// under Kratos' secrets.
    ///
    /// --config names the Orrery to copy to. The schemas of the identities must be configured there under the same ids.
    /// With --kratos-config, tokens of social sign-in providers are opened, too.
    ///
    ///     orrery import kratos --from postgres://kratos@db/kratos --config orrery.yml
    ///     orrery import kratos --from 'sqlite:///var/lib/kratos/db.sqlite?_fk=true' --config orrery.yml --kratos-config kratos.yml
    #[command(verbatim_doc_comment)]
    Kratos(ImportKratos),
}

/// `orrery import kratos`.
#[derive(Debug, Args)]
pub struct ImportKratos {
    /// Kratos' `dsn`. Other users of this machine see arguments: where it holds a password, prefer the variable
    #[arg(long, env = "ORRERY_KRATOS_DSN", value_name = "DSN", hide_env_values = true)]
    pub from: SecretString,
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
