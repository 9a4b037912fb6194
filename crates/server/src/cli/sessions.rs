//! `orrery sessions`.

use clap::{Args, Subcommand};

use super::{Client, Format, Listing};

/// `orrery sessions`.
#[derive(Debug, Args)]
pub struct Sessions {
    /// The server.
    #[command(flatten)]
    pub client: Client,
    /// What to do.
    #[command(subcommand)]
    pub action: SessionsAction,
}

/// What to do with sessions.
#[derive(Debug, Subcommand)]
pub enum SessionsAction {
    /// List them, newest first
    ///
    ///     orrery sessions list --active true
    ///     orrery sessions list --identity 5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f
    #[command(verbatim_doc_comment)]
    List {
        /// Only those of this identity
        #[arg(long, value_name = "ID")]
        identity: Option<String>,
        /// Only active ones, or only those that are not
        #[arg(long, value_name = "true|false")]
        active: Option<bool>,
        /// How to print it.
        #[command(flatten)]
        listing: Listing,
    },
    /// Show some of them
    Get {
        /// Their ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// How to print them
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// End some of them, all of one identity, or everybody's
    ///
    ///     orrery sessions revoke 0d1b4c2a-9e6f-4a8b-9c0d-1e2f5f8c4a3e
    ///     orrery sessions revoke --identity 5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f
    ///     orrery sessions revoke --everybody
    #[command(verbatim_doc_comment)]
    Revoke {
        /// Their ids
        #[arg(required_unless_present_any = ["identity", "everybody"], conflicts_with = "identity", value_name = "ID")]
        ids: Vec<String>,
        /// Delete every session of this identity
        #[arg(long, value_name = "ID")]
        identity: Option<String>,
        /// End every session of everybody, as after a theft: all of them have to sign in again
        #[arg(long, conflicts_with_all = ["ids", "identity"])]
        everybody: bool,
    },
    /// Move the end of some of them to a whole lifespan from now, as far as `session.earliest_possible_extend` allows
    Extend {
        /// Their ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// How to print them afterwards
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}
