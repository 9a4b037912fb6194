//! From a code to tokens, and whether the ID token is good.

use anyhow::{Context as _, bail};
use openidconnect::core::{CoreErrorResponseType, CoreIdTokenClaims, CoreIdTokenVerifier, CoreTokenResponse};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, Nonce, OAuth2TokenResponse as _, PkceCodeVerifier, RequestTokenError, Scope,
    StandardErrorResponse, TokenResponse as _,
};
use orrery_core::{Clock as _, SystemClock};

use super::provider::{self, RelyingParty};
use crate::commands::client::{Caller, Problem, plain};

/// How far the provider's clock may be from ours, in seconds.
const CLOCK_SKEW: i64 = 60;

/// What was begun before the browser left.
pub(super) struct Begun<'a> {
    pub(super) client: &'a RelyingParty,
    pub(super) caller: &'a Caller,
    pub(super) verifier: PkceCodeVerifier,
    pub(super) nonce: Nonce,
    /// Whether an ID token was asked for.
    pub(super) asked_for_openid: bool,
    /// How old the sign-in may be, in seconds.
    pub(super) max_age: Option<u32>,
}

/// The tokens, and what the ID token says, which is known to be true.
pub(super) struct Tokens {
    pub(super) response: CoreTokenResponse,
    pub(super) claims: Option<CoreIdTokenClaims>,
}

impl Tokens {
    /// Who signed in, where an ID token says so.
    pub(super) fn subject(&self) -> Option<String> {
        self.claims.as_ref().map(|claims| claims.subject().to_string())
    }
}

/// Exchanges the code (RFC 6749 section 4.1.3, RFC 7636 section 4.5) and checks the ID token (OpenID Connect Core section
/// 3.1.3.7).
///
/// # Errors
/// What the server refuses, and what is wrong with the ID token.
pub(super) async fn exchange(begun: Begun<'_>, code: AuthorizationCode) -> anyhow::Result<Tokens> {
    let Begun { client, caller, verifier, nonce, asked_for_openid, max_age } = begun;
    let http = |request| provider::send(caller, request);
    let exchange = client.exchange_code(code).context("the server has no token endpoint")?;
    let response = exchange.set_pkce_verifier(verifier).request_async(&http).await.map_err(explain)?;
    let Some(id_token) = response.id_token() else {
        // What was granted need not be said where it is what was asked for (RFC 6749 section 5.1).
        let granted = |scopes: &Vec<Scope>| scopes.iter().any(|scope| scope.as_str() == "openid");
        if response.scopes().map_or(asked_for_openid, granted) {
            bail!("the server granted openid and sent no ID token");
        }
        return Ok(Tokens { response, claims: None });
    };
    let id_token_verifier: CoreIdTokenVerifier<'_> = client.id_token_verifier();
    let claims = id_token.claims(&id_token_verifier, &nonce).context("the ID token is not good")?.clone();
    if let Some(expected) = claims.access_token_hash() {
        let key = id_token.signing_key(&id_token_verifier)?;
        let actual = AccessTokenHash::from_token(response.access_token(), id_token.signing_alg()?, key)?;
        if actual != *expected {
            bail!("the ID token is not good: its at_hash is of another access token");
        }
    }
    if let Some(max_age) = max_age {
        let Some(at) = claims.auth_time() else { bail!("the ID token is not good: auth_time is missing") };
        if SystemClock.now().as_seconds() - at.timestamp() > i64::from(max_age) + CLOCK_SKEW {
            bail!("the ID token is not good: the sign-in is older than --max-age");
        }
    }
    Ok(Tokens { response, claims: Some(claims) })
}

type Refused = RequestTokenError<Problem, StandardErrorResponse<CoreErrorResponseType>>;

fn explain(error: Refused) -> anyhow::Error {
    match error {
        RequestTokenError::ServerResponse(said) => {
            let description = said.error_description().map_or_else(String::new, |text| format!(": {}", plain(text)));
            anyhow::anyhow!("the server refused the code ({}){description}", plain(said.error().as_ref()))
        }
        RequestTokenError::Request(problem) => problem.into(),
        RequestTokenError::Parse(why, _) => anyhow::anyhow!("the server's answer cannot be understood: {why}"),
        RequestTokenError::Other(why) => anyhow::anyhow!("the server's answer cannot be understood: {why}"),
    }
}
