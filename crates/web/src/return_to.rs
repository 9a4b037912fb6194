//! Where a browser may be sent after a flow: the allow-list of `return_to`.

use url::{Host, Url};

use crate::ApiError;

/// The addresses that `return_to` may point to.
#[derive(Debug, Clone)]
pub struct ReturnTo {
    allowed: Vec<Allowed>,
    default: Url,
}

/// One entry of the list.
#[derive(Debug, Clone)]
struct Allowed {
    scheme: String,
    host: AllowedHost,
    port: Option<u16>,
    path: String,
}

#[derive(Debug, Clone)]
enum AllowedHost {
    /// This host and no other. None for schemes of native apps without one (`app:/callback`).
    Exact(Option<String>),
    /// Every host that ends with this, dot included.
    Below(String),
}

/// An allow-list entry that is too broad to be meant, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredEntry {
    /// The entry as configured.
    pub entry: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl ReturnTo {
    /// The configured addresses and everything below the public base URL. `default` is where a browser goes without
    /// `return_to`, and what relative values are relative to.
    ///
    /// Entries that would open the list to strangers (`https://*`, `https://*.com`, `https://*foo.com`) are left out
    /// and returned, so that the operator can be warned.
    #[must_use]
    pub fn new(allowed: &[Url], public_base: &Url, default: Url) -> (Self, Vec<IgnoredEntry>) {
        let mut ignored = Vec::new();
        let mut list: Vec<Allowed> = Vec::new();
        for url in allowed.iter().chain([public_base]) {
            match Allowed::new(url) {
                Ok(entry) => list.push(entry),
                Err(reason) => ignored.push(IgnoredEntry { entry: url.to_string(), reason }),
            }
        }
        (Self { allowed: list, default }, ignored)
    }

    /// Where to go without `return_to`.
    #[must_use]
    pub const fn default_url(&self) -> &Url {
        &self.default
    }

    /// The address that a `return_to` value means, when it is on the list.
    ///
    /// # Errors
    /// 400 `self_service_flow_return_to_forbidden`.
    pub fn check(&self, value: &str) -> Result<Url, ApiError> {
        self.resolve(value).ok_or_else(|| {
            ApiError::bad_request("The address in return_to is not on the list of allowed return addresses.")
                .with_id("self_service_flow_return_to_forbidden")
        })
    }

    fn resolve(&self, value: &str) -> Option<Url> {
        // Parsers disagree about these, so whatever we check a browser might read otherwise.
        if value.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return None;
        }
        let url = if value.starts_with('/') { self.default.join(value) } else { Url::parse(value) }.ok()?;
        // `https:host` is a path to one parser and a host to another.
        let web = matches!(url.scheme(), "http" | "https");
        let clear = value.starts_with('/') || !web || value[url.scheme().len()..].starts_with("://");
        let anonymous = url.username().is_empty() && url.password().is_none() && !authority(value).contains('@');
        let listed = self.allowed.iter().any(|allowed| allowed.covers(&url));
        // A page that goes on to the path alone would read `//host` as another host.
        let rooted = !url.path().starts_with("//");
        (clear && anonymous && rooted && !url.cannot_be_a_base() && listed).then_some(url)
    }
}

/// What stands between `//` and the path, as written: an empty `user@` vanishes when parsed.
fn authority(value: &str) -> &str {
    value.split_once("//").map_or("", |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default()
}

impl Allowed {
    fn new(url: &Url) -> Result<Self, &'static str> {
        if url.cannot_be_a_base() {
            return Err("an address without a path cannot be returned to");
        }
        let host = match url.host() {
            Some(Host::Domain(domain)) if domain.contains('*') => {
                let suffix = domain.strip_prefix('*').ok_or("a wildcard must be the first label of the host")?;
                let labels = suffix.strip_prefix('.').ok_or("a wildcard must be a whole label of the host")?;
                if labels.contains('*') || !labels.contains('.') || labels.split('.').any(str::is_empty) {
                    return Err("a wildcard must stand before at least two further labels");
                }
                AllowedHost::Below(suffix.to_ascii_lowercase())
            }
            host => AllowedHost::Exact(host.map(|host| host.to_string().to_ascii_lowercase())),
        };
        Ok(Self {
            scheme: url.scheme().to_owned(),
            host,
            port: url.port_or_known_default(),
            path: url.path().to_owned(),
        })
    }

    fn covers(&self, url: &Url) -> bool {
        let host = url.host_str().map(str::to_ascii_lowercase);
        let host_fits = match (&self.host, host) {
            (AllowedHost::Exact(allowed), host) => *allowed == host,
            (AllowedHost::Below(suffix), Some(host)) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
            (AllowedHost::Below(_), None) => false,
        };
        self.scheme == url.scheme()
            && host_fits
            && self.port == url.port_or_known_default()
            && below(url.path(), &self.path)
    }
}

