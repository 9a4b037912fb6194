//! Approving a device (RFC 8628 section 3.3) as an authorization: the same legs as any other, except for how it begins and
//! that the device fetches its answer itself.

use orrery_core::RequestContext;
use orrery_core::id::{ChallengeId, LoginSessionId};
use serde_json::Map;

use super::begin::{First, UNTIED, unknown_client};
use super::{Cookies, Parameters, Refused, Step, endpoint};
use crate::challenge::{AuthorizationRequest, LoginChallenge, ResponseMode};
use crate::client::Client;
use crate::config::Config;
use crate::device::{DeviceChallenge, DeviceCode, verify};
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant_type::GrantType;
use crate::service::OAuth2Service;
use crate::store::Begun;
use crate::{audience, scope};

/// Somebody has typed a code that a device shows: sends the browser to sign in.
///
/// # Errors
/// `request_forbidden` in another browser; `access_denied` when somebody has decided about the device by now, or it has
/// expired.
pub async fn device(
    service: &OAuth2Service,
    context: &RequestContext,
    verifier: &str,
    cookies: &Cookies,
) -> Result<Step, Refused> {
    let config = service.config.load_full();
    let (challenge, user_code) = DeviceChallenge::verified(verify::sealer(service, context), verifier)
        .ok_or_else(|| OAuth2Error::new(ErrorCode::AccessDenied, "The verifier is not one that this server made."))?;
    super::browser(service, &config, challenge.id, challenge.browser, cookies)?;
    let late = || {
        let reason = "The code was used in the meantime, or has expired. Have the device show another one.";
        OAuth2Error::new(ErrorCode::AccessDenied, reason)
    };
    if challenge.requested_at + config.ttl.login_consent_request <= context.now {
        return Err(late().into());
    }
    let found = service.devices.device_by_user_code(context.project, &[user_code], context.now).await?;
    let (code, client) = found.ok_or_else(late)?;
    let sessions = super::jar(service, &config).sessions(cookies);
    let begun = service.authorizations.authorization_begin(context.project, &client.id, &sessions, context.now).await?;
    let Begun { client, session } = begun.ok_or_else(unknown_client)?;
    let challenge_of_login = LoginChallenge {
        id: ChallengeId::generate(&*service.entropy),
        session: LoginSessionId::generate(&*service.entropy),
        requested_at: context.now,
        browser: UNTIED,
        remembered: None,
        hint: None,
        pushed: None,
        device: Some(code.hash),
        parameters: parameters(&code)?,
    };
    let request = request(&challenge_of_login.parameters, &client, &config)?;
    let first = First { service, context, config, cookies, client, request, challenge: challenge_of_login };
    let mut step = first.ask(session).await?;
    step.cookies.insert(0, verify::forget(service, &challenge));
    Ok(step)
}

/// What the device asked for, as the parameters of an authorization request.
fn parameters(code: &DeviceCode) -> Result<Parameters, OAuth2Error> {
    let mut pairs = vec![("client_id".to_owned(), code.client.to_string()), ("scope".to_owned(), code.scope.join(" "))];
    pairs.extend(code.audience.iter().map(|name| ("audience".to_owned(), name.clone())));
    Parameters::new(pairs)
}

/// The request of a device, judged again: the client may have been changed since.
///
/// # Errors
/// What the client may not have any more.
pub(super) fn request(
    parameters: &Parameters,
    client: &Client,
    config: &Config,
) -> Result<AuthorizationRequest, OAuth2Error> {
    if !client.may_use_grant(GrantType::DeviceCode.name()) {
        let reason = "The client is not registered for devices any more.";
        return Err(OAuth2Error::new(ErrorCode::UnauthorizedClient, reason));
    }
    let scope = scope::parse(parameters.get("scope").unwrap_or_default());
    scope::check(config.scope_strategy, &client.scope, &scope)?;
    let audience = audience::parse(&parameters.all("audience"), &[])?;
    audience::check(&client.audience, &audience, ErrorCode::InvalidRequest)?;
    let done = || endpoint(config, "/ui/device/done");
    Ok(AuthorizationRequest {
        client: client.id.clone(),
        response_type: Vec::new(),
        response_mode: ResponseMode::Device,
        // Where the browser ends up, so that the pages before let their forms lead there.
        redirect_uri: config.urls.device_success.as_ref().map_or_else(done, ToString::to_string),
        redirect_uri_given: false,
        scope,
        audience,
        state: None,
        nonce: None,
        code_challenge: None,
        dpop_jkt: None,
        prompt: Vec::new(),
        max_age: None,
        acr_values: Vec::new(),
        claims: None,
        hinted_subject: None,
        oidc_context: Map::new(),
        request_url: format!("{}?{}", endpoint(config, "/oauth2/device/verify"), parameters.to_query()),
        pushed: None,
    })
}
