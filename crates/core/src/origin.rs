//! Origins of browser scripts, and patterns of them (Fetch standard, CORS).

/// An origin such as `https://app.example.com`, with stars for what may differ: `https://*.example.com` is every direct
/// subdomain, `https://pr-*.example.com` those with that beginning, `https://*` every origin with TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPattern {
    scheme: String,
    host: Host,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// Whatever it is, with whatever port.
    Any,
    /// Label by label, each with stars that stand for any part of it; then the port, where it is not the scheme's own.
    Labels(Vec<String>, Option<String>),
}

impl OriginPattern {
    /// Reads a pattern; upper case counts as lower, and a slash at the end for nothing.
    ///
    /// A star never stands for a dot. One that has other characters beside it in its label needs two labels after that:
    /// `https://*example.com` would fit whatever name somebody registers that ends so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let authority = authority.strip_suffix('/').unwrap_or(authority).to_ascii_lowercase();
        if scheme.is_empty() || authority.is_empty() || authority.contains(['/', '@', '?', '#']) {
            return None;
        }
        if authority == "*" {
            return Some(Self { scheme, host: Host::Any });
        }
        let (host, port) = divided(&authority);
        let usual = match scheme.as_str() {
            "http" => Some("80"),
            "https" => Some("443"),
            _ => None,
        };
        let port = port.filter(|port| Some(*port) != usual).map(str::to_owned);
        let labels: Vec<_> = host.split('.').map(str::to_owned).collect();
        let is_bounded = |(at, label): (usize, &String)| !label.contains('*') || label == "*" || labels.len() - at > 2;
        let sound = labels.iter().enumerate().all(is_bounded) && labels.iter().all(|label| !label.is_empty());
        sound.then_some(Self { scheme, host: Host::Labels(labels, port) })
    }

    /// Whether this is an origin of the pattern, as a browser sends it.
    #[must_use]
    pub fn fits(&self, origin: &str) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else { return false };
        self.scheme.eq_ignore_ascii_case(scheme) && self.host.fits(&authority.to_ascii_lowercase())
    }
}

impl Host {
    fn fits(&self, authority: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Labels(labels, port) => {
                let (host, asked) = divided(authority);
                let given: Vec<_> = host.split('.').collect();
                asked == port.as_deref()
                    && given.len() == labels.len()
                    && labels.iter().zip(given).all(|(pattern, label)| fits(pattern, label))
            }
        }
    }
}

/// Host and port. An IPv6 address keeps its colons.
fn divided(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    }
}

/// Whether a label has the parts between the stars in their order, and at least a character for a star that is all of it.
fn fits(pattern: &str, label: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == label };
    let Some(mut label) = label.strip_prefix(first).filter(|_| !label.is_empty()) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = label.split_once(part) else { return false };
        label = after;
    }
    label.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pattern: &str, origin: &str) -> bool {
        OriginPattern::parse(pattern).is_some_and(|pattern| pattern.fits(origin))
    }

    #[test]
    fn an_origin_is_compared_label_by_label() {
        for (pattern, origin, allowed) in [
            ("https://app.example/", "https://app.example", true),
            ("HTTPS://App.Example", "https://app.example", true),
            ("https://app.example:443", "https://app.example", true),
            ("https://app.example", "https://app.example:8443", false),
            ("https://app.example", "https://app.example.evil.example", false),
            ("http://[::1]:3000", "http://[::1]:3000", true),
            ("http://[::1]", "http://[::1]:3000", false),
            ("https://*.partner.example", "https://a.partner.example", true),
            ("https://*.partner.example", "https://a.b.partner.example", false),
            ("https://*.partner.example", "https://partner.example", false),
            ("https://*.partner.example", "https://.partner.example", false),
            ("https://*.partner.example", "http://a.partner.example", false),
            ("https://*.*.partner.example", "https://a.b.partner.example", true),
            ("https://*.partner.example:8443", "https://a.partner.example:8443", true),
            ("https://*.partner.example:8443", "https://a.partner.example", false),
            ("https://pr-*.partner.example", "https://pr-17.partner.example", true),
            ("https://pr-*.partner.example", "https://pr-17.evil.partner.example", false),
            ("https://pr-*.partner.example", "https://xpr-17.partner.example", false),
            ("https://a*b*c.partner.example", "https://a-b-b-c.partner.example", true),
            ("https://a*b*c.partner.example", "https://a-c.partner.example", false),
            ("https://*", "https://anything.example:8443", true),
            ("https://*", "http://anything.example", false),
            ("https://app.example", "null", false),
        ] {
            assert_eq!(allows(pattern, origin), allowed, "{pattern} {origin}");
        }
    }

    #[test]
    fn what_would_fit_the_names_of_strangers_is_no_pattern() {
        for bad in [
            "https://*example.com",
            "https://pr-*.com",
            "https://app.*com",
            "https://",
            "https://a..example",
            "https://user@app.example",
            "https://app.example/path",
            "app.example",
            "*",
            "",
        ] {
            assert_eq!(OriginPattern::parse(bad), None, "{bad}");
        }
        assert!(!allows("https://*example.com", "https://evil-example.com"));
    }
}