/// Whether a path is the allowed one or below it: `/app` covers `/app` and `/app/x`, not `/apple`.
fn below(path: &str, allowed: &str) -> bool {
    path.strip_prefix(allowed.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() && (path == allowed || !allowed.ends_with('/')) || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("valid")
    }

    fn list() -> ReturnTo {
        let allowed = [
            url("https://app.example.org/app"),
            url("https://*.tenants.example.org/"),
            url("https://localhost.example:8443/"),
            url("myapp://callback"),
        ];
        let (list, ignored) =
            ReturnTo::new(&allowed, &url("https://id.example.org/"), url("https://app.example.org/app/home"));
        assert_eq!(ignored, []);
        list
    }

    #[test]
    fn listed_addresses_pass() {
        for (value, expected) in [
            ("https://app.example.org/app", "https://app.example.org/app"),
            ("HTTPS://APP.EXAMPLE.ORG/app/x?y#z", "https://app.example.org/app/x?y#z"),
            ("https://app.example.org:443/app/", "https://app.example.org/app/"),
            ("/app/settings", "https://app.example.org/app/settings"),
            ("https://a.b.tenants.example.org/x", "https://a.b.tenants.example.org/x"),
            ("https://localhost.example:8443/x", "https://localhost.example:8443/x"),
            ("https://id.example.org/self-service/login/browser", "https://id.example.org/self-service/login/browser"),
            (
                "https://app.example.org/app?next=https://user@evil.example//",
                "https://app.example.org/app?next=https://user@evil.example//",
            ),
            ("myapp://callback/done", "myapp://callback/done"),
        ] {
            assert_eq!(list().check(value).map(String::from).ok().as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn open_redirects_are_refused() {
        for value in [
            "https://evil.example/app",
            "//evil.example/app",
            "///evil.example/app",
            "/\\evil.example/app",
            "\\\\evil.example/app",
            "https:\\\\evil.example/app",
            "https:evil.example",
            "https://app.example.org@evil.example/app",
            "https://user@app.example.org/app",
            "https://:password@app.example.org/app",
            "https://@app.example.org/app",
            "https://app.example.org\\@evil.example/app",
            "https://app.example.org%2eevil.example/app",
            "https://app.example.org.evil.example/app",
            "https://evilapp.example.org/app",
            "http://app.example.org/app",
            "https://app.example.org:8443/app",
            "https://localhost.example/x",
            "https://app.example.org/",
            "https://app.example.org/apple",
            "https://app.example.org/app/../secret",
            "https://app.example.org/app/%2e%2e/secret",
            "/app\t/x",
            "\thttps://app.example.org/app",
            "https://app.example.org/app\r\nSet-Cookie: x",
            "https://app.exa\nmple.org/app",
            "https://tenants.example.org/",
            "https://eviltenants.example.org/",
            "https://.tenants.example.org/",
            "javascript:alert(1)",
            "javascript://app.example.org/%0aalert(1)",
            "data:text/html,x",
            "myapp://other",
            "//app.example.org@evil.example/",
            "/.//evil.example",
            "/..//evil.example",
            "https://id.example.org//evil.example",
        ] {
            let refused = list().check(value).expect_err(value);
            assert_eq!(refused.id(), Some("self_service_flow_return_to_forbidden"), "{value}");
        }
    }

    #[test]
    fn wildcards_that_are_too_broad_are_ignored() {
        let broad =
            ["https://*", "https://*.com/", "https://*foo.com/", "https://a.*.example.org/", "https://*.*.org/"];
        let broad: Vec<Url> = broad.iter().map(|text| url(text)).collect();
        let (list, ignored) = ReturnTo::new(&broad, &url("https://id.example.org/"), url("https://id.example.org/"));
        assert_eq!(ignored.len(), broad.len());
        for value in ["https://evil.com/", "https://foo.com/", "https://a.b.example.org/", "https://evilfoo.com/"] {
            assert!(list.check(value).is_err(), "{value}");
        }
    }

    proptest! {
        #[test]
        fn whatever_passes_is_on_a_listed_host(value in r"(https:)?[/\\]{0,3}[a-z.@:%\\/]{0,20}(app\.example\.org)?[ -~]{0,20}") {
            if let Ok(url) = list().check(&value) {
                let host = url.host_str().unwrap_or_default().to_owned();
                let listed = ["app.example.org", "id.example.org"].contains(&host.as_str())
                    || host.ends_with(".tenants.example.org");
                prop_assert!(listed, "{value} led to {host}");
            }
        }
    }
}
