//! Pushed authorization requests (RFC 9126): a client hands its request over before it sends the browser.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::secret::Purpose;
use orrery_core::{EntropyExt as _, RequestContext, TokenHash};
use serde_json::{Map, Value, json};

use super::{Parameters, Refused, check, request_object};
use crate::client::Client;
use crate::config::Config;
use crate::dpop::{self, Target};
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;
use crate::store::PushedRequest;

/// What a `request_uri` that we handed out begins with (section 2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// The member of a stored request that holds its parameters.
const MEMBER: &str = "parameters";
/// What proves who the client is, and is no part of the request.
pub(super) const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// Where a pushed request waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// What the browser brings instead of the request.
    pub request_uri: String,
    /// How long it waits.
    pub expires_in: Duration,
}

/// Takes over the request of an authenticated client, after the checks of the authorization endpoint. A DPoP `proof` beside it
/// binds the code to its key, as `dpop_jkt` does (RFC 9449 section 10.1).
///
/// # Errors
/// What is wrong with the request or the proof.
pub async fn push(
    service: &OAuth2Service,
    context: &RequestContext,
    client: &Client,
    proof: Option<&str>,
    parameters: &Parameters,
) -> Result<Pushed, OAuth2Error> {
    let config = service.config.load_full();
    if parameters.get("request_uri").is_some() {
        let reason = "The parameter 'request_uri' must not be pushed (RFC 9126 section 2.1).";
        return Err(OAuth2Error::new(ErrorCode::InvalidRequest, reason));
    }
    let parameters =
        request_object::resolve(service, context, &config, client, parameters.without(&CREDENTIALS)).await?;
    let mut parameters = parameters.with("client_id", client.id.as_str());
    check(&parameters, client, &config).map_err(|refused| refused.error)?;
    if let Some(proof) = proof {
        let target = Target { method: "POST", addresses: &config.addresses("/oauth2/par"), access_token: None };
        let jkt = dpop::check(service, context.project, context.now, proof, target).await?;
        if parameters.get("dpop_jkt").is_some_and(|named| named != jkt) {
            let reason = "The parameter 'dpop_jkt' names another key than the one of the DPoP proof.";
            return Err(OAuth2Error::new(ErrorCode::InvalidDpopProof, reason));
        }
        parameters = parameters.with("dpop_jkt", &jkt);
    }
    let reference = URL_SAFE_NO_PAD.encode(service.entropy.bytes::<32>());
    let pairs: Vec<_> = parameters.iter().map(|(name, value)| json!([name, value])).collect();
    let stored = PushedRequest {
        hash: service.keyring.hash(Purpose::PushedRequest, &reference),
        client: client.id.clone(),
        parameters: Map::from_iter([(MEMBER.to_owned(), Value::Array(pairs))]),
        expires_at: context.now + config.ttl.pushed_request,
        used_at: None,
    };
    service.authorizations.request_keep(context.project, &stored).await?;
    Ok(Pushed { request_uri: format!("{PREFIX}{reference}"), expires_in: config.ttl.pushed_request })
}

/// The request that a browser brings: its own parameters, those of a request object, or those that were pushed, and then what refers to them. Whatever else
/// the browser sends beside a `request_uri` does not count (RFC 9101 section 6.3).
///
/// # Errors
/// `invalid_request_uri` for a reference that is unknown, used, expired or another client's; `invalid_request` where the
/// request had to be pushed.
pub(super) async fn resolve(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    client: &Client,
    parameters: Parameters,
) -> Result<(Parameters, Option<TokenHash>), Refused> {
    let Some(reference) = parameters.get("request_uri").and_then(|uri| uri.strip_prefix(PREFIX)) else {
        if config.require_pushed_authorization_requests || client.require_pushed_authorization_requests {
            let reason = "The client must push its authorization requests (RFC 9126).";
            return Err(OAuth2Error::new(ErrorCode::InvalidRequest, reason).into());
        }
        return Ok((request_object::resolve(service, context, config, client, parameters).await?, None));
    };
    let hashes: Vec<_> = service.keyring.candidates(Purpose::PushedRequest, reference).collect();
    let found = service.authorizations.request_by_hash(context.project, &hashes).await?;
    let usable =
        found.filter(|found| found.client == client.id && found.used_at.is_none() && found.expires_at > context.now);
    let read = usable.and_then(|found| Some((pairs(found.parameters.get(MEMBER)?)?, found.hash)));
    let (pairs, hash) = read.ok_or_else(|| {
        let reason = "The 'request_uri' is unknown, was used before, has expired or belongs to another client.";
        OAuth2Error::new(ErrorCode::InvalidRequestUri, reason)
    })?;
    Ok((Parameters::new(pairs)?, Some(hash)))
}

fn pairs(stored: &Value) -> Option<Vec<(String, String)>> {
    let pair = |pair: &Value| match pair.as_array()?.as_slice() {
        [Value::String(name), Value::String(value)] => Some((name.clone(), value.clone())),
        _ => None,
    };
    stored.as_array()?.iter().map(pair).collect()
}
