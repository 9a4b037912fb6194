//! Introspection (RFC 7662): what a resource server may know of a token.

use orrery_core::{ProjectId, Timestamp};
use orrery_keys::TokenToSign;
use orrery_keys::config::ID_TOKEN_SET;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::lookup::{self, LiveToken};
use super::{TokenKind, id_token};
use crate::client::Client;
use crate::error::OAuth2Error;
use crate::scope;
use crate::service::OAuth2Service;

/// Schema `introspectedOAuth2Token`. Of a token that is not good there is nothing to say.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Introspection {
    /// Whether it is good.
    pub active: bool,
    /// Granted scopes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Whom it was issued to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Whom it speaks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The same as the client knows it, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obfuscated_subject: Option<String>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// When it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// From when on it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Granted audiences; always a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<Vec<String>>,
    /// The issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// `jti` of a JWT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// How it is to be used: `Bearer`, or `DPoP` (RFC 9449 section 6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    /// What it is good for: `access_token` or `refresh_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_use: Option<&'static str>,
    /// Who acts for the subject (RFC 8693 section 4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Value>,
    /// The key that it is bound to (RFC 7800).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Value>,
    /// Added claims.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub ext: Map<String, Value>,
}

/// Looks at a token. One that lacks any of the `required` scopes is not active.
///
/// # Errors
/// Only when it could not be looked at: an outage is not "inactive".
pub async fn introspect(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    text: &str,
    required: &[String],
) -> Result<Introspection, OAuth2Error> {
    let config = service.config.load();
    let found = lookup::find(service, project, now, text).await?;
    let covers =
        |live: &LiveToken| required.iter().all(|asked| scope::allows(config.scope_strategy, &live.token.scope, asked));
    Ok(found.filter(covers).map_or_else(Introspection::default, |live| describe(&config.issuer, live)))
}

/// What was found, as a JWT for the client that asked (RFC 9701 section 5).
///
/// # Errors
/// When it cannot be signed.
pub async fn signed(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    client: &Client,
    found: &Introspection,
) -> Result<String, OAuth2Error> {
    let claims = json!({
        "iss": service.config.load().issuer,
        "aud": client.id,
        "iat": now.as_seconds(),
        "token_introspection": found,
    });
    let Value::Object(claims) = claims else { return Err(OAuth2Error::internal("claims are an object")) };
    let token = TokenToSign { set: ID_TOKEN_SET, algorithm: None, typ: "token-introspection+jwt", claims: &claims };
    Ok(service.keys.sign_jwt(project, now, token).await?)
}

fn describe(issuer: &str, live: LiveToken) -> Introspection {
    let LiveToken { token, id, grant, .. } = live;
    // A token that was exchanged comes of another client's grant, whose name for the person is not for this one.
    let own = grant.as_ref().filter(|grant| grant.client == token.client);
    let subject = own.map(id_token::subject).filter(|subject| *subject != token.subject);
    let (token_type, token_use) = match token.kind {
        TokenKind::Access => (if token.jkt.is_some() { "DPoP" } else { "Bearer" }, "access_token"),
        TokenKind::Refresh => ("Bearer", "refresh_token"),
    };
    Introspection {
        active: true,
        scope: token.scope.join(" "),
        client_id: Some(token.client.to_string()),
        obfuscated_subject: subject.map(str::to_owned),
        exp: token.expires_at.map(Timestamp::as_seconds),
        iat: Some(token.issued_at.as_seconds()),
        nbf: Some(token.issued_at.as_seconds()),
        aud: Some(token.audience),
        iss: Some(issuer.to_owned()),
        jti: id,
        token_type: Some(token_type),
        token_use: Some(token_use),
        act: token.actor,
        cnf: token.jkt.map(|jkt| json!({ "jkt": jkt })),
        ext: token.claims,
        sub: Some(token.subject),
    }
}
