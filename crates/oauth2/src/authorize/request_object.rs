//! Request objects: an authorization request that its client has signed (RFC 9101, OpenID Connect Core section 6). It
//! stands in the parameter `request`, or where `request_uri` says.
//!
//! What the object says is the whole request; whatever else the browser sends does not count (RFC 9101 section 6.3), so that
//! nobody on the way can add to it.

use std::time::Duration;

use orrery_core::RequestContext;
use orrery_core::outbound::{OutboundRequest, Trust};
use orrery_keys::foreign::{self, Peeked};
use orrery_keys::{Claims, MAX_TOKEN, SigningAlgorithm};
use serde_json::Value;

use super::Parameters;
use super::check::twice;
use super::push::CREDENTIALS;
use crate::assertion::{self, ASYMMETRIC};
use crate::client::Client;
use crate::client_auth::{KeyFailure, why};
use crate::config::Config;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;

/// Claims that say something about the object and are no parameters.
const ABOUT: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
/// Values of `typ`, without the prefix `application/` that may be left out (RFC 7515 section 4.1.9).
const TYPES: [&str; 2] = ["oauth-authz-req+jwt", "jwt"];
/// Parameters of which an object may have several.
const LISTS: [&str; 2] = ["audience", "resource"];
/// Somebody waits for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The parameters of the request: those of its object, where it has one.
///
/// # Errors
/// `invalid_request_object` and `invalid_request_uri`, for the person: until the object is verified nobody knows whose
/// address it names.
pub(super) async fn resolve(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    client: &Client,
    parameters: Parameters,
) -> Result<Parameters, OAuth2Error> {
    let token = match (parameters.get("request"), parameters.get("request_uri")) {
        (None, None) => return Ok(parameters),
        (Some(_), Some(_)) => {
            let reason = "The parameters 'request' and 'request_uri' exclude each other. Send one of them.";
            return Err(OAuth2Error::new(ErrorCode::InvalidRequest, reason));
        }
        (Some(token), None) => token.to_owned(),
        (None, Some(uri)) => fetch(service, config, client, uri).await?,
    };
    if let Some(name) = parameters.repeated() {
        return Err(twice(name));
    }
    let peeked = foreign::peek(&token).ok_or_else(|| invalid("it is no signed JWT of a permitted length"))?;
    if !has_right_type(&peeked) {
        return Err(invalid("its 'typ' is that of another token"));
    }
    let signature = Signature::registered(client);
    let claims = signature.verify(service, context, client, &token).await?;
    judge(&claims, client, &signature, config, context)?;
    Parameters::new(pairs(&claims)?)
}

/// The object at one of the addresses that the client has registered.
async fn fetch(service: &OAuth2Service, config: &Config, client: &Client, uri: &str) -> Result<String, OAuth2Error> {
    let refused = |reason: &'static str| OAuth2Error::new(ErrorCode::InvalidRequestUri, reason);
    if !client.request_uris.iter().any(|known| known == uri) {
        return Err(refused(
            "The parameter 'request_uri' must be one of the client's request_uris, letter by letter, or come from the \
             pushed authorization request endpoint (RFC 9126).",
        ));
    }
    if Signature::registered(client) == Signature::None && !uri.starts_with("https:") && !config.dev {
        return Err(refused(
            "An unsigned request object is fetched by https only: anybody on the way could change it.",
        ));
    }
    let request = OutboundRequest {
        method: "GET".to_owned(),
        url: uri.to_owned(),
        headers: vec![("accept".to_owned(), "application/oauth-authz-req+jwt, application/jwt".to_owned())],
        body: Vec::new(),
        trust: Trust::Caller,
        timeout: PATIENCE,
        max_response_bytes: MAX_TOKEN,
    };
    let unreachable = "The request object could not be fetched from its request_uri. It must be answered with 200, \
                       quickly, shortly and without a redirect, at a public address.";
    let answer = service.outbound.send(request).await;
    let answer = answer.map_err(|error| OAuth2Error { source: Some(error.into()), ..refused(unreachable) })?;
    let text =
        String::from_utf8(answer.body).ok().filter(|_| answer.status == 200).ok_or_else(|| refused(unreachable))?;
    Ok(text.trim().to_owned())
}

