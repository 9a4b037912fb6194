//! `client_credentials` (RFC 6749 section 4.4): a client acts for itself.

use crate::audience;
use crate::endpoint::Call;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant::SessionClaims;
use crate::grant_type::GrantType;
use crate::scope;
use crate::token::access::{self, AccessRequest};
use crate::token::response::{TokenResponse, TokenType};
use crate::token::{hook, lifespan};

/// Grants a client what it may have for itself.
///
/// # Errors
/// `invalid_grant` for a public client; `invalid_scope` and `invalid_request` for what it may not have.
pub async fn grant(call: &Call<'_>) -> Result<TokenResponse, OAuth2Error> {
    let Call { service, project, now, client, parameters, .. } = call;
    if client.is_public() {
        return Err(OAuth2Error::new(
            ErrorCode::InvalidGrant,
            "A public client cannot act for itself: anybody could claim to be it. Register it with a secret or a key.",
        ));
    }
    let config = service.config.load();
    let mut scope = scope::parse(parameters.get("scope").unwrap_or_default());
    scope::check(config.scope_strategy, &client.scope, &scope)?;
    if scope.is_empty() && config.default_grant_allowed_scope {
        scope.clone_from(&client.scope);
    }
    let audience = audience::parse(&parameters.all("audience"), &parameters.all("resource"))?;
    audience::check(&client.audience, &audience, ErrorCode::InvalidRequest)?;

    let none = SessionClaims::default();
    let session = hook::call(call, GrantType::ClientCredentials, None, &scope, &audience, &none).await?;
    let request = AccessRequest {
        client,
        subject: client.id.as_str(),
        grant: None,
        parent: None,
        scope: &scope,
        audience: &audience,
        claims: session.access_token,
        actor: None,
        jkt: call.jkt.clone(),
        lifespan: lifespan::access(client, &config.ttl, GrantType::ClientCredentials),
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
        issued_token_type: None,
    })
}
