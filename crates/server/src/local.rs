//! Requests that come from this machine, and not from a web page that was led here.
//!
//! A page whose name was pointed at 127.0.0.1 (DNS rebinding) counts as same-origin to its browser. What gives it away is
//! the `Host` header: it names the page's own host.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};
use orrery_web::ApiError;
use url::{Host, Url};

/// The names under which a listener expects to be asked: addresses, `localhost`, and the host of its base URL.
#[derive(Debug, Clone)]
pub(crate) struct OwnNames(Option<String>);

impl OwnNames {
    pub(crate) fn new(base_url: &Url) -> Self {
        Self(base_url.host_str().map(str::to_owned))
    }

    /// Whether `authority` (host and port) is one of them. An address is nobody's to point elsewhere.
    pub(crate) fn include(&self, authority: &str) -> bool {
        let url = Url::parse(&format!("http://{authority}")).ok();
        match url.as_ref().and_then(Url::host) {
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
            Some(Host::Domain(name)) => name == "localhost" || self.0.as_deref() == Some(name),
            None => false,
        }
    }

    /// Whether a request is meant for this listener, as far as its `Host` tells.
    pub(crate) fn include_host_of(&self, headers: &HeaderMap) -> bool {
        headers.get(HOST).is_none_or(|host| self.include(text(host)))
    }

    /// Whether no page of another site can read the answer: neither by its name, nor across origins.
    fn is_read_here(&self, headers: &HeaderMap) -> bool {
        let own_origin = |origin: &str| origin.split_once("://").is_some_and(|(_, authority)| self.include(authority));
        let fetched = |value| headers.get("sec-fetch-site").is_some_and(|site| site == value);
        let followed = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
        self.include_host_of(headers)
            && headers.get(ORIGIN).is_none_or(|origin| own_origin(text(origin)))
            && (followed || !fetched("cross-site"))
    }
}

/// A header as text; what is none names nobody.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or("\0")
}

/// Guards the development inbox, which shows every code to whoever reads it.
///
/// # Errors
/// Only what a middleware further inside fails with.
pub(crate) async fn inbox<B: MessageBody + 'static>(
    own: web::Data<OwnNames>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    // As the router reads it.
    let path = request.match_info().as_str();
    let is_inbox = path.starts_with("/inbox") || path.starts_with("/ui/inbox");
    if !is_inbox || own.is_read_here(request.headers()) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let refused = ApiError::forbidden(
        "The inbox is for people on this machine. Use 127.0.0.1, or set serve.public.base_url to this name.",
    );
    let refused = HttpResponse::from_error(refused);
    Ok(ServiceResponse::new(request.into_parts().0, refused).map_into_right_body())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn own() -> OwnNames {
        OwnNames::new(&Url::parse("http://id.example/").expect("a URL"))
    }

    #[test]
    fn addresses_localhost_and_the_own_name_are_own() {
        for host in ["127.0.0.1:4433", "[::1]:4433", "192.168.0.7", "localhost:4433", "id.example", "ID.example:80"] {
            assert!(own().include(host), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "x.id.example", "", "\0"] {
            assert!(!own().include(host), "{host:?}");
        }
    }

    #[test]
    fn a_page_of_another_site_cannot_read_the_inbox() {
        let reads = |headers: &[(&'static str, &'static str)]| {
            let request = headers.iter().fold(TestRequest::get(), |request, header| request.insert_header(*header));
            own().is_read_here(request.to_srv_request().headers())
        };
        assert!(reads(&[("host", "127.0.0.1:4433")]));
        assert!(reads(&[
            ("host", "127.0.0.1:4433"),
            ("origin", "http://127.0.0.1:4433"),
            ("sec-fetch-site", "same-origin")
        ]));
        assert!(reads(&[("host", "localhost"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]));
        assert!(!reads(&[("host", "evil.example:4433")]), "a name pointed here");
        assert!(!reads(&[("host", "127.0.0.1:4433"), ("origin", "https://evil.example")]));
        assert!(!reads(&[("host", "127.0.0.1:4433"), ("origin", "null")]));
        assert!(!reads(&[("host", "127.0.0.1"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]));
    }
}
