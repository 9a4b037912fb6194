//! The tokens that follow from a grant: an access token, and where they were granted a refresh token and an ID token.

use std::time::Duration;

use orrery_core::{Timestamp, TokenHash};

use super::access::{self, AccessRequest};
use super::hook::{self, Planned};
use super::id_token::{self, IdTokenRequest};
use super::response::{TokenResponse, TokenType};
use super::{RefreshToken, StoredToken, lifespan};
use crate::consent::LONGEST;
use crate::credential::{self, CredentialNonce};
use crate::endpoint::Call;
use crate::error::OAuth2Error;
use crate::grant::Grant;
use crate::grant_type::GrantType;
use crate::scope;

/// Tokens that were made and have to be stored before the client gets them.
#[derive(Debug)]
pub struct Issued {
    /// The answer.
    pub response: TokenResponse,
    /// What is stored of the access token.
    pub access: Option<StoredToken>,
    /// What is stored of the refresh token.
    pub refresh: Option<StoredToken>,
    /// The grant is needed at least so long.
    pub grant_until: Timestamp,
}

/// What refresh token goes with an access token.
#[derive(Debug, Clone, Copy)]
pub struct Refresh<'a> {
    /// The token.
    pub token: &'a RefreshToken,
    /// The one before it.
    pub predecessor: Option<TokenHash>,
}

/// Whether a grant comes with refresh tokens: the person allowed it and the client is registered for it.
#[must_use]
pub fn is_refreshable(call: &Call<'_>, grant: &Grant) -> bool {
    scope::is_offline(&grant.scope) && call.client.may_use_grant(GrantType::RefreshToken.name())
}

/// Makes the tokens of a grant.
///
/// # Errors
/// When a hook refuses or fails, or no key can sign.
pub async fn issue(
    call: &Call<'_>,
    grant: &Grant,
    grant_type: GrantType,
    access_scope: &[String],
    refresh: Option<Refresh<'_>>,
) -> Result<Issued, OAuth2Error> {
    let Call { service, project, now, client, .. } = call;
    let config = service.config.load();
    let lifespan = lifespan::access(client, &config.ttl, grant_type);
    let planned = Planned {
        grant_type,
        grant: Some(grant),
        subject: &grant.subject,
        scope: access_scope,
        audience: &grant.audience,
        session: &grant.session,
        expires_at: *now + lifespan,
    };
    let session = hook::call(call, planned).await?;
    let request = AccessRequest {
        client,
        subject: &grant.subject,
        grant: Some(grant),
        parent: refresh.map(|refresh| refresh.token.hash(&service.keyring)),
        derived_from: None,
        scope: access_scope,
        audience: &grant.audience,
        claims: session.access_token,
        actor: None,
        jkt: call.jkt.clone(),
        lifespan,
    };
    let access = access::issue(service, *project, *now, request).await?;
    let mut id_token = None;
    if scope::is_openid(&grant.scope) {
        let request = IdTokenRequest {
            client,
            grant,
            claims: &session.id_token,
            access_token: Some(&access.value),
            code: None,
            lifespan: lifespan::id(client, &config.ttl, grant_type),
        };
        id_token = Some(id_token::issue(service, *project, *now, request).await?);
    }
    let stored = refresh.map(|refresh| stored_refresh(call, grant, grant_type, refresh));
    let refresh_until = stored.as_ref().map(|stored| stored.expires_at.unwrap_or(*now + Duration::from_secs(LONGEST)));
    let response = TokenResponse {
        token_type: TokenType::of(call.jkt.as_ref()),
        expires_in: access.expires_at.since(*now).as_secs(),
        scope: access_scope.join(" "),
        refresh_token: refresh.map(|refresh| refresh.token.text().to_owned()),
        id_token,
        credential_nonce: credential_nonce(call, access_scope, &access.value),
        issued_token_type: None,
        access_token: access.value,
    };
    let grant_until = refresh_until.map_or(access.expires_at, |until| until.max(access.expires_at));
    Ok(Issued { response, access: access.stored, refresh: stored, grant_until })
}

fn credential_nonce(call: &Call<'_>, scope: &[String], access_token: &str) -> Option<CredentialNonce> {
    let asked = scope::is_openid(scope) && scope.iter().any(|scope| scope == credential::SCOPE);
    asked.then(|| credential::nonce(call.service, call.now, access_token))
}

fn stored_refresh(call: &Call<'_>, grant: &Grant, grant_type: GrantType, refresh: Refresh<'_>) -> StoredToken {
    let config = call.service.config.load();
    let idle = lifespan::refresh(call.client, &config.ttl, grant_type).map(|life| call.now + life);
    let absolute = config.refresh.absolute_lifetime.map(|life| grant.handled_at + life);
    let (hash, ends) = (refresh.token.hash(&call.service.keyring), [idle, absolute].into_iter().flatten().min());
    StoredToken {
        parent: refresh.predecessor,
        // A confidential client proves itself; the refresh token of a public one is bound to its key (RFC 9449
        // section 5).
        jkt: call.jkt.clone().filter(|_| call.client.is_public()),
        ..StoredToken::refresh(grant, hash, call.now, ends)
    }
}
