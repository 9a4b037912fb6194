//! The token endpoint, `POST /oauth2/token`, as RFC 6749 section 3.2 tells it.

use orrery_core::{ProjectId, RequestContext, Timestamp};

use crate::client::Client;
use crate::client_auth::{self, Presented};
use crate::dpop::{self, Target};
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant_type::{self, GrantType};
use crate::parameters::Parameters;
use crate::service::OAuth2Service;
use crate::token::response::TokenResponse;

/// A request whose client is known.
#[derive(Clone)]
pub struct Call<'a> {
    /// The parts.
    pub service: &'a OAuth2Service,
    /// The project.
    pub project: ProjectId,
    /// When it arrived.
    pub now: Timestamp,
    /// The authenticated client.
    pub client: &'a Client,
    /// Thumbprint of the key that the client proved to have (RFC 9449).
    pub jkt: Option<String>,
    /// What was sent.
    pub parameters: &'a Parameters,
}

/// Serves one token request.
///
/// # Errors
/// Those of RFC 6749 section 5.2 and of the grant.
pub async fn token(
    service: &OAuth2Service,
    context: &RequestContext,
    presented: &Presented,
    proof: Option<&str>,
    parameters: &Parameters,
) -> Result<TokenResponse, OAuth2Error> {
    let &RequestContext { project, now, .. } = context;
    let name = parameters.required("grant_type")?;
    let grant_type = GrantType::parse(name).ok_or_else(unsupported)?;
    let record = client_auth::authenticate(service, context, presented).await?;
    let client = &record.client;
    if !client.may_use_grant(grant_type.name()) {
        return Err(OAuth2Error::new(
            ErrorCode::UnauthorizedClient,
            format!("The client is not registered for the grant '{}'. Add it to its grant_types.", grant_type.name()),
        ));
    }
    let addresses = service.config.load().addresses("/oauth2/token");
    let target = Target { method: "POST", addresses: &addresses, access_token: None };
    let jkt = match proof {
        Some(proof) => Some(dpop::check(service, project, now, proof, target).await?),
        None if client.dpop_bound_access_tokens => {
            let description = "The client is registered for tokens that are bound to a key: send a DPoP proof.";
            return Err(OAuth2Error::new(ErrorCode::InvalidDpopProof, description));
        }
        None => None,
    };
    let call = Call { service, project, now, client, jkt, parameters };
    match grant_type {
        GrantType::AuthorizationCode => grant_type::authorization_code::redeem(&call).await,
        GrantType::RefreshToken => grant_type::refresh_token::refresh(&call).await,
        GrantType::ClientCredentials => grant_type::client_credentials::grant(&call).await,
        GrantType::DeviceCode => grant_type::device_code::poll(&call).await,
        GrantType::JwtBearer => grant_type::jwt_bearer::grant(&call).await,
        GrantType::TokenExchange => grant_type::token_exchange::exchange(&call).await,
        GrantType::Implicit => Err(unsupported()),
    }
}

fn unsupported() -> OAuth2Error {
    let known: Vec<_> = GrantType::SERVED.iter().map(|grant_type| grant_type.name()).collect();
    let description = format!("This grant_type is not supported. Use one of: {}.", known.join(", "));
    OAuth2Error::new(ErrorCode::UnsupportedGrantType, description)
}
