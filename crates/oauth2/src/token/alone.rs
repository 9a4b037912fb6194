//! Access tokens that stand alone: no refresh token fetches the next one. Most come of no grant, because nobody was asked.

use orrery_core::{Timestamp, TokenHash};
use serde_json::{Map, Value};

use super::access::{self, AccessRequest};
use super::hook::{self, Planned};
use super::lifespan;
use super::response::{TokenResponse, TokenType};
use crate::endpoint::Call;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant::{Grant, SessionClaims};
use crate::grant_type::GrantType;

/// What a token that stands alone is to say.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Whom it speaks for.
    pub subject: &'a str,
    /// Scopes.
    pub scope: &'a [String],
    /// Audiences.
    pub audience: &'a [String],
    /// The token that it is exchanged for; none where it is not.
    pub origin: Option<Origin>,
}

/// What a token takes over from the one that it is exchanged for (RFC 8693).
#[derive(Debug, Default)]
pub struct Origin {
    /// The family.
    pub grant: Option<Grant>,
    /// The row, if there is one.
    pub token: Option<TokenHash>,
    /// Added claims.
    pub claims: Map<String, Value>,
    /// Who acts for the subject.
    pub actor: Option<Value>,
    /// When it has to end.
    pub ends: Option<Timestamp>,
}

/// Makes and stores the token, and says what the client gets.
///
/// # Errors
/// When a hook refuses or fails, no key can sign, or the client or the token that is exchanged ended in the meantime.
pub async fn issue(call: &Call<'_>, grant_type: GrantType, wanted: Wanted<'_>) -> Result<TokenResponse, OAuth2Error> {
    let Call { service, project, now, client, .. } = call;
    let Wanted { subject, scope, audience, origin } = wanted;
    let Origin { grant, token, claims, actor, ends } = origin.unwrap_or_default();
    let session = SessionClaims { access_token: claims, ..SessionClaims::default() };
    let lifespan = lifespan::access(client, &service.config.load().ttl, grant_type);
    let lifespan = ends.map_or(lifespan, |ends| lifespan.min(ends.since(*now)));
    let (grant, expires_at) = (grant.as_ref(), *now + lifespan);
    let planned = Planned { grant_type, grant, subject, scope, audience, session: &session, expires_at };
    let session = hook::call(call, planned).await?;
    let request = AccessRequest {
        client,
        subject,
        grant,
        parent: None,
        derived_from: token,
        scope,
        audience,
        claims: session.access_token,
        actor,
        jkt: call.jkt.clone(),
        lifespan,
    };
    let access = access::issue(service, *project, *now, request).await?;
    if let Some(stored) = &access.stored
        && !service.tokens.token_issue(*project, stored).await?
    {
        let reason = "The client was deleted just now, or what it presented was revoked.";
        return Err(OAuth2Error::new(ErrorCode::InvalidClient, reason));
    }
    Ok(TokenResponse {
        token_type: TokenType::of(call.jkt.as_ref()),
        expires_in: access.expires_at.since(*now).as_secs(),
        scope: scope.join(" "),
        access_token: access.value,
        refresh_token: None,
        id_token: None,
        credential_nonce: None,
        issued_token_type: None,
    })
}
