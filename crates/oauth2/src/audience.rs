//! Audiences: which resource servers a token is for, and which of them a client may name (RFC 8707).

use url::Url;

use crate::error::{ErrorCode, OAuth2Error};

/// The audiences of a request. One `audience` is a space-separated list, several are taken as they are; every
/// `resource` (RFC 8707 section 2) is one.
///
/// # Errors
/// `invalid_target` for a `resource` that is no absolute URI or has a fragment.
pub fn parse(audience: &[&str], resource: &[&str]) -> Result<Vec<String>, OAuth2Error> {
    let mut audiences: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !name.is_empty() && !audiences.iter().any(|known| known == name) {
            audiences.push(name.to_owned());
        }
    };
    match audience {
        [list] => list.split_ascii_whitespace().for_each(&mut add),
        names => names.iter().copied().for_each(&mut add),
    }
    for name in resource.iter().copied().filter(|name| !name.is_empty()) {
        if Url::parse(name).is_err() || name.contains('#') {
            return Err(OAuth2Error::new(
                ErrorCode::InvalidTarget,
                "The parameter 'resource' must be an absolute URI without a fragment.",
            ));
        }
        add(name);
    }
    Ok(audiences)
}

/// Refuses audiences that `registered` does not cover.
///
/// # Errors
/// `refusal` (`invalid_request` as Hydra answers, `invalid_target` where RFC 8707 asks), naming the first.
pub fn check(registered: &[String], asked: &[String], refusal: ErrorCode) -> Result<(), OAuth2Error> {
    match asked.iter().find(|audience| !allows(registered, audience)) {
        None => Ok(()),
        Some(audience) => Err(OAuth2Error::new(
            refusal,
            format!("The client may not ask for the audience '{audience}'. Register it with the client first."),
        )),
    }
}

/// Whether any of the registered audiences covers the one that is asked for: the same scheme and host, and the same
/// path or one below it. Names that are no URLs are compared alike, as paths.
#[must_use]
pub fn allows(registered: &[String], asked: &str) -> bool {
    registered.iter().any(|known| known == asked || covers(known, asked))
}

fn covers(registered: &str, asked: &str) -> bool {
    let ((origin, path), (asked_origin, asked_path)) = (split(registered), split(asked));
    let path = path.trim_end_matches('/');
    let below = asked_path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // What a resource server would resolve elsewhere is not below.
    let climbs = asked_path.split('/').any(|segment| segment == ".." || segment == ".");
    origin == asked_origin && below && !climbs
}

/// Scheme and host (with its port), and the path. A name without them is all path. Query and fragment do not count.
fn split(audience: &str) -> (Option<(String, String)>, String) {
    match Url::parse(audience) {
        Ok(url) if url.has_host() => {
            let host = url.host_str().unwrap_or_default();
            let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
            // As it was written: parsing would have resolved `..` already.
            let after_scheme = audience.split_once("://").map_or("", |(_, rest)| rest);
            let path = after_scheme.find('/').map_or("", |at| &after_scheme[at..]);
            (Some((url.scheme().to_owned(), host)), path.split(['?', '#']).next().unwrap_or_default().to_owned())
        }
        Ok(_) | Err(_) => (None, audience.split(['?', '#']).next().unwrap_or_default().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_parameter_is_a_list_and_several_are_not() {
        assert_eq!(parse(&["a b"], &[]).ok(), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(parse(&["a b", "c"], &[]).ok(), Some(vec!["a b".to_owned(), "c".to_owned()]));
        let both = parse(&["a"], &["https://x.example/1", "https://x.example/1"]).ok();
        assert_eq!(both, Some(vec!["a".to_owned(), "https://x.example/1".to_owned()]));
        for bad in ["relative", "https://x.example/#fragment"] {
            assert_eq!(parse(&[], &[bad]).err().map(|error| error.code), Some(ErrorCode::InvalidTarget), "{bad}");
        }
    }

    #[test]
    fn an_audience_covers_what_lies_below_it() {
        for (registered, asked, fits) in [
            ("https://api.example.com/v1", "https://api.example.com/v1", true),
            ("https://api.example.com/v1", "https://api.example.com/v1/", true),
            ("https://api.example.com/v1/", "https://api.example.com/v1", true),
            ("https://api.example.com/v1", "https://api.example.com/v1/users", true),
            ("https://api.example.com/v1", "https://api.example.com/v10", false),
            ("https://api.example.com/v1", "https://api.example.com/v1/../admin", false),
            ("https://api.example.com/v1", "http://api.example.com/v1", false),
            ("https://api.example.com/v1", "https://api.example.com:8443/v1", false),
            ("https://api.example.com", "https://api.example.com.evil.example", false),
            ("https://api.example.com", "https://api.example.com@evil.example/", false),
            ("https://api.example.com", "https://api.example.com/anything", true),
            ("my-api", "my-api", true),
            ("my-api", "my-api/x", true),
            ("my-api", "my-apis", false),
        ] {
            assert_eq!(allows(&[registered.to_owned()], asked), fits, "{registered} for {asked}");
        }
    }
}
