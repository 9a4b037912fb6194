//! `authorization_code` (RFC 6749 section 4.1.3, RFC 7636 section 4.6): a code becomes tokens, once.

use orrery_core::secret::Purpose;

use crate::endpoint::Call;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant_type::GrantType;
use crate::pkce;
use crate::store::{FoundCode, Redeemed, Redemption};
use crate::token::RefreshToken;
use crate::token::family::{self, Refresh};
use crate::token::response::TokenResponse;

/// Redeems a code.
///
/// # Errors
/// `invalid_grant` in every case in which the code is not good for this request.
pub async fn redeem(call: &Call<'_>) -> Result<TokenResponse, OAuth2Error> {
    let Call { service, project, now, client, parameters, .. } = call;
    let code = parameters.required("code")?;
    let hashes: Vec<_> = service.keyring.candidates(Purpose::AuthorizationCode, code).collect();
    let found = service.tokens.code_by_hash(*project, &hashes).await?.ok_or_else(unknown)?;
    // A used code goes on to storage, which ends what its first use brought.
    if found.code.used_at.is_none() {
        check(call, &found)?;
    } else if found.code.client != client.id {
        return Err(unknown());
    }
    let FoundCode { code, grant } = found;
    let first = RefreshToken::first(grant.id, &service.keyring, &*service.entropy);
    let refresh = family::is_refreshable(call, &grant).then_some(Refresh { token: &first, predecessor: None });
    let mut redemption = Redemption {
        code: code.hash,
        client: client.id.clone(),
        grant: grant.id,
        tokens: Vec::new(),
        grant_until: *now,
        now: *now,
    };
    if code.used_at.is_some() {
        service.tokens.code_redeem(*project, &redemption).await?;
        return Err(unknown());
    }
    let issued = family::issue(call, &grant, GrantType::AuthorizationCode, &grant.scope, refresh).await?;
    redemption.tokens = issued.access.into_iter().chain(issued.refresh).collect();
    redemption.grant_until = issued.grant_until;
    match service.tokens.code_redeem(*project, &redemption).await? {
        Redeemed::Done => Ok(issued.response),
        Redeemed::Replayed | Redeemed::Gone => Err(unknown()),
    }
}

/// Whether the code was made for this client and this request.
fn check(call: &Call<'_>, found: &FoundCode) -> Result<(), OAuth2Error> {
    let FoundCode { code, .. } = found;
    if code.client != call.client.id || code.expires_at <= call.now {
        return Err(unknown());
    }
    if let Some(sent_to) = &code.redirect_uri
        && call.parameters.get("redirect_uri") != Some(sent_to)
    {
        return Err(invalid("The parameter 'redirect_uri' must be the one of the authorization request."));
    }
    pkce::check(code.code_challenge.as_deref(), call.parameters.get("code_verifier"))?;
    if code.dpop_jkt.is_some() && code.dpop_jkt != call.jkt {
        return Err(invalid("The code is bound to another key than the one of the DPoP proof."));
    }
    Ok(())
}

fn unknown() -> OAuth2Error {
    invalid("The authorization code is unknown, used, expired, or was issued to another client. Begin again.")
}

fn invalid(description: &'static str) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidGrant, description)
}
