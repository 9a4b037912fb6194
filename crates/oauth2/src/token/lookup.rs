//! Finding what a presented token stands for, whatever it looks like.

use orrery_core::secret::Purpose;
use orrery_core::{ProjectId, Timestamp, TokenHash};
use orrery_keys::config::ACCESS_TOKEN_SET;
use orrery_keys::{Claims, Lifetime, VerifyError};
use serde_json::Value;

use super::{RefreshToken, StoredToken, TokenKind, jwt};
use crate::client::{Client, ClientId, SubjectType};
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
    /// What it comes of. Of a token that rests nowhere only where somebody looked.
    pub grant: Option<Grant>,
    /// Whether it rests in storage, so that it can be revoked.
    pub stored: bool,
}

/// The token, if it is good, with the grant that it comes of, if there is one.
///
/// # Errors
/// Only when it could not be looked at.
pub async fn find_with_grant(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    text: &str,
) -> Result<Option<LiveToken>, OAuth2Error> {
    match find(service, project, now, text).await? {
        Some(live) if !live.stored && live.grant.is_none() => with_grant(service, project, live).await,
        found => Ok(found),
    }
}

/// The token, if it is good: known, not over, not revoked, and its client and whoever granted it still there. One that rests
/// nowhere is good by itself, as long as its client is there.
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

/// What a token that rests nowhere says, as long as its client is there. What a pairwise client knows a person by says
/// nothing to anybody else: then the grant is looked up, which knows who it is.
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
    let issued_at = seconds("iat").unwrap_or(Timestamp::EPOCH);
    // Another client may have had the id before.
    if issued_at < record.client.created_at {
        return Ok(None);
    }
    let scope = text("scope").map_or_else(|| list("scp"), crate::scope::parse);
    let token = StoredToken {
        hash: TokenHash([0; 32]),
        kind: TokenKind::Access,
        grant: text(jwt::GRANT).and_then(|id| id.parse().ok()),
        parent: None,
        derived_from: None,
        client,
        subject: text("sub").unwrap_or_default().to_owned(),
        scope,
        audience: list("aud"),
        claims: jwt::added(&service.config.load(), claims),
        actor: claims.get("act").cloned(),
        jkt: claims.get("cnf").and_then(|cnf| cnf.get("jkt")?.as_str()).map(str::to_owned),
        issued_at,
        expires_at: seconds("exp"),
    };
    let id = text("jti").map(str::to_owned);
    let live = LiveToken { token, id, client: record.client.clone(), grant: None, stored: false };
    match live.client.subject_type {
        SubjectType::Public => Ok(Some(live)),
        SubjectType::Pairwise => with_grant(service, project, live).await,
    }
}

/// A token that rests nowhere with the grant that it names, if it names one. Without that it is not good.
async fn with_grant(
    service: &OAuth2Service,
    project: ProjectId,
    mut live: LiveToken,
) -> Result<Option<LiveToken>, OAuth2Error> {
    let Some(id) = live.token.grant else { return Ok(Some(live)) };
    let Some(grant) = service.grants.grant_by_id(project, id).await? else { return Ok(None) };
    live.token.subject.clone_from(&grant.subject);
    live.grant = Some(grant);
    Ok(Some(live))
}
