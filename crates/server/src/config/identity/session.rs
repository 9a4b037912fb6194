//! `identity.session` and `identity.cookies`.

use std::collections::BTreeMap;

use orrery_core::GoDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::value::{DurationText, seconds};

/// Sessions and their cookie.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// How long a session lasts.
    #[schemars(with = "DurationText")]
    pub lifespan: GoDuration,
    /// How close to its end a session may be extended; at any time when unset.
    #[schemars(with = "Option<DurationText>")]
    pub earliest_possible_extend: Option<GoDuration>,
    /// The session cookie.
    pub cookie: SessionCookie,
    /// `GET /sessions/whoami`.
    pub whoami: Whoami,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            lifespan: seconds(24 * 3600),
            earliest_possible_extend: None,
            cookie: SessionCookie::default(),
            whoami: Whoami::default(),
        }
    }
}

/// The session cookie. What is unset follows `identity.cookies`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionCookie {
    /// Its name.
    pub name: String,
    /// `Domain`, so that subdomains receive it too.
    pub domain: Option<String>,
    /// `Path`.
    pub path: Option<String>,
    /// `SameSite`.
    pub same_site: Option<SameSite>,
    /// `Secure`.
    pub secure: Option<bool>,
    /// Keep it when the browser is closed.
    pub persistent: bool,
}

impl Default for SessionCookie {
    fn default() -> Self {
        Self {
            name: "ory_kratos_session".to_owned(),
            domain: None,
            path: None,
            same_site: None,
            secure: None,
            persistent: true,
        }
    }
}

/// `GET /sessions/whoami`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Whoami {
    /// The level that a session needs.
    pub required_aal: RequiredAal,
    /// Sessions as JSON Web Tokens.
    pub tokenizer: Tokenizer,
}

/// A level of assurance that a session needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequiredAal {
    /// One factor.
    Aal1,
    /// Two factors where the identity has set up two.
    #[default]
    HighestAvailable,
}

/// Sessions as JSON Web Tokens.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tokenizer {
    /// Templates by name, for `?tokenize_as=<name>`.
    pub templates: BTreeMap<String, TokenizerTemplate>,
}

/// How a session becomes a JSON Web Token.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenizerTemplate {
    /// How long the token is valid.
    #[serde(default = "one_minute")]
    #[schemars(with = "DurationText")]
    pub ttl: GoDuration,
    /// Jsonnet document that adds claims.
    pub claims_mapper_url: Option<String>,
    /// The key set that signs.
    pub jwks_url: String,
    /// What becomes `sub`.
    #[serde(default)]
    pub subject_source: SubjectSource,
}

fn one_minute() -> GoDuration {
    seconds(60)
}

/// What becomes `sub`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectSource {
    /// The identity's id.
    #[default]
    Id,
    /// The identity's external id.
    ExternalId,
}

/// Defaults of all cookies.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cookies {
    /// `Domain`, so that subdomains receive them too.
    pub domain: Option<String>,
    /// `Path`.
    pub path: String,
    /// `SameSite`.
    pub same_site: SameSite,
    /// `Secure`. On unless the base URL is `http` on loopback when unset.
    pub secure: Option<bool>,
}

impl Default for Cookies {
    fn default() -> Self {
        Self { domain: None, path: "/".to_owned(), same_site: SameSite::Lax, secure: None }
    }
}

/// When a browser sends a cookie along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SameSite {
    /// Only within the site.
    Strict,
    /// Within the site and when a link is followed.
    Lax,
    /// Always; needs `Secure`.
    None,
}
