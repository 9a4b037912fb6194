//! Finding what a presented token stands for, whatever it looks like.

use orrery_core::secret::Purpose;
use orrery_core::{ProjectId, Timestamp, TokenHash};
use orrery_keys::config::ACCESS_TOKEN_SET;
use orrery_keys::{Claims, Lifetime, VerifyError};
use serde_json::Value;

use super::{RefreshToken, StoredToken, TokenKind, jwt};
use crate::client::{Client, ClientId};
use crate::error::OAuth2Error;
use crate::grant::Grant;
use crate::service::OAuth2Service;

/// A token that is good at this moment.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveToken {
    /// What it says.
    pub token: StoredToken,
    /// `jti` of a JWT.
    pub id: Option<String>,
    /// Whom it was issued to.
    pub client: Client,
    /// What it comes of.
    pub grant: Option<Grant>,
    /// Whether it rests in storage, so that it can be revoked.
    pub stored: bool,
}

/// The token, if it is good: known, not over, not revoked, and its client and whoever granted it still there.
///
/// # Errors
/// Only when it could not be looked at.
pub async fn find(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    text: &str,
) -> Result<Option<LiveToken>, OAuth2Error> {
    if let Some(token) = service.refresh_token(text) {
        return refresh(service, project, now, &token).await;
    }
    if text.starts_with("ey") && text.contains('.') {
        return signed(service, project, now, text).await;
    }
    let hashes: Vec<_> = service.keyring.candidates(Purpose::AccessToken, text).collect();
    by_hash(service, project, now, &hashes, None).await
}

/// The present token of its family, or the one before it for as long as that may be presented again.
async fn refresh(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    token: &RefreshToken,
) -> Result<Option<LiveToken>, OAuth2Error> {
    let Some(found) = service.tokens.refresh_token_of(project, token.grant).await? else { return Ok(None) };
    let window = service.config.load().refresh.retry_window;
    let present = token.is(&found.token.hash, &service.keyring);
    let just_replaced = found.token.parent.is_some_and(|parent| token.is(&parent, &service.keyring))
        && now.since(found.token.issued_at) < window;
    if !(present || just_replaced) || found.token.has_ended(now) {
        return Ok(None);
    }
    Ok(Some(LiveToken { token: found.token, id: None, client: found.client, grant: found.grant, stored: true }))
}

async fn signed(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    text: &str,
) -> Result<Option<LiveToken>, OAuth2Error> {
    let verified = match service.keys.verify_jwt(project, now, ACCESS_TOKEN_SET, text, Lifetime::Enforced).await {
        Ok(verified) => verified,
        Err(VerifyError::Invalid | VerifyError::Expired | VerifyError::NotYetValid) => return Ok(None),
        Err(VerifyError::Keys(error)) => return Err(error.into()),
    };
    let claims = verified.claims;
    let ours = claims.get("iss").and_then(Value::as_str) == Some(service.config.load().issuer.as_str());
    let Some(jti) = claims.get("jti").and_then(Value::as_str) else { return Ok(None) };
    if !ours || verified.typ.as_deref() != Some(jwt::TYPE) {
        return Ok(None);
    }
    if jti.starts_with(jwt::STATELESS) {
        return stateless(service, project, &claims).await;
    }
    let hashes: Vec<_> = service.keyring.candidates(Purpose::AccessToken, jti).collect();
    by_hash(service, project, now, &hashes, Some(jti.to_owned())).await
}

async fn by_hash(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    hashes: &[TokenHash],
    id: Option<String>,
) -> Result<Option<LiveToken>, OAuth2Error> {
    let found = service.tokens.token_by_hash(project, hashes).await?;
    let good = found.filter(|found| found.token.kind == TokenKind::Access && !found.token.has_ended(now));
    Ok(good.map(|found| LiveToken { token: found.token, id, client: found.client, grant: found.grant, stored: true }))
}

/// What a token that rests nowhere says, as long as its client is there.
async fn stateless(
    service: &OAuth2Service,
    project: ProjectId,
    claims: &Claims,
) -> Result<Option<LiveToken>, OAuth2Error> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let list = |name: &str| -> Vec<String> {
        let items = claims.get(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let seconds = |name: &str| claims.get(name).and_then(Value::as_i64).map(Timestamp::from_seconds);
    let Some(client) = text("client_id").and_then(|id| id.parse::<ClientId>().ok()) else { return Ok(None) };
    let Some(record) = service.clients.client_by_id(project, &client).await? else { return Ok(None) };
    let scope = text("scope").map_or_else(|| list("scp"), crate::scope::parse);
    let ext = claims.get("ext").and_then(Value::as_object).cloned();
    let token = StoredToken {
        hash: TokenHash([0; 32]),
        kind: TokenKind::Access,
        grant: None,
        parent: None,
        derived_from: None,
        client,
        subject: text("sub").unwrap_or_default().to_owned(),
        scope,
        audience: list("aud"),
        claims: ext.unwrap_or_default(),
        actor: claims.get("act").cloned(),
        jkt: claims.get("cnf").and_then(|cnf| cnf.get("jkt")?.as_str()).map(str::to_owned),
        issued_at: seconds("iat").unwrap_or(Timestamp::EPOCH),
        expires_at: seconds("exp"),
    };
    let id = text("jti").map(str::to_owned);
    Ok(Some(LiveToken { token, id, client: record.client.clone(), grant: None, stored: false }))
}
