//! What every command says that is a client of a running server.

use clap::{Args, ValueEnum};
use secrecy::SecretString;
use url::Url;

/// The server to talk to.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub struct Client {
    /// Where its admin listener is
    #[arg(long, env = "ORRERY_ADMIN_URL", value_name = "URL", default_value = "http://127.0.0.1:4434/", global = true)]
    pub endpoint: Url,
    /// One of its `admin.tokens`, when it has any. Other users of this machine see arguments: prefer the variable
    #[arg(long, env = "ORRERY_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true, global = true)]
    pub token: Option<SecretString>,
}

/// The server whose public listener to talk to.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub struct PublicServer {
    /// Where its public listener is
    #[arg(long, env = "ORRERY_PUBLIC_URL", value_name = "URL", default_value = "http://127.0.0.1:4433/")]
    pub endpoint: Url,
}

/// The OAuth2 client to be.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "OAuth2 client")]
pub struct OAuth2Client {
    /// Its id
    #[arg(long, env = "ORRERY_CLIENT_ID", value_name = "ID")]
    pub client_id: String,
    /// Its secret, unless it is a public client. Other users of this machine see arguments: prefer the variable
    #[arg(long, env = "ORRERY_CLIENT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub client_secret: Option<SecretString>,
    /// Where it sends the secret: what `token_endpoint_auth_method` says
    #[arg(long, value_enum, value_name = "PLACE", default_value_t)]
    pub client_auth: SecretPlace,
}

/// Where a client sends its secret (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum SecretPlace {
    /// In the `Authorization` header: client_secret_basic
    #[default]
    Basic,
    /// In the body: client_secret_post
    Post,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Aligned columns with the most important members
    #[default]
    Table,
    /// JSON with everything that the server says
    Json,
}

/// How a list is printed.
#[derive(Debug, Clone, Args)]
pub struct Listing {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Stop after this many rows
    #[arg(long, value_name = "ROWS")]
    pub limit: Option<usize>,
}
