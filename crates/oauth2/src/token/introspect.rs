//! Introspection (RFC 7662): what a resource server may know of a token.

use orrery_core::{ProjectId, Timestamp};
use orrery_keys::config::ID_TOKEN_SET;
use orrery_keys::{SigningAlgorithm, TokenToSign};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::TokenKind;
use super::lookup::{self, LiveToken};
use crate::client::{Client, SubjectType};
use crate::config::Config;
use crate::error::OAuth2Error;
use crate::grant::Grant;
use crate::service::OAuth2Service;
use crate::{scope, subject};

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
    /// The same as its client knows it, where that differs: for administrators.
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

/// Who asks about a token.
#[derive(Debug, Clone, Copy)]
pub enum Asker<'a> {
    /// An administrator, who learns everything of every token.
    Administrator,
    /// A client that proved who it is. It learns of its own tokens and of access tokens whose `aud` names it, and knows
    /// people by the `sub` that it knows them by anyway (RFC 7662 section 4, RFC 9701 section 5).
    Client(&'a Client),
}

/// Looks at a token. One that lacks any of the `required` scopes is not active, and neither is one that is none of the
/// asker's business.
///
/// # Errors
/// Only when it could not be looked at: an outage is not "inactive".
pub async fn introspect(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    asker: Asker<'_>,
    text: &str,
    required: &[String],
) -> Result<Introspection, OAuth2Error> {
    let config = service.config.load_full();
    let found = lookup::find(service, project, now, text).await?;
    let covers =
        |live: &LiveToken| required.iter().all(|asked| scope::allows(config.scope_strategy, &live.token.scope, asked));
    let Some(live) = found.filter(covers) else { return Ok(Introspection::default()) };
    match asker {
        Asker::Administrator => {
            // A token that was exchanged comes of another client's grant, whose name for the person is not for this one.
            let own = live.grant.as_ref().filter(|grant| grant.client == live.token.client);
            let obfuscated = own.map(Grant::told_subject).filter(|subject| *subject != live.token.subject);
            let obfuscated_subject = obfuscated.map(str::to_owned);
            let sub = Some(live.token.subject.clone());
            Ok(Introspection { sub, obfuscated_subject, ..describe(&config.issuer, live) })
        }
        Asker::Client(client) if config.open_introspection || concerns(&live, client) => {
            let sub = subject_for(service, project, &config, client, &live).await?;
            Ok(Introspection { sub, ..describe(&config.issuer, live) })
        }
        Asker::Client(_) => Ok(Introspection::default()),
    }
}

/// Whether a token is the client's own, or was made for it. Nobody hands a refresh token to a resource server.
fn concerns(live: &LiveToken, client: &Client) -> bool {
    let named = || live.token.audience.iter().any(|name| name == client.id.as_str());
    live.token.client == client.id || (live.token.kind == TokenKind::Access && named())
}

/// `sub` as the client knows it; none where it cannot be told who somebody is.
async fn subject_for(
    service: &OAuth2Service,
    project: ProjectId,
    config: &Config,
    client: &Client,
    live: &LiveToken,
) -> Result<Option<String>, OAuth2Error> {
    let token = &live.token;
    if token.client == client.id {
        return Ok(subject::known_to(config, client, live.grant.as_ref(), &token.subject).ok());
    }
    if token.subject == token.client.as_str() || client.subject_type == SubjectType::Public {
        return Ok(Some(token.subject.clone()));
    }
    Ok(subject::last_known_to(service, project, client, &token.subject).await?)
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
    let algorithm = client.introspection_signed_response_alg.as_deref().and_then(SigningAlgorithm::parse);
    let token = TokenToSign { set: ID_TOKEN_SET, algorithm, typ: "token-introspection+jwt", claims: &claims };
    Ok(service.keys.sign_jwt(project, now, token).await?)
}

/// What there is to say but whom it speaks for.
fn describe(issuer: &str, live: LiveToken) -> Introspection {
    let LiveToken { token, id, .. } = live;
    let (token_type, token_use) = match token.kind {
        TokenKind::Access => (if token.jkt.is_some() { "DPoP" } else { "Bearer" }, "access_token"),
        TokenKind::Refresh => ("Bearer", "refresh_token"),
    };
    Introspection {
        active: true,
        scope: token.scope.join(" "),
        client_id: Some(token.client.to_string()),
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
        sub: None,
        obfuscated_subject: None,
    }
}