/// How the objects of a client are signed.
#[derive(PartialEq, Eq)]
enum Signature {
    /// With a key of the client.
    By(Vec<SigningAlgorithm>),
    /// Not at all, because the client is registered so.
    None,
}

impl Signature {
    fn registered(client: &Client) -> Self {
        match client.request_object_signing_alg.as_deref() {
            Some("none") => Self::None,
            Some(named) => Self::By(SigningAlgorithm::parse(named).into_iter().collect()),
            None => Self::By(ASYMMETRIC.to_vec()),
        }
    }

    async fn verify(
        &self,
        service: &OAuth2Service,
        context: &RequestContext,
        client: &Client,
        token: &str,
    ) -> Result<Claims, OAuth2Error> {
        let Self::By(accepted) = self else {
            return foreign::unsigned(token)
                .ok_or_else(|| invalid("the client is registered for objects without a signature"));
        };
        match service.client_keys.verify(client, context.now, token, accepted).await {
            Ok(claims) => Ok(claims),
            Err(KeyFailure::Keys(error)) => Err(OAuth2Error { code: ErrorCode::InvalidRequestObject, ..error }),
            Err(KeyFailure::Token(error)) => Err(invalid(why(error))),
        }
    }
}

/// A token that was made for something else is no request (RFC 9101 section 10.8).
fn has_right_type(peeked: &Peeked) -> bool {
    let Some(given) = peeked.typ.as_deref() else { return true };
    let given = given.to_ascii_lowercase();
    TYPES.contains(&given.strip_prefix("application/").unwrap_or(&given))
}

/// Whether the object was made by this client, for this server, and for now.
fn judge(
    claims: &Claims,
    client: &Client,
    signature: &Signature,
    config: &Config,
    context: &RequestContext,
) -> Result<(), OAuth2Error> {
    let is_client = |name: &str| claims.get(name).and_then(Value::as_str) == Some(client.id.as_str());
    if !is_client("client_id") {
        return Err(invalid("its 'client_id' must be there and be the one of the request"));
    }
    if claims.contains_key("request") || claims.contains_key("request_uri") {
        return Err(invalid("it must not refer to another request object"));
    }
    // Else it would be good for client authentication too (RFC 9101 section 10.8).
    if is_client("sub") {
        return Err(invalid("its 'sub' must not be the client_id"));
    }
    let must = *signature != Signature::None;
    if !is_client("iss") && (must || claims.contains_key("iss")) {
        return Err(invalid("its 'iss' must be the client_id"));
    }
    let mut audiences = assertion::own_addresses(config);
    audiences.extend(config.addresses("/oauth2/auth"));
    if !assertion::names(claims, &audiences) && (must || claims.contains_key("aud")) {
        return Err(invalid("its 'aud' does not name this server: use its issuer"));
    }
    assertion::moments(claims, context.now).map(|_| ()).map_err(invalid)
}

/// What the object asks for.
fn pairs(claims: &Claims) -> Result<Vec<(String, String)>, OAuth2Error> {
    let mut pairs = Vec::new();
    let asked =
        claims.iter().filter(|(name, _)| !ABOUT.contains(&name.as_str()) && !CREDENTIALS.contains(&name.as_str()));
    for (name, value) in asked {
        match value {
            Value::Null => {}
            Value::String(text) => pairs.push((name.clone(), text.clone())),
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => pairs.push((name.clone(), value.to_string())),
            Value::Array(items) => {
                let texts: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
                let texts = texts.filter(|_| LISTS.contains(&name.as_str()));
                let texts = texts.ok_or_else(|| invalid("a parameter is a list that may not be one"))?;
                pairs.extend(texts.into_iter().map(|text| (name.clone(), text.to_owned())));
            }
        }
    }
    Ok(pairs)
}

fn invalid(why: &'static str) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidRequestObject, format!("The request object is not accepted: {why}."))
}
