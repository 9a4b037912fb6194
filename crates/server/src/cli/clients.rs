//! `orrery clients`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Client, Format, Listing};

/// `orrery clients`.
#[derive(Debug, Args)]
pub struct Clients {
    /// The server.
    #[command(flatten)]
    pub client: Client,
    /// What to do.
    #[command(subcommand)]
    pub action: ClientsAction,
}

/// What to do with OAuth2 clients.
#[derive(Debug, Subcommand)]
pub enum ClientsAction {
    /// Register one; its secret is shown this once
    ///
    ///     orrery clients create --name Shop --redirect-uri https://shop.example.com/callback --scope "openid profile"
    ///     orrery clients create --name Robot --grant-type client_credentials --scope orders.read
    ///     orrery clients create --file client.json
    #[command(verbatim_doc_comment)]
    Create {
        /// Its id; made by the server when not given
        #[arg(long)]
        id: Option<String>,
        /// Everything else.
        #[command(flatten)]
        members: Box<ClientMembers>,
        /// Members as JSON; flags win over it; - reads standard input
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show some of them
    ///
    ///     orrery clients get shop --format json
    #[command(verbatim_doc_comment)]
    Get {
        /// Their ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// How to print them
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// List them in the order of their ids, all or those that fit
    ///
    ///     orrery clients list --owner ada
    #[command(verbatim_doc_comment)]
    List {
        /// Only those of this name
        #[arg(long)]
        name: Option<String>,
        /// Only those of this owner
        #[arg(long)]
        owner: Option<String>,
        /// How to print it.
        #[command(flatten)]
        listing: Listing,
    },
    /// Change what the flags name; everything else stays
    ///
    ///     orrery clients update shop --redirect-uri https://shop.example.com/cb --redirect-uri https://beta.example.com/cb
    ///     orrery clients update shop --file client.json      # replaces everything
    #[command(verbatim_doc_comment)]
    Update {
        /// Which one
        id: String,
        /// What changes.
        #[command(flatten)]
        members: Box<ClientMembers>,
        /// Replace everything with these members, as JSON; flags win over it; - reads standard input
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// How to print it afterwards
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Delete some of them, with their tokens, codes and grants
    ///
    ///     orrery clients delete shop
    #[command(verbatim_doc_comment)]
    Delete {
        /// Their ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
}

/// What can be said about a client.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Client")]
pub struct ClientMembers {
    /// What people are shown
    #[arg(long)]
    pub name: Option<String>,
    /// A secret of your own; the server makes a better one
    #[arg(long)]
    pub secret: Option<String>,
    /// What it may do; repeatable (authorization_code, refresh_token, client_credentials, …)
    #[arg(long, value_name = "GRANT")]
    pub grant_type: Vec<String>,
    /// What it may ask for; repeatable (code, "code id_token", …)
    #[arg(long, value_name = "TYPE")]
    pub response_type: Vec<String>,
    /// Scopes that it may ask for, in one text or repeated
    #[arg(long)]
    pub scope: Vec<String>,
    /// Audiences that it may ask for; repeatable
    #[arg(long)]
    pub audience: Vec<String>,
    /// Where answers may go; repeatable
    #[arg(long, value_name = "URL")]
    pub redirect_uri: Vec<String>,
    /// Where a browser may go after a logout; repeatable
    #[arg(long, value_name = "URL")]
    pub post_logout_callback: Vec<String>,
    /// Origins whose pages may call the token endpoint; repeatable
    #[arg(long, value_name = "ORIGIN")]
    pub allowed_cors_origin: Vec<String>,
    /// How it proves who it is (client_secret_basic, client_secret_post, private_key_jwt, none, …)
    #[arg(long, value_name = "METHOD")]
    pub token_endpoint_auth_method: Option<String>,
    /// Its public keys
    #[arg(long, value_name = "URL")]
    pub jwks_uri: Option<String>,
    /// Where its request objects may be fetched; repeatable
    #[arg(long, value_name = "URL")]
    pub request_uri: Vec<String>,
    /// How its request objects are signed
    #[arg(long, value_name = "ALG")]
    pub request_object_signing_alg: Option<String>,
    /// The document that names its sector
    #[arg(long, value_name = "URL")]
    pub sector_identifier_uri: Option<String>,
    /// What it learns as `sub` (public or pairwise)
    #[arg(long, value_name = "TYPE")]
    pub subject_type: Option<String>,
    /// Where people read how their data is used
    #[arg(long, value_name = "URL")]
    pub policy_uri: Option<String>,
    /// Terms of service
    #[arg(long, value_name = "URL")]
    pub tos_uri: Option<String>,
    /// Its home page
    #[arg(long, value_name = "URL")]
    pub client_uri: Option<String>,
    /// Its logo
    #[arg(long, value_name = "URL")]
    pub logo_uri: Option<String>,
    /// Whom to ask about it; repeatable
    #[arg(long, value_name = "ADDRESS")]
    pub contact: Vec<String>,
    /// Free text for lists
    #[arg(long)]
    pub owner: Option<String>,
    /// Whatever you keep with it, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub metadata: Option<String>,
    /// Ask nobody for consent
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub skip_consent: Option<bool>,
    /// Ask nobody to confirm a logout
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub skip_logout_consent: Option<bool>,
    /// What its access tokens look like (opaque, jwt or stateless_jwt)
    #[arg(long, value_name = "STRATEGY")]
    pub access_token_strategy: Option<String>,
    /// Where the server tells it of a logout
    #[arg(long, value_name = "URL")]
    pub backchannel_logout_callback: Option<String>,
    /// With the session's id
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub backchannel_logout_session_required: Option<bool>,
    /// Where a browser tells it of a logout
    #[arg(long, value_name = "URL")]
    pub frontchannel_logout_callback: Option<String>,
    /// With the session's id
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub frontchannel_logout_session_required: Option<bool>,
}
