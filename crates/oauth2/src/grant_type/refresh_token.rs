//! `refresh_token` (RFC 6749 section 6, RFC 9700 section 4.14.2): one token for the next, each used once.

use crate::audience;
use crate::endpoint::Call;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant::Grant;
use crate::grant_type::GrantType;
use crate::scope;
use crate::store::{FoundToken, Rotated, Rotation};
use crate::token::RefreshToken;
use crate::token::family::{self, Refresh};
use crate::token::response::TokenResponse;

/// How often a request that others overtook looks again.
const TRIES: usize = 3;

/// What the presented token is to its family.
enum Standing {
    /// The present one.
    Present,
    /// Replaced a moment ago by this one: the client did not get our answer, or asked twice.
    Retried(RefreshToken),
    /// Replaced: somebody else has it.
    Replaced,
}

/// Gives tokens for a refresh token.
///
/// # Errors
/// `invalid_grant` when it is not good, and when it was used before: then its family ends too.
pub async fn refresh(call: &Call<'_>) -> Result<TokenResponse, OAuth2Error> {
    let Call { service, project, now, client, parameters, .. } = call;
    let token = service.refresh_token(parameters.required("refresh_token")?).ok_or_else(unknown)?;
    for _ in 0..TRIES {
        let found = service.tokens.refresh_token_of(*project, token.grant).await?.ok_or_else(unknown)?;
        let standing = standing(call, &token, &found);
        if matches!(standing, Standing::Replaced) {
            service.tokens.family_end(*project, token.grant).await?;
            return Err(unknown());
        }
        if found.token.client != client.id || found.token.has_ended(*now) {
            return Err(unknown());
        }
        let grant = found.grant.as_ref().ok_or_else(unknown)?;
        let scope = check(call, &found, grant)?;
        if let Standing::Retried(successor) = &standing {
            return again(call, grant, &scope, successor, &found).await;
        }
        let successor = token.successors(&service.keyring).next().ok_or_else(unknown)?;
        let next = Refresh { token: &successor, predecessor: Some(found.token.hash) };
        let issued = family::issue(call, grant, GrantType::RefreshToken, &scope, Some(next)).await?;
        let successor = issued.refresh.ok_or_else(unknown)?;
        let rotation = Rotation {
            used: found.token.hash,
            grant: grant.id,
            successor,
            access: issued.access,
            grant_until: issued.grant_until,
        };
        match service.tokens.refresh_rotate(*project, &rotation).await? {
            Rotated::Done => return Ok(issued.response),
            Rotated::NotPresent => {}
        }
    }
    Err(unknown())
}

fn standing(call: &Call<'_>, token: &RefreshToken, found: &FoundToken) -> Standing {
    let keyring = &call.service.keyring;
    if token.is(&found.token.hash, keyring) {
        return Standing::Present;
    }
    let window = call.service.config.load().refresh.retry_window;
    let replaced_now = found.token.parent.is_some_and(|parent| token.is(&parent, keyring))
        && call.now.since(found.token.issued_at) < window;
    let successor = token.successors(keyring).find(|successor| successor.is(&found.token.hash, keyring));
    successor.filter(|_| replaced_now).map_or(Standing::Replaced, Standing::Retried)
}

/// The same successor once more, with an access token of its own.
async fn again(
    call: &Call<'_>,
    grant: &Grant,
    scope: &[String],
    successor: &RefreshToken,
    found: &FoundToken,
) -> Result<TokenResponse, OAuth2Error> {
    let refresh = Refresh { token: successor, predecessor: found.token.parent };
    let issued = family::issue(call, grant, GrantType::RefreshToken, scope, Some(refresh)).await?;
    match &issued.access {
        Some(access) if !call.service.tokens.token_issue(call.project, access).await? => Err(unknown()),
        Some(_) | None => Ok(issued.response),
    }
}

/// What the new access token is good for: what was granted, or less (RFC 6749 section 6).
fn check(call: &Call<'_>, found: &FoundToken, grant: &Grant) -> Result<Vec<String>, OAuth2Error> {
    if !scope::is_offline(&grant.scope) {
        return Err(OAuth2Error::new(
            ErrorCode::ScopeNotGranted,
            "Refreshing was not allowed: neither 'offline' nor 'offline_access' was granted.",
        ));
    }
    if found.token.jkt.is_some() && found.token.jkt != call.jkt {
        return Err(invalid("The refresh token is bound to a key, and the request has no DPoP proof of it."));
    }
    // The client may have been registered for less since.
    let config = call.service.config.load();
    scope::check(config.scope_strategy, &call.client.scope, &grant.scope)?;
    audience::check(&call.client.audience, &grant.audience, ErrorCode::InvalidRequest)?;
    let asked = scope::parse(call.parameters.get("scope").unwrap_or_default());
    if asked.is_empty() {
        return Ok(grant.scope.clone());
    }
    match asked.iter().find(|scope| !grant.scope.contains(scope)) {
        None => Ok(asked),
        Some(scope) => Err(OAuth2Error::new(
            ErrorCode::InvalidScope,
            format!("The scope '{scope}' was not granted, so that it cannot be asked for when refreshing."),
        )),
    }
}

fn unknown() -> OAuth2Error {
    invalid("The refresh token is unknown, used, expired, revoked, or was issued to another client. Sign in again.")
}

fn invalid(description: &'static str) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidGrant, description)
}
