//! `orrery oauth2`.

use clap::{Args, Subcommand};

use super::{Format, OAuth2Client, PublicServer};

/// Where `orrery oauth2 code` waits for the browser unless it is told otherwise.
pub const PORT: u16 = 4446;

/// Where the browser comes back to there.
pub const CALLBACK: &str = "/callback";

/// `orrery oauth2`.
#[derive(Debug, Args)]
pub struct OAuth2 {
    /// What to do.
    #[command(subcommand)]
    pub action: OAuth2Action,
}

/// What to do as an OAuth2 client.
#[derive(Debug, Subcommand)]
pub enum OAuth2Action {
    /// Sign in through a browser and print the tokens: the authorization code grant, with PKCE and an ID token
    ///
    /// Plays an application on this machine: waits on a loopback port, prints (and opens) the address to sign in at, is
    /// called back with a code, exchanges it, and checks the ID token against the keys that the server publishes.
    /// Made for Orrery; it asks for nothing that OpenID Connect does not have.
    ///
    /// The client must be registered with the redirect URI http://127.0.0.1:4446/callback. An Orrery accepts every port of
    /// that address; others may not.
    ///
    ///     orrery clients create --id try --token-endpoint-auth-method none --scope "openid offline" \
    ///         --grant-type authorization_code --grant-type refresh_token --redirect-uri http://127.0.0.1:4446/callback
    ///     orrery oauth2 code --client-id try
    ///     orrery oauth2 code --client-id try --prompt login --max-age 60 --format json
    ///     ORRERY_CLIENT_SECRET=… orrery oauth2 code --client-id shop --endpoint https://id.example.com/
    #[command(verbatim_doc_comment)]
    Code(Box<Code>),
}

/// `orrery oauth2 code`.
#[derive(Debug, Args)]
pub struct Code {
    /// The server. Its address is the issuer's.
    #[command(flatten)]
    pub server: PublicServer,
    /// Which client to be.
    #[command(flatten)]
    pub oauth2: OAuth2Client,
    /// What to ask for, in one text or repeated; offline brings a refresh token
    #[arg(long, default_value = "openid offline")]
    pub scope: Vec<String>,
    /// For whom access tokens shall be; repeatable
    #[arg(long)]
    pub audience: Vec<String>,
    /// Where to wait for the browser; 0 for any free port
    #[arg(long, default_value_t = PORT)]
    pub port: u16,
    /// What the person is to be asked again; repeatable (login, consent, none)
    #[arg(long)]
    pub prompt: Vec<String>,
    /// How old a sign-in may be
    #[arg(long, value_name = "SECONDS")]
    pub max_age: Option<u32>,
    /// Print the address and open no browser
    #[arg(long)]
    pub no_open: bool,
    /// How to print the tokens
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
