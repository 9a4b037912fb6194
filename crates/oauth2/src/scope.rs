//! Scopes: how they are written, and which of them a client may have (RFC 6749 section 3.3).

use crate::config::ScopeStrategy;
use crate::error::{ErrorCode, OAuth2Error};

/// The scopes of a space-separated text, each once, in the order in which they were first named.
#[must_use]
pub fn parse(text: &str) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split_ascii_whitespace() {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

/// Refuses scopes that `registered` does not cover.
///
/// # Errors
/// `invalid_scope`, naming the first that is not allowed.
pub fn check(strategy: ScopeStrategy, registered: &[String], asked: &[String]) -> Result<(), OAuth2Error> {
    match asked.iter().find(|scope| !allows(strategy, registered, scope)) {
        None => Ok(()),
        Some(scope) => Err(OAuth2Error::new(
            ErrorCode::InvalidScope,
            format!("The client may not ask for the scope '{scope}'. Register it with the client, or ask for less."),
        )),
    }
}

/// Whether any of the registered scopes covers the one that is asked for.
#[must_use]
pub fn allows(strategy: ScopeStrategy, registered: &[String], asked: &str) -> bool {
    registered.iter().any(|pattern| match strategy {
        ScopeStrategy::Exact => pattern == asked,
        ScopeStrategy::Wildcard => matches(pattern, asked),
    })
}

/// Dotted segments are compared one by one. `*` stands for one that is not empty; as the last one, for one or more.
fn matches(pattern: &str, asked: &str) -> bool {
    if pattern == asked {
        return true;
    }
    let mut segments = asked.split('.');
    let mut patterns = pattern.split('.').peekable();
    while let Some(pattern) = patterns.next() {
        let Some(segment) = segments.next() else { return false };
        let fits = if pattern == "*" { !segment.is_empty() } else { pattern == segment };
        if !fits {
            return false;
        }
        if pattern == "*" && patterns.peek().is_none() {
            return segments.all(|rest| !rest.is_empty());
        }
    }
    segments.next().is_none()
}

/// Whether the person allowed access to go on without them, so that a refresh token may be issued.
#[must_use]
pub fn is_offline(granted: &[String]) -> bool {
    granted.iter().any(|scope| scope == "offline" || scope == "offline_access")
}

/// Whether the request is one of OpenID Connect.
#[must_use]
pub fn is_openid(granted: &[String]) -> bool {
    granted.iter().any(|scope| scope == "openid")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_text_becomes_a_list_without_repetition() {
        assert_eq!(parse("  openid profile  openid "), list(&["openid", "profile"]));
        assert_eq!(parse(""), list(&[]));
    }

    #[test]
    fn a_star_stands_for_one_segment_and_at_the_end_for_more() {
        for (pattern, asked, fits) in [
            ("foo", "foo", true),
            ("foo", "foo.bar", false),
            ("foo.*", "foo", false),
            ("foo.*", "foo.bar", true),
            ("foo.*", "foo.bar.baz", true),
            ("foo.*", "foo.", false),
            ("foo.*", "foo..", false),
            ("foo.*.baz", "foo.bar.baz", true),
            ("foo.*.baz", "foo.bar.qux.baz", false),
            ("foo.*.baz", "foo..baz", false),
            ("*", "anything.at.all", true),
            ("fo*", "foo", false),
            ("foo.bar", "foo", false),
        ] {
            assert_eq!(allows(ScopeStrategy::Wildcard, &list(&[pattern]), asked), fits, "{pattern} for {asked}");
        }
        assert!(!allows(ScopeStrategy::Exact, &list(&["foo.*"]), "foo.bar"));
        assert!(allows(ScopeStrategy::Exact, &list(&["foo.*"]), "foo.*"));
    }

    #[test]
    fn the_scope_that_is_refused_is_named() {
        let registered = list(&["openid"]);
        assert!(check(ScopeStrategy::Wildcard, &registered, &list(&["openid"])).is_ok());
        let error = check(ScopeStrategy::Wildcard, &registered, &list(&["openid", "admin"])).expect_err("refused");
        assert_eq!(error.code, ErrorCode::InvalidScope);
        assert!(error.description.contains("'admin'"), "{}", error.description);
    }
}
