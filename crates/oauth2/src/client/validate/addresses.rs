//! The addresses of a client.

use orrery_core::origin::OriginPattern;
use url::Url;

use super::wrong;
use crate::client::ClientMetadata;
use crate::error::{ErrorCode, OAuth2Error};

/// Schemes that run what follows them instead of going there.
const NEVER: [&str; 6] = ["javascript", "data", "vbscript", "blob", "about", "file"];

/// Addresses that are fetched or shown are those of web servers.
pub(super) fn check(metadata: &ClientMetadata) -> Result<(), OAuth2Error> {
    for (name, address) in [
        ("jwks_uri", &metadata.jwks_uri),
        ("backchannel_logout_uri", &metadata.backchannel_logout_uri),
        ("frontchannel_logout_uri", &metadata.frontchannel_logout_uri),
        ("policy_uri", &metadata.policy_uri),
        ("tos_uri", &metadata.tos_uri),
        ("client_uri", &metadata.client_uri),
        ("logo_uri", &metadata.logo_uri),
    ] {
        let given = address.as_deref().filter(|address| !address.is_empty());
        if given.is_some_and(|address| web(address).is_none()) {
            return Err(wrong(format!("The member {name} must be an http or https address.")));
        }
    }
    let requests = metadata.request_uris.as_deref().unwrap_or_default();
    if requests.iter().any(|address| web(address).is_none()) {
        return Err(wrong("Every entry of request_uris must be an http or https address."));
    }
    // OpenID Connect Back-Channel Logout section 2.2.
    let backchannel = metadata.backchannel_logout_uri.as_deref().unwrap_or_default();
    if backchannel.contains('#') {
        return Err(wrong("The member backchannel_logout_uri must not have a fragment."));
    }
    Ok(())
}

/// What this server calls must not be an address inside the operator's network. A name is judged when it is called.
pub(super) fn reachable(metadata: &ClientMetadata, allows: impl Fn(&str) -> bool) -> Result<(), OAuth2Error> {
    let requests = metadata.request_uris.as_deref().unwrap_or_default().iter().map(|uri| ("request_uris", uri));
    let called = [("jwks_uri", &metadata.jwks_uri), ("backchannel_logout_uri", &metadata.backchannel_logout_uri)];
    let called = called.into_iter().filter_map(|(name, uri)| Some((name, uri.as_ref()?))).chain(requests);
    for (name, uri) in called {
        if !uri.is_empty() && !allows(uri) {
            return Err(wrong(format!("The member {name} must be an address that this server may call.")));
        }
    }
    Ok(())
}

fn web(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// `allowed_cors_origins`, each without a final slash.
pub(super) fn origins(metadata: &ClientMetadata) -> Result<Vec<String>, OAuth2Error> {
    let given = metadata.allowed_cors_origins.as_deref().unwrap_or_default();
    let origin = |origin: &String| {
        let trimmed = origin.strip_suffix('/').unwrap_or(origin);
        let bare = web(trimmed).is_some_and(|url| {
            url.username().is_empty()
                && url.password().is_none()
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
        });
        // Parsing adds a path that was not there, and knows nothing of stars.
        if bare && OriginPattern::parse(trimmed).is_some() {
            Ok(trimmed.to_owned())
        } else {
            Err(wrong(
                "Every entry of allowed_cors_origins must be an origin such as https://app.example.com or \
                 https://*.example.com, without user, path, query or fragment. A star stands for one label of the \
                 name or for a part of one, and then two labels follow.",
            ))
        }
    };
    given.iter().map(origin).collect()
}

/// `redirect_uris`: absolute and without a fragment (RFC 6749 section 3.1.2).
pub(super) fn redirects(redirect_uris: &[String]) -> Result<(), OAuth2Error> {
    let refused = |why: &str| {
        let description =
            format!("Every entry of redirect_uris must be an absolute address without a fragment: {why}.");
        Err(OAuth2Error::new(ErrorCode::InvalidRedirectUri, description))
    };
    for uri in redirect_uris {
        if uri.contains('#') {
            return refused("one has a fragment");
        }
        if uri.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return refused("one has a space or a control character");
        }
        let Ok(url) = Url::parse(uri) else { return refused("one is not an absolute address") };
        if NEVER.contains(&url.scheme()) {
            return refused("one has a scheme that a browser would run");
        }
        if matches!(url.scheme(), "http" | "https") && (!url.has_host() || !uri.contains("://")) {
            return refused("one has no host");
        }
    }
    Ok(())
}

/// `post_logout_redirect_uris`: each on the site of some redirect address.
pub(super) fn after_logout(after_logout: &[String], redirect_uris: &[String]) -> Result<(), OAuth2Error> {
    let site = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default());
    let sites: Vec<_> = redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok()).map(|url| site(&url)).collect();
    for uri in after_logout {
        let known = Url::parse(uri).is_ok_and(|url| sites.contains(&site(&url)) && !NEVER.contains(&url.scheme()));
        if !known {
            return Err(wrong(
                "Every entry of post_logout_redirect_uris must have scheme, host and port of one of the redirect_uris.",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn redirect_addresses_lead_somewhere() {
        let fine = ["https://app.example.com/cb?x=1", "http://127.0.0.1/cb", "com.example.app:/cb", "myapp://cb"];
        assert!(redirects(&all(&fine)).is_ok());
        for bad in [
            "",
            "/cb",
            "app.example.com/cb",
            "https://app.example.com/cb#x",
            "https://app.example.com/ cb",
            "https:/cb",
            "javascript:alert(1)",
            "data:text/html,x",
        ] {
            let refused = redirects(&all(&[fine[0], bad])).expect_err(bad);
            assert_eq!(refused.code, ErrorCode::InvalidRedirectUri, "{bad}");
        }
    }

    #[test]
    fn origins_are_bare() {
        let origins = |origin: &str| {
            let metadata = ClientMetadata { allowed_cors_origins: Some(all(&[origin])), ..ClientMetadata::default() };
            origins(&metadata).ok()
        };
        for (given, kept) in [
            ("https://app.example.com/", "https://app.example.com"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://*.example.com", "https://*.example.com"),
            ("https://pr-*.example.com", "https://pr-*.example.com"),
            ("https://*", "https://*"),
        ] {
            assert_eq!(origins(given), Some(all(&[kept])), "{given}");
        }
        for bad in [
            "*",
            "null",
            "app.example.com",
            "https://a@b",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "ftp://a",
            "https://*example.com",
        ] {
            assert_eq!(origins(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_logout_ends_on_the_same_site() {
        let redirects = all(&["https://app.example.com:8443/cb", "com.example.app:/cb"]);
        for fine in ["https://app.example.com:8443/bye", "com.example.app:/bye"] {
            assert!(after_logout(&all(&[fine]), &redirects).is_ok(), "{fine}");
        }
        for bad in
            ["https://app.example.com/bye", "http://app.example.com:8443/", "https://other.example.com:8443", "x"]
        {
            assert!(after_logout(&all(&[bad]), &redirects).is_err(), "{bad}");
        }
    }
}
