//! `orrery token`.

use clap::{Args, Subcommand};

use super::{Client, Format, OAuth2Client, PublicServer};

/// `orrery token`.
#[derive(Debug, Args)]
pub struct Token {
    /// What to do.
    #[command(subcommand)]
    pub action: TokenAction,
}

/// What to do with a token.
#[derive(Debug, Subcommand)]
pub enum TokenAction {
    /// Say whether an access or refresh token is good, and for what (RFC 7662)
    ///
    /// Asks the admin listener, so that no client has to prove who it is.
    ///
    ///     orrery token introspect ory_at_…
    ///     orrery token introspect - --scope orders.read --format json < token.txt
    #[command(verbatim_doc_comment)]
    Introspect(Introspect),
    /// Revoke an access or refresh token, with every other token of the same sign-in (RFC 7009)
    ///
    /// Asks the public listener as the client that the token was issued to. A token that is unknown, over, or another
    /// client's is left alone, and the server says so to nobody: look with `orrery token introspect`.
    ///
    ///     orrery token revoke ory_rt_… --client-id app
    ///     ORRERY_CLIENT_SECRET=… orrery token revoke ory_at_… --client-id shop
    #[command(verbatim_doc_comment)]
    Revoke(Revoke),
}

/// `orrery token introspect`.
#[derive(Debug, Args)]
pub struct Introspect {
    /// The server.
    #[command(flatten)]
    pub client: Client,
    /// The token; - reads standard input, which other users of this machine do not see
    #[arg(value_name = "TOKEN")]
    pub value: String,
    /// Good only with these scopes, in one text or repeated
    #[arg(long)]
    pub scope: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `orrery token revoke`.
#[derive(Debug, Args)]
pub struct Revoke {
    /// The server.
    #[command(flatten)]
    pub server: PublicServer,
    /// Whose token it is.
    #[command(flatten)]
    pub oauth2: OAuth2Client,
    /// The token; - reads standard input, which other users of this machine do not see
    #[arg(value_name = "TOKEN")]
    pub value: String,
    /// How to print what was done
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
