//! Cookies under one policy.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::header::COOKIE;

/// How every cookie of a surface is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookiePolicy {
    /// `Domain`; without one, a cookie belongs to the exact host.
    pub domain: Option<String>,
    /// `Path`.
    pub path: String,
    /// `SameSite`. `None` without `Secure` is refused by browsers, so it then becomes `Lax`.
    pub same_site: SameSite,
    /// `Secure`: always, unless the public address is plain http on loopback.
    pub secure: bool,
}

impl CookiePolicy {
    /// `name` with the `__Host-` prefix when this policy allows it: secure, path `/` and no domain. Browsers then
    /// refuse a cookie of that name from any subdomain.
    #[must_use]
    pub fn host_name(&self, name: &str) -> String {
        if self.secure && self.path == "/" && self.domain.is_none() {
            format!("__Host-{name}")
        } else {
            name.to_owned()
        }
    }

    /// A cookie that scripts cannot read. Without `max_age` it ends with the browser session.
    #[must_use]
    pub fn cookie(&self, name: &str, value: String, max_age: Option<Duration>) -> Cookie<'static> {
        let mut cookie = Cookie::new(name.to_owned(), value);
        cookie.set_http_only(true);
        cookie.set_path(self.path.clone());
        if let Some(domain) = &self.domain {
            cookie.set_domain(domain.clone());
        }
        cookie.set_secure(self.secure);
        let lax = self.same_site == SameSite::None && !self.secure;
        cookie.set_same_site(if lax { SameSite::Lax } else { self.same_site });
        if let Some(age) = max_age {
            cookie.set_max_age(time::Duration::try_from(age).unwrap_or(time::Duration::MAX));
        }
        cookie
    }

    /// A cookie that removes another of the same name.
    #[must_use]
    pub fn removal(&self, name: &str) -> Cookie<'static> {
        let mut cookie = self.cookie(name, String::new(), Some(Duration::ZERO));
        cookie.set_expires(time::OffsetDateTime::UNIX_EPOCH);
        cookie
    }
}

/// Every cookie of a name, in the order sent. A neighbouring subdomain can add one of the same name, so a reader
/// tries each instead of trusting the first.
#[must_use]
pub fn values(request: &HttpRequest, name: &str) -> Vec<String> {
    all(request).into_iter().filter(|(known, _)| known == name).map(|(_, value)| value).collect()
}

/// Every cookie of the request, names and values, in the order sent.
#[must_use]
pub fn all(request: &HttpRequest) -> Vec<(String, String)> {
    request
        .headers()
        .get_all(COOKIE)
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn policy() -> CookiePolicy {
        CookiePolicy { domain: None, path: "/".to_owned(), same_site: SameSite::Lax, secure: true }
    }

    #[test]
    fn cookies_are_hidden_from_scripts_and_plain_http() {
        let text = policy().cookie("s", "v".to_owned(), Some(Duration::from_secs(60))).to_string();
        for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=60"] {
            assert!(text.contains(attribute), "{attribute} in {text}");
        }
        assert!(!text.contains("Domain"));
    }

    #[test]
    fn the_host_prefix_is_used_only_where_browsers_accept_it() {
        assert_eq!(policy().host_name("s"), "__Host-s");
        assert_eq!(CookiePolicy { secure: false, ..policy() }.host_name("s"), "s");
        assert_eq!(CookiePolicy { path: "/auth".to_owned(), ..policy() }.host_name("s"), "s");
        assert_eq!(CookiePolicy { domain: Some("example.org".to_owned()), ..policy() }.host_name("s"), "s");
    }

    #[test]
    fn same_site_none_needs_secure() {
        let insecure = CookiePolicy { secure: false, same_site: SameSite::None, ..policy() };
        assert_eq!(insecure.cookie("s", String::new(), None).same_site(), Some(SameSite::Lax));
    }

    #[test]
    fn all_cookies_of_one_name_are_seen() {
        let request =
            TestRequest::get().insert_header(("Cookie", "s=planted; a=b; s=\"real\"; broken")).to_http_request();
        assert_eq!(values(&request, "s"), ["planted", "real"]);
        assert_eq!(all(&request).len(), 3);
    }
}
