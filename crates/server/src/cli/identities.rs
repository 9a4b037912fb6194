//! `orrery identities`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::{Client, Format, Listing};

/// `orrery identities`.
#[derive(Debug, Args)]
pub struct Identities {
    /// The server.
    #[command(flatten)]
    pub client: Client,
    /// What to do.
    #[command(subcommand)]
    pub action: IdentitiesAction,
}

/// What to do with identities.
#[derive(Debug, Subcommand)]
pub enum IdentitiesAction {
    /// List them in the order of their ids, all or those that fit
    ///
    ///     orrery identities list
    ///     orrery identities list --identifier ada@example.org
    ///     orrery identities list --similar ada --format json | jq '.[].id'
    #[command(verbatim_doc_comment, group = ArgGroup::new("filter"))]
    List {
        /// Only whoever signs in as exactly this (for social sign-in: provider:subject)
        #[arg(long, group = "filter")]
        identifier: Option<String>,
        /// Only those who sign in as something that begins so
        #[arg(long, value_name = "PREFIX", group = "filter")]
        similar: Option<String>,
        /// Only those of this organisation
        #[arg(long, value_name = "ID", group = "filter")]
        organization: Option<String>,
        /// Show the data of credentials of this type; repeatable (password, oidc, totp, …)
        #[arg(long = "include-credential", value_name = "TYPE")]
        include: Vec<String>,
        /// How to print it.
        #[command(flatten)]
        listing: Listing,
    },
    /// Show some of them
    ///
    ///     orrery identities get 5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f --format json
    ///     orrery identities get --external customer-17
    #[command(verbatim_doc_comment)]
    Get {
        /// Their ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// The ids are your own keys (`external_id`)
        #[arg(long)]
        external: bool,
        /// Show the data of credentials of this type; repeatable (password, oidc, totp, …)
        #[arg(long = "include-credential", value_name = "TYPE")]
        include: Vec<String>,
        /// How to print them
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Change parts of one
    ///
    /// A path is a JSON Pointer into what `get --format json` shows. A value that is JSON is taken as JSON, any other
    /// as text. Sessions of an identity that becomes inactive end at once.
    ///
    ///     orrery identities patch ID --set /state=inactive
    ///     orrery identities patch ID --set /traits/name='Ada Lovelace' --remove /metadata_public
    ///     orrery identities patch ID --file changes.json       # an RFC 6902 document; - reads standard input
    #[command(verbatim_doc_comment)]
    Patch(Patch),
    /// Write all of them to a file, one on a line, with their credentials
    ///
    /// The file holds password hashes, secrets of authenticator apps and backup codes: whoever has it can sign in. It
    /// is readable for its owner alone. Sessions are not in it. `import` reads it again.
    ///
    ///     orrery identities export identities.ndjson
    ///     orrery identities export - | gpg --encrypt --recipient ops > identities.gpg
    #[command(verbatim_doc_comment)]
    Export {
        /// Where to write; - is standard output
        file: PathBuf,
        /// Leave out every credential
        #[arg(long)]
        without_credentials: bool,
    },
    /// Create identities from a file that has one on each line, as `export` writes it
    ///
    /// Each line is an identity as `get --format json` shows it, or the body of `POST /admin/identities`. Ids, ages,
    /// credentials and what is known about addresses are kept. An identity that exists already is counted and left as
    /// it is, so that an import can simply be repeated after it was interrupted. A line that cannot be used is named
    /// with its number and changes nothing else.
    ///
    ///     orrery identities import identities.ndjson
    ///     gpg --decrypt identities.gpg | orrery identities import -
    #[command(verbatim_doc_comment)]
    Import {
        /// What to read; - is standard input
        file: PathBuf,
    },
    /// Delete some of them, with their credentials and sessions
    ///
    ///     orrery identities delete 5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f
    #[command(verbatim_doc_comment)]
    Delete {
        /// Their ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
}

/// `orrery identities patch`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("changes").required(true).multiple(true))]
pub struct Patch {
    /// Which one
    pub id: String,
    /// Set the member at a path; repeatable
    #[arg(long, value_name = "PATH=VALUE", group = "changes")]
    pub set: Vec<String>,
    /// Remove the member at a path; repeatable, after every --set
    #[arg(long, value_name = "PATH", group = "changes")]
    pub remove: Vec<String>,
    /// Apply a JSON Patch document first
    #[arg(long, value_name = "FILE", group = "changes")]
    pub file: Option<PathBuf>,
    /// How to print the identity afterwards
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
