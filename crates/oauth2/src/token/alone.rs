//! Access tokens that come of no grant: nobody was asked, so that there is no family and nothing to refresh.

use super::access::{self, AccessRequest};
use super::response::{TokenResponse, TokenType};
use super::{hook, lifespan};
use crate::endpoint::Call;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant::SessionClaims;
use crate::grant_type::GrantType;

/// Makes and stores the token, and says what the client gets.
///
/// # Errors
/// When a hook refuses or fails, no key can sign, or the client was deleted in the meantime.
pub async fn issue(
    call: &Call<'_>,
    grant_type: GrantType,
    subject: &str,
    scope: &[String],
    audience: &[String],
) -> Result<TokenResponse, OAuth2Error> {
    let Call { service, project, now, client, .. } = call;
    let session = hook::call(call, grant_type, None, scope, audience, &SessionClaims::default()).await?;
    let request = AccessRequest {
        client,
        subject,
        grant: None,
        parent: None,
        scope,
        audience,
        claims: session.access_token,
        actor: None,
        jkt: call.jkt.clone(),
        lifespan: lifespan::access(client, &service.config.load().ttl, grant_type),
    };
    let access = access::issue(service, *project, *now, request).await?;
    if let Some(stored) = &access.stored
        && !service.tokens.token_issue(*project, stored).await?
    {
        return Err(OAuth2Error::new(ErrorCode::InvalidClient, "The client was deleted just now."));
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
