//! Lifetimes, forms and rules of tokens.

use orrery_core::GoDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{hours, minutes};
use crate::config::value::{DurationText, Secret, SecretUrl, seconds};

/// Lifetimes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ttl {
    /// How long somebody may take to sign in, to consent and to log out.
    #[schemars(with = "DurationText")]
    pub login_consent_request: GoDuration,
    /// A remembered sign-in; at most 180 days.
    #[schemars(with = "DurationText")]
    pub authentication_session: GoDuration,
    /// Access tokens.
    #[schemars(with = "DurationText")]
    pub access_token: GoDuration,
    /// Refresh tokens, each from its own issue on; `-1` for ever.
    pub refresh_token: RefreshLifetime,
    /// ID tokens.
    #[schemars(with = "DurationText")]
    pub id_token: GoDuration,
    /// Authorization codes.
    #[schemars(with = "DurationText")]
    pub auth_code: GoDuration,
    /// Device and user codes.
    #[schemars(with = "DurationText")]
    pub device_user_code: GoDuration,
    /// Pushed authorization requests (RFC 9126).
    #[schemars(with = "DurationText")]
    pub pushed_request: GoDuration,
    /// Nonces for the proof of a key at `/credentials`: handed out so long, and good for as long again.
    #[schemars(with = "DurationText")]
    pub vc_nonce: GoDuration,
}

impl Default for Ttl {
    fn default() -> Self {
        Self {
            login_consent_request: minutes(30),
            authentication_session: hours(720),
            access_token: hours(1),
            refresh_token: RefreshLifetime(Some(hours(720))),
            id_token: hours(1),
            auth_code: minutes(10),
            device_user_code: minutes(10),
            pushed_request: seconds(90),
            vc_nonce: hours(1),
        }
    }
}

/// A duration, or `-1` for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshLifetime(pub Option<GoDuration>);

impl Serialize for RefreshLifetime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(duration) => duration.serialize(serializer),
            None => serializer.serialize_str("-1"),
        }
    }
}

impl<'de> Deserialize<'de> for RefreshLifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a duration such as 720h, or -1")]
        enum Written {
            Number(i64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(-1) => Ok(Self(None)),
            Written::Text(text) if text == "-1" => Ok(Self(None)),
            Written::Text(text) => text.parse().map(|duration| Self(Some(duration))).map_err(de::Error::custom),
            Written::Number(_) => Err(de::Error::custom("expected a duration such as 720h, or -1")),
        }
    }
}

impl JsonSchema for RefreshLifetime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RefreshLifetime".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "description": "A duration such as `720h`, or -1 for ever." })
    }
}

/// How scopes are matched and what access tokens look like.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Strategies {
    /// How a requested scope is compared with a client's.
    pub scope: ScopeMatching,
    /// What access tokens look like unless a client says otherwise.
    pub access_token: TokenStrategy,
    /// JWT access tokens.
    pub jwt: JwtStrategy,
}

/// JWT access tokens.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JwtStrategy {
    /// Which claims carry the scopes: `list` for `scp`, `string` for `scope` (RFC 9068).
    pub scope_claim: ScopeClaim,
}

/// How a requested scope is compared with a client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScopeMatching {
    /// `*` stands for one dotted segment, at the end for one or more.
    #[default]
    Wildcard,
    /// Equal.
    Exact,
}

/// What access tokens look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenStrategy {
    /// Random, looked up.
    #[default]
    Opaque,
    /// A JWT (RFC 9068), looked up as well, so that it can be revoked.
    Jwt,
    /// A JWT that is stored nowhere: short-lived, cannot be revoked.
    StatelessJwt,
}

/// Which claims of a JWT access token carry its scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScopeClaim {
    /// Both of them.
    #[default]
    Both,
    /// `scp`, a list.
    List,
    /// `scope`, words in one text.
    String,
}

/// Who must use PKCE (RFC 7636).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pkce {
    /// Every client.
    pub enforced: bool,
    /// Public clients (RFC 9700 section 2.1.1).
    pub enforced_for_public_clients: bool,
}

impl Default for Pkce {
    fn default() -> Self {
        Self { enforced: false, enforced_for_public_clients: true }
    }
}

/// Refresh tokens and assertions.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Grant {
    /// Refresh tokens.
    pub refresh_token: RefreshTokens,
    /// Assertions as grants (RFC 7523).
    pub jwt: Assertions,
}

