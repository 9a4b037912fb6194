//! The provider as it describes itself, and the client that we are to it.

use anyhow::{Context as _, bail};
use http::{Request, Response};
use openidconnect::core::{CoreClient, CoreJsonWebKeySet, CoreProviderMetadata};
use openidconnect::{AuthType, ClientId, ClientSecret, EndpointMaybeSet, EndpointNotSet, EndpointSet, RedirectUrl};
use secrecy::ExposeSecret as _;
use url::Url;

use crate::cli::{OAuth2Client, SecretPlace};
use crate::commands::client::{Caller, Problem, plain};

/// A client of a provider that has an authorization endpoint.
pub(super) type RelyingParty =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// Reads the discovery document and the keys (OpenID Connect Discovery section 4).
///
/// # Errors
/// When there are none, or the document is another issuer's.
pub(super) async fn discover(caller: &Caller, endpoint: &Url) -> anyhow::Result<CoreProviderMetadata> {
    let document = caller.read(&[".well-known", "openid-configuration"]).await?;
    let metadata: CoreProviderMetadata =
        serde_json::from_value(document).context("the server's discovery document cannot be understood")?;
    let issuer = metadata.issuer().as_str();
    // With or without a slash at its end: only the issuer knows.
    if issuer.trim_end_matches('/') != endpoint.as_str().trim_end_matches('/') {
        let issuer = plain(issuer);
        bail!("the server at {endpoint} calls itself {issuer}; use --endpoint {issuer}");
    }
    // It is handed to whatever opens addresses on this machine.
    if !matches!(metadata.authorization_endpoint().url().scheme(), "http" | "https") {
        bail!("the server's authorization endpoint is no web address");
    }
    let http = |request| send(caller, request);
    let keys = CoreJsonWebKeySet::fetch_async(metadata.jwks_uri(), &http).await;
    Ok(metadata.set_jwks(keys.context("the server's keys cannot be had")?))
}

/// Who we are.
///
/// # Errors
/// Only when the address to come back to is no URL.
pub(super) fn client(
    provider: &CoreProviderMetadata,
    oauth2: &OAuth2Client,
    redirect_uri: &str,
) -> anyhow::Result<RelyingParty> {
    let secret = oauth2.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
    let client = CoreClient::from_provider_metadata(provider.clone(), ClientId::new(oauth2.client_id.clone()), secret)
        // The flags say everything that is asked for.
        .disable_openid_scope()
        .set_redirect_uri(RedirectUrl::new(redirect_uri.to_owned())?);
    Ok(client.set_auth_type(match oauth2.client_auth {
        SecretPlace::Basic => AuthType::BasicAuth,
        SecretPlace::Post => AuthType::RequestBody,
    }))
}

/// Carries a request of the library over our own client, which follows no redirect.
///
/// # Errors
/// When there is no answer.
pub(super) async fn send(caller: &Caller, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Problem> {
    let (parts, body) = request.into_parts();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let answer = caller.send(parts.method.to_string(), parts.uri.to_string(), headers, body).await?;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(answer.body).map_err(|_| caller.no_answer_of_ours())
}
