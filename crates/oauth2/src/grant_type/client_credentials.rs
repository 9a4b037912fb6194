//! `client_credentials` (RFC 6749 section 4.4): a client acts for itself.

use crate::audience;
use crate::endpoint::Call;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant_type::GrantType;
use crate::scope;
use crate::token::alone::{self, Wanted};
use crate::token::response::TokenResponse;

/// Grants a client what it may have for itself.
///
/// # Errors
/// `invalid_grant` for a public client; `invalid_scope` and `invalid_request` for what it may not have.
pub async fn grant(call: &Call<'_>) -> Result<TokenResponse, OAuth2Error> {
    let Call { service, client, parameters, .. } = call;
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
    let wanted = Wanted { subject: client.id.as_str(), scope: &scope, audience: &audience, origin: None };
    alone::issue(call, GrantType::ClientCredentials, wanted).await
}
