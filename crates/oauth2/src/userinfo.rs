//! Userinfo (OpenID Connect Core section 5.3): who signed in, for whoever holds an access token of theirs.

use orrery_core::{EntropyExt as _, ProjectId, Timestamp};
use orrery_keys::config::ID_TOKEN_SET;
use orrery_keys::{Claims, SigningAlgorithm, TokenToSign};
use serde_json::json;

use crate::error::{ErrorCode, OAuth2Error};
use crate::scope;
use crate::service::OAuth2Service;
use crate::token::id_token;
use crate::token::lookup::LiveToken;

/// What is answered.
#[derive(Debug)]
pub enum Userinfo {
    /// The claims as they are.
    Plain(Claims),
    /// The same as a JWT, because the client registered `userinfo_signed_response_alg`.
    Signed(String),
}

/// The claims about the person behind an access token that is good.
///
/// # Errors
/// `insufficient_scope` when it was not granted `openid`.
pub async fn userinfo(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    live: LiveToken,
) -> Result<Userinfo, OAuth2Error> {
    let LiveToken { token, client, grant, .. } = live;
    let grant = grant.filter(|_| scope::is_openid(&token.scope)).ok_or_else(|| {
        OAuth2Error::new(ErrorCode::InsufficientScope, "The access token was not granted the scope 'openid'.")
    })?;
    let mut claims = id_token::about(&service.config.load(), &client, &grant, &grant.session.of_userinfo());
    claims.insert("iat".to_owned(), json!(token.issued_at.as_seconds()));
    let algorithm = client.userinfo_signed_response_alg.as_deref().and_then(SigningAlgorithm::parse);
    let Some(algorithm) = algorithm else { return Ok(Userinfo::Plain(claims)) };
    claims.insert("iat".to_owned(), json!(now.as_seconds()));
    claims.insert("jti".to_owned(), json!(service.entropy.uuid()));
    let token = TokenToSign { set: ID_TOKEN_SET, algorithm: Some(algorithm), typ: "JWT", claims: &claims };
    Ok(Userinfo::Signed(service.keys.sign_jwt(project, now, token).await?))
}
