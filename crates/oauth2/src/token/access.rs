//! Issuing access tokens: opaque ones, JWTs that are stored so that they can be revoked, and JWTs that are not.

use std::time::Duration;

use orrery_core::secret::Purpose;
use orrery_core::{ProjectId, Timestamp, TokenHash};
use serde_json::{Map, Value};

use super::{OpaqueKind, StoredToken, TokenKind, jwt, opaque};
use crate::client::{AccessTokenStrategy, Client};
use crate::error::OAuth2Error;
use crate::grant::Grant;
use crate::service::OAuth2Service;

/// What an access token is to say.
#[derive(Debug, Clone)]
pub struct AccessRequest<'a> {
    /// Whom it is for.
    pub client: &'a Client,
    /// Whom it speaks for. A JWT says that as the client knows them.
    pub subject: &'a str,
    /// What it comes of: the family that it belongs to.
    pub grant: Option<&'a Grant>,
    /// The refresh token beside it.
    pub parent: Option<TokenHash>,
    /// The token that it was exchanged for (RFC 8693), and with which it ends.
    pub derived_from: Option<TokenHash>,
    /// Granted scopes.
    pub scope: &'a [String],
    /// Granted audiences.
    pub audience: &'a [String],
    /// Added claims.
    pub claims: Map<String, Value>,
    /// Who acts for the subject.
    pub actor: Option<Value>,
    /// The key that it is bound to.
    pub jkt: Option<String>,
    /// How long it lives.
    pub lifespan: Duration,
}

/// An access token that was made and may have to be stored.
#[derive(Clone)]
pub struct IssuedAccess {
    /// What the client gets.
    pub value: String,
    /// What is stored: nothing of a stateless one.
    pub stored: Option<StoredToken>,
    /// When it ends.
    pub expires_at: Timestamp,
}

// Holds a bearer secret.
impl std::fmt::Debug for IssuedAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IssuedAccess(…, {})", self.expires_at)
    }
}

/// Makes an access token, as the client or the configuration wants it.
///
/// # Errors
/// When no key can sign; `invalid_request` for a JWT where the client cannot be told who somebody is.
pub async fn issue(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    request: AccessRequest<'_>,
) -> Result<IssuedAccess, OAuth2Error> {
    let strategy = request.client.access_token_strategy.unwrap_or(service.config.load().access_token_strategy);
    let expires_at = now + request.lifespan;
    let (value, stored_by) = match strategy {
        AccessTokenStrategy::Opaque => {
            let value = opaque(OpaqueKind::Access, &*service.entropy);
            (value.clone(), Some(value))
        }
        AccessTokenStrategy::Jwt => {
            let (value, jti) = jwt::sign(service, project, now, &request, false).await?;
            (value, Some(jti))
        }
        AccessTokenStrategy::StatelessJwt => (jwt::sign(service, project, now, &request, true).await?.0, None),
    };
    let stored = stored_by.map(|key| StoredToken {
        hash: service.keyring.hash(Purpose::AccessToken, &key),
        kind: TokenKind::Access,
        grant: request.grant.map(|grant| grant.id),
        parent: request.parent,
        derived_from: request.derived_from,
        client: request.client.id.clone(),
        subject: request.subject.to_owned(),
        scope: request.scope.to_vec(),
        audience: request.audience.to_vec(),
        claims: request.claims,
        actor: request.actor,
        jkt: request.jkt,
        issued_at: now,
        expires_at: Some(expires_at),
    });
    Ok(IssuedAccess { value, stored, expires_at })
}
