//! The request context as an extractor, and addresses built from configuration rather than from headers.

use std::future::{Ready, ready};
use std::ops::Deref;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use orrery_core::RequestContext;
use url::Url;

use crate::ApiError;

/// The [`RequestContext`] that the edge middleware made for this request.
#[derive(Debug, Clone)]
pub struct Context(Rc<RequestContext>);

impl Context {
    /// Attaches a context to a request; the edge does it once.
    pub(crate) fn attach(request: &impl HttpMessage, context: Rc<RequestContext>) {
        request.extensions_mut().insert(Self(context));
    }
}

impl Deref for Context {
    type Target = RequestContext;

    fn deref(&self) -> &RequestContext {
        &self.0
    }
}

impl FromRequest for Context {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let context = request.extensions().get::<Self>().cloned();
        ready(context.ok_or_else(|| ApiError::internal("the edge middleware is not installed")))
    }
}

/// The address that the browser asked for: `base` with the path and query of the request.
///
/// The `Host` and `X-Forwarded-Host` headers take no part: a caller who forges them must not be able to plant an
/// address in a mail or a redirect.
#[must_use]
pub fn request_url(base: &Url, request: &HttpRequest) -> String {
    let mut url = base.clone();
    let path = format!("{}{}", base.path().trim_end_matches('/'), request.path());
    url.set_path(&path);
    url.set_query(Some(request.query_string()).filter(|query| !query.is_empty()));
    url.set_fragment(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_forged_host_header_does_not_reach_the_address() {
        let base = Url::parse("https://id.example.org/auth/").expect("valid");
        let request = TestRequest::with_uri("/self-service/login/browser?return_to=%2Fx")
            .insert_header(("Host", "evil.example"))
            .insert_header(("X-Forwarded-Host", "evil.example"))
            .to_http_request();
        assert_eq!(
            request_url(&base, &request),
            "https://id.example.org/auth/self-service/login/browser?return_to=%2Fx"
        );
    }
}