/// Refresh tokens.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RefreshTokens {
    /// A client that presents a used token again within this time gets the same successor; at most `5m`.
    #[schemars(with = "DurationText")]
    pub rotation_grace_period: GoDuration,
    /// Hydra: how often that may happen. Here it is always the same successor.
    pub rotation_grace_reuse_count: Option<u32>,
    /// How long after the first one of a family the last one ends; for ever when unset.
    #[schemars(with = "Option<DurationText>")]
    pub max_lifetime: Option<GoDuration>,
}

impl Default for RefreshTokens {
    fn default() -> Self {
        Self { rotation_grace_period: seconds(10), rotation_grace_reuse_count: None, max_lifetime: None }
    }
}

/// Assertions as grants (RFC 7523).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Assertions {
    /// `jti` may be missing.
    pub jti_optional: bool,
    /// `iat` may be missing.
    pub iat_optional: bool,
    /// Longest time from `iat` to `exp`.
    #[schemars(with = "DurationText")]
    pub max_ttl: GoDuration,
    /// Hydra: keep the assertion's `aud` out of the token. Here it never gets there.
    pub omit_assertion_audience: bool,
}

impl Default for Assertions {
    fn default() -> Self {
        Self { jti_optional: false, iat_optional: false, max_ttl: hours(720), omit_assertion_audience: true }
    }
}

/// The client credentials grant.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClientCredentials {
    /// A request without scopes gets all of the client's.
    pub default_grant_allowed_scope: bool,
}

/// Approving devices (RFC 8628).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceAuthorization {
    /// How long a device waits between two questions.
    #[schemars(with = "DurationText")]
    pub token_polling_interval: GoDuration,
    /// Codes that people type.
    pub user_code: UserCode,
}

impl Default for DeviceAuthorization {
    fn default() -> Self {
        Self { token_polling_interval: seconds(5), user_code: UserCode::default() }
    }
}

/// Codes that people type.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UserCode {
    /// `high`, `medium` or `low`.
    pub entropy_preset: EntropyPreset,
    /// Characters of a code, at least 6; with `character_set`, instead of a preset.
    pub length: Option<u8>,
    /// Which characters, at least 8 different ones.
    pub character_set: Option<String>,
}

/// How hard a user code is to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntropyPreset {
    /// Eight letters and digits that are not mistaken for each other.
    #[default]
    High,
    /// Eight capital letters.
    Medium,
    /// Nine digits.
    Low,
}

/// A web hook of the token endpoint: its URL, or its URL and an API key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a URL, or `url` and `auth`")]
pub enum TokenHook {
    /// The URL alone.
    Url(SecretUrl),
    /// With an API key.
    WithKey(HookUrl),
}

/// A web hook and its API key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HookUrl {
    /// Where it is.
    pub url: SecretUrl,
    /// How the server shows who it is.
    #[serde(default)]
    pub auth: Option<HookAuth>,
}

/// How the server shows a web hook who it is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "config", rename_all = "snake_case", deny_unknown_fields)]
pub enum HookAuth {
    /// An API key.
    ApiKey {
        /// Where it stands.
        #[serde(rename = "in")]
        place: ApiKeyPlace,
        /// Name of the header or cookie.
        name: String,
        /// Its value.
        value: Secret,
    },
}

/// Where an API key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApiKeyPlace {
    /// A header.
    Header,
    /// A cookie.
    Cookie,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_may_live_for_ever() {
        for written in ["-1", "\"-1\""] {
            assert_eq!(serde_json::from_str::<RefreshLifetime>(written).ok(), Some(RefreshLifetime(None)), "{written}");
        }
        let hour = serde_json::from_str::<RefreshLifetime>("\"1h\"").ok();
        assert_eq!(hour, Some(RefreshLifetime(Some(hours(1)))));
        assert!(serde_json::from_str::<RefreshLifetime>("5").is_err());
    }

    #[test]
    fn a_hook_is_an_address_alone_or_with_a_key() {
        assert!(matches!(serde_json::from_str("\"https://x.example/\""), Ok(TokenHook::Url(_))));
        let with =
            r#"{"url":"https://x.example","auth":{"type":"api_key","config":{"in":"header","name":"X","value":"y"}}}"#;
        assert!(matches!(serde_json::from_str(with), Ok(TokenHook::WithKey(HookUrl { auth: Some(_), .. }))));
        assert!(serde_json::from_str::<TokenHook>(r#"{"url":"https://x.example","surprise":1}"#).is_err());
    }
}
