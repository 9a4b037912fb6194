//! What hooks may know of the request that caused them.

use std::collections::BTreeMap;

use orrery_core::context::CausingRequest;

use crate::config::Config;
use crate::flow::continuity;

/// Cookies by which a browser is known here. They would let whoever is told act as that browser.
const OWN: [&str; 3] = ["csrf_token_", "orrery_known_browser", "__Host-orrery_known_browser"];

/// Collects what hooks may know of a request.
#[derive(Debug)]
pub struct Seen<'a> {
    config: &'a Config,
    request: CausingRequest,
}

impl<'a> Seen<'a> {
    /// Of a request with this method and address.
    #[must_use]
    pub fn new(config: &'a Config, method: &str, url: String) -> Self {
        let (headers, cookies) = (BTreeMap::new(), BTreeMap::new());
        Self { config, request: CausingRequest { method: method.to_owned(), url, headers, cookies } }
    }

    /// Adds a header, if it is on the list of those that are passed on.
    pub fn header(&mut self, name: &str, value: &str) {
        let listed = self.config.web_hooks.header_allowlist.iter().any(|listed| listed.eq_ignore_ascii_case(name));
        if listed {
            self.request.headers.entry(canonical(name)).or_default().push(value.to_owned());
        }
    }

    /// Adds a cookie, unless it is one of ours.
    pub fn cookie(&mut self, name: &str, value: &str) {
        let session = &self.config.session.cookie_name;
        let own = name == session || name == continuity::COOKIE || OWN.iter().any(|own| name.starts_with(own));
        if !own {
            self.request.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Everything.
    #[must_use]
    pub fn finish(self) -> CausingRequest {
        self.request
    }
}

/// `user-agent` as `User-Agent`: how existing programs spell it.
fn canonical(name: &str) -> String {
    let mut start = true;
    let spelled = name.chars().map(|c| {
        let spelled = if start { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        start = c == '-';
        spelled
    });
    spelled.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RegistrationStyle;
    use crate::flow::samples;

    #[test]
    fn hooks_see_what_is_listed_and_never_who_the_browser_is() {
        let mut config = samples::config(RegistrationStyle::Unified);
        config.web_hooks.header_allowlist = vec!["User-Agent".to_owned()];
        let mut seen = Seen::new(&config, "POST", "https://id.example/x".to_owned());
        for name in ["user-agent", "authorization", "x-session-token", "cookie"] {
            seen.header(name, "1");
        }
        for name in ["theme", "ory_kratos_session", "csrf_token_ab", "ory_kratos_continuity", "orrery_known_browser"] {
            seen.cookie(name, "1");
        }
        let seen = seen.finish();
        assert_eq!(seen.headers.keys().collect::<Vec<_>>(), ["User-Agent"]);
        assert_eq!(seen.cookies.keys().collect::<Vec<_>>(), ["theme"]);
    }
}
