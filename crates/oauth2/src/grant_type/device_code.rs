//! `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 section 3.4): a device asks whether somebody has approved it.

use orrery_core::secret::Purpose;

use crate::endpoint::Call;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant_type::GrantType;
use crate::store::{DeviceRedemption, Polled, Redeemed};
use crate::token::RefreshToken;
use crate::token::family::{self, Refresh};
use crate::token::response::TokenResponse;

/// Gives an approved device its tokens, and tells one that waits to wait.
///
/// # Errors
/// `authorization_pending`, `slow_down`, `access_denied` and `expired_token`, as RFC 8628 section 3.5 has them.
pub async fn poll(call: &Call<'_>) -> Result<TokenResponse, OAuth2Error> {
    let Call { service, project, now, client, parameters, .. } = call;
    let code = parameters.required("device_code")?;
    let hashes: Vec<_> = service.keyring.candidates(Purpose::DeviceCode, code).collect();
    let (polled, hash) = service.devices.device_poll(*project, &hashes, &client.id, *now).await?;
    let grant = match polled {
        Polled::Approved(grant) => grant,
        Polled::Waiting => {
            return Err(refusal(
                ErrorCode::AuthorizationPending,
                "Nobody has approved the device yet. Ask again later.",
            ));
        }
        Polled::TooSoon => {
            let description = "The device asks too often. Wait five seconds longer between two questions from now on.";
            return Err(refusal(ErrorCode::SlowDown, description));
        }
        Polled::Denied => return Err(refusal(ErrorCode::AccessDenied, "Somebody refused the device.")),
        Polled::Expired => {
            return Err(refusal(ErrorCode::ExpiredToken, "The codes have expired. Begin again with new ones."));
        }
        Polled::Unknown => return Err(unknown()),
    };
    let first = RefreshToken::first(grant.id, &service.keyring, &*service.entropy);
    let refresh = family::is_refreshable(call, &grant).then_some(Refresh { token: &first, predecessor: None });
    let issued = family::issue(call, &grant, GrantType::DeviceCode, &grant.scope, refresh).await?;
    let redemption = DeviceRedemption {
        code: hash.ok_or_else(unknown)?,
        client: client.id.clone(),
        grant: grant.id,
        tokens: issued.access.into_iter().chain(issued.refresh).collect(),
        grant_until: issued.grant_until,
        now: *now,
    };
    match service.devices.device_redeem(*project, &redemption).await? {
        Redeemed::Done => Ok(issued.response),
        Redeemed::Replayed | Redeemed::Gone => Err(unknown()),
    }
}

fn unknown() -> OAuth2Error {
    refusal(ErrorCode::InvalidGrant, "The device code is unknown, used, or was issued to another client.")
}

fn refusal(code: ErrorCode, description: &'static str) -> OAuth2Error {
    OAuth2Error::new(code, description)
}
