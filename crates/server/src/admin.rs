//! Who may use the admin listener: everybody on this machine, or whoever holds a token.

use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderValue, ORIGIN, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use arc_swap::ArcSwap;
use orrery_core::secret::Purpose;
use orrery_core::{Keyring, TokenHash};
use orrery_web::ApiError;
use subtle::{Choice, ConstantTimeEq as _};
use url::Url;

use crate::config::value::Secret;
use crate::local::OwnNames;

/// The rule of one server. Tokens are kept as keyed hashes and can be replaced while running.
pub(crate) struct AdminAccess {
    keyring: Arc<Keyring>,
    tokens: ArcSwap<Vec<TokenHash>>,
    own: OwnNames,
}

impl AdminAccess {
    /// Access with these tokens; without any, for callers on this machine only, which the listener has to ensure.
    #[must_use]
    pub(crate) fn new(keyring: Arc<Keyring>, tokens: &[Secret], base_url: &Url) -> Self {
        let access = Self { keyring, tokens: ArcSwap::default(), own: OwnNames::new(base_url) };
        access.replace(tokens);
        access
    }

    /// Other tokens from now on.
    pub(crate) fn replace(&self, tokens: &[Secret]) {
        let hash = |token: &Secret| self.keyring.hash(Purpose::AdminToken, token.expose());
        self.tokens.store(Arc::new(tokens.iter().map(hash).collect()));
    }

    fn judge(&self, request: &ServiceRequest) -> Result<(), ApiError> {
        // Probes carry no secrets and tell none.
        let path = request.path();
        if path.strip_prefix("/admin").unwrap_or(path).starts_with("/health/") {
            return Ok(());
        }
        let tokens = self.tokens.load();
        if tokens.is_empty() { self.is_local(request) } else { self.bears_token(request, &tokens) }
    }

    fn bears_token(&self, request: &ServiceRequest, tokens: &[TokenHash]) -> Result<(), ApiError> {
        let refused = || ApiError::unauthorized("Send a token of the configuration as Authorization: Bearer <token>.");
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(refused)?;
        let (scheme, token) = header.split_once(' ').ok_or_else(refused)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(refused());
        }
        let given = self.keyring.hash(Purpose::AdminToken, token.trim());
        // Every token is compared to its end, so that the time tells nothing.
        let known = tokens.iter().fold(Choice::from(0), |known, token| known | token.0.ct_eq(&given.0));
        if bool::from(known) { Ok(()) } else { Err(refused()) }
    }

    /// Without a token, being on this machine is the proof. A web page is not, although its requests come from here:
    /// neither one whose name was pointed at 127.0.0.1 (its `Host` is a name), nor one that posts across origins.
    fn is_local(&self, request: &ServiceRequest) -> Result<(), ApiError> {
        let headers = request.headers();
        if !self.own.include_host_of(headers) {
            return Err(ApiError::forbidden(
                "The Host header names another machine. Use 127.0.0.1, or set serve.admin.base_url to this name.",
            ));
        }
        if headers.contains_key(ORIGIN) || headers.get("sec-fetch-site").is_some_and(|site| site != "none") {
            return Err(ApiError::forbidden("Web pages cannot use this listener. Configure admin.tokens for that."));
        }
        Ok(())
    }
}

/// The middleware of the admin listener.
///
/// # Errors
/// Only what a middleware further inside fails with.
pub(crate) async fn guard<B: MessageBody + 'static>(
    access: web::Data<AdminAccess>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match access.judge(&request) {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(error) => {
            let mut response = actix_web::HttpResponse::from_error(error);
            if response.status() == actix_web::http::StatusCode::UNAUTHORIZED {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // Not `into_response`, which forgets the error that the edge renders in the form of the path.
            Ok(ServiceResponse::new(request.into_parts().0, response).map_into_right_body())
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use secrecy::SecretString;

    use super::*;

    const TOKEN: &str = "a token of at least thirty-two characters";

    fn access(tokens: &[&str]) -> AdminAccess {
        let keyring = Keyring::new(&[SecretString::from("a secret of some length")]).expect("a keyring");
        let tokens: Vec<_> = tokens.iter().map(|token| Secret::new((*token).to_owned())).collect();
        AdminAccess::new(Arc::new(keyring), &tokens, &Url::parse("http://admin.example/").expect("a URL"))
    }

    fn status(access: &AdminAccess, headers: &[(&'static str, &str)]) -> u16 {
        let mut request = TestRequest::with_uri("/admin/identities");
        for (name, value) in headers {
            request = request.insert_header((*name, *value));
        }
        access.judge(&request.to_srv_request()).map_or_else(|error| error.status().as_u16(), |()| 200)
    }

    #[test]
    fn a_configured_token_is_asked_for() {
        let access = access(&["another token of thirty-two characters", TOKEN]);
        assert_eq!(status(&access, &[("authorization", &format!("Bearer {TOKEN}"))]), 200);
        assert_eq!(status(&access, &[("authorization", &format!("bearer {TOKEN}"))]), 200);
        for wrong in
            [String::new(), TOKEN.to_owned(), format!("Basic {TOKEN}"), format!("Bearer {TOKEN}x"), "Bearer ".into()]
        {
            assert_eq!(status(&access, &[("authorization", &wrong)]), 401, "{wrong}");
        }
        assert_eq!(status(&access, &[]), 401);
        access.replace(&[Secret::new("a new token of thirty-two characters".to_owned())]);
        assert_eq!(status(&access, &[("authorization", &format!("Bearer {TOKEN}"))]), 401);
    }

    #[test]
    fn a_name_pointed_at_this_machine_is_refused() {
        let access = access(&[]);
        for host in ["127.0.0.1:4434", "localhost:4434", "[::1]:4434", "admin.example"] {
            assert_eq!(status(&access, &[("host", host)]), 200, "{host}");
        }
        for host in ["evil.example:4434", "127.0.0.1.evil.example", "localhost.evil.example", "", "a b"] {
            assert_eq!(status(&access, &[("host", host)]), 403, "{host}");
        }
    }

    #[test]
    fn a_web_page_cannot_post_across_origins() {
        let access = access(&[]);
        assert_eq!(status(&access, &[("host", "127.0.0.1"), ("origin", "https://evil.example")]), 403);
        assert_eq!(status(&access, &[("host", "127.0.0.1"), ("origin", "null")]), 403);
        assert_eq!(status(&access, &[("host", "127.0.0.1"), ("sec-fetch-site", "cross-site")]), 403);
        assert_eq!(status(&access, &[("host", "127.0.0.1"), ("sec-fetch-site", "none")]), 200);
    }
}
