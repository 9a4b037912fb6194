//! Redirect addresses: which of the registered ones a request means, and whether it is safe to send a code there.

use std::net::IpAddr;

use url::{Host, Url};

use crate::client::Client;
use crate::error::{ErrorCode, OAuth2Error};

/// The address that the answer goes to.
///
/// It must equal a registered one byte for byte. The one exception is the port of a loopback IP address, which a native
/// application cannot know beforehand (RFC 8252 section 7.3).
///
/// # Errors
/// `invalid_request`. The person is told; nobody is redirected to an address that the client has not registered.
pub(super) fn choose(client: &Client, asked: Option<&str>, openid: bool) -> Result<String, OAuth2Error> {
    let refused = |reason: &'static str| Err(OAuth2Error::new(ErrorCode::InvalidRequest, reason));
    let Some(asked) = asked else {
        return match client.redirect_uris.as_slice() {
            [] => refused("The client has no registered 'redirect_uri'."),
            [_] if openid => refused("The parameter 'redirect_uri' is missing; OpenID Connect requires it."),
            [only] => Ok(only.clone()),
            _ => refused("The parameter 'redirect_uri' is missing, and the client has registered more than one."),
        };
    };
    // What follows a `#` never reaches the client; a code placed behind it could.
    if asked.contains('#') {
        return refused("The parameter 'redirect_uri' must not have a fragment.");
    }
    if Url::parse(asked).is_err() {
        return refused("The parameter 'redirect_uri' must be an absolute URL.");
    }
    if client.redirect_uris.iter().any(|registered| registered == asked || same_but_port(registered, asked)) {
        return Ok(asked.to_owned());
    }
    refused("The parameter 'redirect_uri' does not equal any of the addresses that the client has registered.")
}

/// Whether two addresses of a loopback interface differ in their port alone.
fn same_but_port(registered: &str, asked: &str) -> bool {
    let (Some(registered), Some(asked)) = (loopback_parts(registered), loopback_parts(asked)) else { return false };
    registered == asked
}

/// Host, and what follows the port, of a plain http address of a loopback IP, exactly as written.
fn loopback_parts(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("http://")?;
    let end = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let host_end =
        if authority.starts_with('[') { authority.find(']')? + 1 } else { authority.find(':').unwrap_or(end) };
    let (host, port) = authority.split_at(host_end.min(authority.len()));
    let port = port.strip_prefix(':').unwrap_or(port);
    if !port.bytes().all(|byte| byte.is_ascii_digit()) || port.len() > 5 {
        return None;
    }
    let address: IpAddr = host.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    address.is_loopback().then_some((host, tail))
}

/// Whether a code that is sent there stays with the application: anything but plain http beyond this machine.
pub(super) fn is_secure(redirect_uri: &str) -> bool {
    Url::parse(redirect_uri).is_ok_and(|url| url.scheme() != "http" || is_local(&url))
}

/// Whether the address proves who the application is: https, or http on this machine. Anybody's application can claim a
/// scheme of its own, so consent to it is never assumed.
pub(crate) fn identifies_the_client(redirect_uri: &str) -> bool {
    Url::parse(redirect_uri).is_ok_and(|url| url.scheme() == "https" || (url.scheme() == "http" && is_local(&url)))
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn chosen(registered: &[&str], asked: Option<&str>) -> Option<String> {
        let redirect_uris = registered.iter().map(|uri| (*uri).to_owned()).collect();
        choose(&Client { redirect_uris, ..samples::client() }, asked, false).ok()
    }

    #[test]
    fn only_the_very_address_is_accepted() {
        let registered = "https://app.example/callback?a=b";
        assert_eq!(chosen(&[registered], Some(registered)).as_deref(), Some(registered));
        for almost in [
            "https://app.example/callback",
            "https://app.example/callback?a=b&c=d",
            "https://app.example/callback?a=B",
            "https://APP.example/callback?a=b",
            "https://app.example/Callback?a=b",
            "https://app.example/callback/?a=b",
            "https://app.example:443/callback?a=b",
            "https://app.example/x/../callback?a=b",
            "https://app.example/callback%3Fa=b",
            "https://app.example.evil.example/callback?a=b",
            "https://app.example@evil.example/callback?a=b",
            "https://evil.example/callback?a=b",
            "https://app.example/callback?a=b#",
            "https://app.example/callback?a=b#fragment",
            "https://app.example/callback?a=b ",
            "http://app.example/callback?a=b",
            "//app.example/callback?a=b",
            "/callback?a=b",
            "callback",
        ] {
            assert_eq!(chosen(&[registered], Some(almost)), None, "{almost}");
        }
        assert_eq!(chosen(&["https://app.example/*"], Some("https://app.example/x")), None, "no wildcards");
    }

    #[test]
    fn a_loopback_address_may_use_any_port_and_differ_in_nothing_else() {
        let registered = "http://127.0.0.1/callback?a=b";
        for asked in ["http://127.0.0.1:4711/callback?a=b", registered] {
            assert_eq!(chosen(&[registered], Some(asked)).as_deref(), Some(asked));
        }
        assert!(chosen(&["http://[::1]:1/cb"], Some("http://[::1]:65535/cb")).is_some());
        assert!(chosen(&["http://127.0.0.1:80"], Some("http://127.0.0.1:81")).is_some());
        for almost in [
            "http://127.0.0.1:4711/callback?a=c",
            "http://127.0.0.1:4711/callback",
            "http://127.0.0.1:4711/other?a=b",
            "http://127.0.0.2:4711/callback?a=b",
            "http://127.0.0.1:4711@evil.example/callback?a=b",
            "http://127.0.0.1:x/callback?a=b",
            "http://127.0.0.1.evil.example/callback?a=b",
            "http://localhost:4711/callback?a=b",
            "https://127.0.0.1:4711/callback?a=b",
            "http://127.0.0.1:4711\\@evil.example/callback?a=b",
        ] {
            assert_eq!(chosen(&[registered], Some(almost)), None, "{almost}");
        }
        assert_eq!(chosen(&["http://localhost/cb"], Some("http://localhost:1/cb")), None, "a name can be anybody");
        assert_eq!(chosen(&["http://192.0.2.1/cb"], Some("http://192.0.2.1:1/cb")), None);
    }

    #[test]
    fn one_registered_address_need_not_be_named_except_for_openid() {
        let client = samples::client();
        assert_eq!(choose(&client, None, false).ok().as_deref(), Some("https://app.example/callback"));
        assert!(choose(&client, None, true).is_err());
        assert_eq!(chosen(&[], None), None);
        assert_eq!(chosen(&[], Some("https://app.example/")), None);
        assert_eq!(chosen(&["https://a.example/", "https://b.example/"], None), None);
    }

    #[test]
    fn plain_http_is_for_this_machine_and_own_schemes_prove_nothing() {
        for (uri, secure, proves) in [
            ("https://app.example/cb", true, true),
            ("http://localhost:3000/cb", true, true),
            ("http://app.localhost/cb", true, true),
            ("http://127.0.0.1/cb", true, true),
            ("http://[::1]/cb", true, true),
            ("http://app.example/cb", false, false),
            ("com.example.app:/cb", true, false),
            ("myapp://cb", true, false),
        ] {
            assert_eq!((is_secure(uri), identifies_the_client(uri)), (secure, proves), "{uri}");
        }
    }
}
