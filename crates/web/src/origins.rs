//! Origins of browser scripts: patterns that allow them, and what a request's own client adds to the configured ones.

use actix_web::HttpMessage as _;
use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;

/// Origins that may read answers: whole ones such as `https://app.example.com`, and `https://*.example.com` for every subdomain.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    exact: Vec<String>,
    /// Scheme with `://`, and the end of the host with its dot.
    suffixes: Vec<(String, String)>,
}

impl Origins {
    /// Reads patterns. One with a star anywhere else allows nothing.
    #[must_use]
    pub fn new(patterns: &[String]) -> Self {
        let mut origins = Self::default();
        for pattern in patterns {
            let pattern = pattern.trim_end_matches('/');
            match pattern.split_once("://*") {
                Some((scheme, domain)) if domain.starts_with('.') => {
                    origins.suffixes.push((format!("{scheme}://"), domain.to_owned()));
                }
                Some(_) => {}
                None => origins.exact.push(pattern.to_owned()),
            }
        }
        origins
    }

    /// Whether a script of this origin may read the answer.
    #[must_use]
    pub fn allow(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        let ends = |(scheme, domain): &(String, String)| {
            origin.strip_prefix(scheme.as_str()).is_some_and(|host| host.len() > domain.len() && host.ends_with(domain))
        };
        self.exact.iter().any(|exact| exact == origin) || self.suffixes.iter().any(ends)
    }

    /// Allows these for the answer to this request, besides those of the configuration.
    pub fn allow_for(self, request: &HttpRequest) {
        request.extensions_mut().insert(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_compared_as_a_whole_or_by_its_end() {
        let patterns = ["https://app.example/", "https://*.partner.example", "https://*evil.example", "http://*"];
        let origins = Origins::new(&patterns.map(str::to_owned));
        for (origin, allowed) in [
            ("https://app.example", true),
            ("https://a.b.partner.example", true),
            ("https://partner.example", false),
            ("http://a.partner.example", false),
            ("https://app.example:8443", false),
            ("https://app.example.evil.example", false),
            ("https://really-evil.example", false),
            ("http://anything.example", false),
            ("null", false),
        ] {
            assert_eq!(origins.allow(&HeaderValue::from_static(origin)), allowed, "{origin}");
        }
    }
}
