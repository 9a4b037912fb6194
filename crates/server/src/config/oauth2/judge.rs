//! What types cannot say about the `oauth2` section, and what in it has no effect here.

use std::collections::BTreeSet;
use std::time::Duration;

use url::{Host, Url};

use super::{OAuth2, SubjectType};
use crate::config::{Mode, Problem};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Browsers keep no cookie much longer.
const LONGEST_SESSION: Duration = DAY.saturating_mul(180);
/// A stolen refresh token would work this long beside its successor.
const LONGEST_GRACE: Duration = Duration::from_secs(5 * 60);
/// Fewer characters of salt are guessed.
const SHORTEST_SALT: usize = 8;

/// Everything that is wrong.
pub(in crate::config) fn check(oauth2: &OAuth2, mode: Mode, problems: &mut Vec<Problem>) {
    issuer(oauth2, mode, problems);
    let ttl = &oauth2.ttl;
    if ttl.authentication_session.0 > LONGEST_SESSION {
        problems.push(Problem::new("oauth2.ttl.authentication_session", "longer than 180 days (4320h)"));
    }
    for (name, lifetime) in [
        ("login_consent_request", ttl.login_consent_request),
        ("access_token", ttl.access_token),
        ("id_token", ttl.id_token),
        ("auth_code", ttl.auth_code),
        ("device_user_code", ttl.device_user_code),
        ("pushed_request", ttl.pushed_request),
        ("vc_nonce", ttl.vc_nonce),
    ] {
        if lifetime.0 < Duration::from_secs(1) {
            problems.push(Problem::new(format!("oauth2.ttl.{name}"), "shorter than a second: nobody could use it"));
        }
    }
    if oauth2.grant.refresh_token.rotation_grace_period.0 > LONGEST_GRACE {
        problems.push(Problem::new("oauth2.grant.refresh_token.rotation_grace_period", "longer than 5m"));
    }
    let subjects = &oauth2.oidc.subject_identifiers;
    if subjects.supported_types.is_empty() {
        let key = "oauth2.oidc.subject_identifiers.supported_types";
        problems.push(Problem::new(key, "no client could be registered").hint("name public, pairwise or both"));
    }
    let salt = subjects.pairwise.salt.as_ref().map_or(0, |salt| salt.expose().chars().count());
    if subjects.supported_types.contains(&SubjectType::Pairwise) && salt < SHORTEST_SALT {
        problems.push(
            Problem::new(
                "oauth2.oidc.subject_identifiers.pairwise.salt",
                "pairwise subjects need a salt of at least 8 characters",
            )
            .hint("generate one with: openssl rand -base64 32; it must never change"),
        );
    }
    if oauth2.cookies.paths.session.as_ref().is_some_and(|path| !path.starts_with('/')) {
        problems.push(Problem::new("oauth2.cookies.paths.session", "a path begins with a slash"));
    }
    let code = &oauth2.device_authorization.user_code;
    if code.length.is_some_and(|length| !(6..=64).contains(&length)) {
        problems.push(Problem::new("oauth2.device_authorization.user_code.length", "not between 6 and 64"));
    }
    let different = |set: &String| set.chars().collect::<BTreeSet<_>>().len();
    if code.character_set.as_ref().is_some_and(|set| different(set) < 8) {
        let key = "oauth2.device_authorization.user_code.character_set";
        problems.push(Problem::new(key, "fewer than 8 different characters are guessed"));
    }
}

fn issuer(oauth2: &OAuth2, mode: Mode, problems: &mut Vec<Problem>) {
    let Some(issuer) = &oauth2.urls.own.issuer else { return };
    let key = "oauth2.urls.self.issuer";
    let example = "such as https://id.example.com";
    let url = match Url::parse(issuer) {
        Ok(url) if url.has_host() && matches!(url.scheme(), "http" | "https") => url,
        Ok(_) | Err(_) => {
            problems.push(Problem::new(key, "not the address of a web server").hint(example));
            return;
        }
    };
    if url.query().is_some() || url.fragment().is_some() {
        problems.push(Problem::new(key, "an issuer has neither query nor fragment").hint(example));
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !loopback && mode == Mode::Production {
        problems.push(
            Problem::new(key, "an http issuer is only for --dev")
                .hint("begin with https://, also where a proxy ends TLS"),
        );
    }
}

/// A warning for everything that is accepted and changes nothing.
pub(in crate::config) fn idle(oauth2: &OAuth2, found: &mut Vec<Problem>) {
    let names = &oauth2.cookies.names;
    let own_cookie = "every authorization has a cookie of its own here, named by the server";
    for (key, given, why) in [
        ("expose_internal_errors", oauth2.expose_internal_errors, "the cause of an error is only ever logged"),
        ("session", oauth2.session.is_some(), "nothing that could be used again is stored readably"),
        (
            "hashers",
            oauth2.hashers.is_some(),
            "chosen secrets are hashed like passwords (identity.hashers); generated ones need no slow hash",
        ),
        (
            "webfinger.jwks.broadcast_keys",
            !oauth2.webfinger.jwks.broadcast_keys.is_empty(),
            "the sets that sign tokens are public, and no others",
        ),
        (
            "urls.identity_provider",
            oauth2.urls.identity_provider.is_some(),
            "identities and their sessions are on this server",
        ),
        (
            "grant.refresh_token.rotation_grace_reuse_count",
            oauth2.grant.refresh_token.rotation_grace_reuse_count.is_some(),
            "a retry gets the same token, however often",
        ),
        (
            "grant.jwt.omit_assertion_audience",
            !oauth2.grant.jwt.omit_assertion_audience,
            "an assertion is for this server, and a token for whom the client asks",
        ),
        (
            "cookies.same_site_legacy_workaround",
            oauth2.cookies.same_site_legacy_workaround,
            "browsers of before 2020 are not supported",
        ),
        ("cookies.names.login_csrf", names.login_csrf.is_some(), own_cookie),
        ("cookies.names.consent_csrf", names.consent_csrf.is_some(), own_cookie),
        ("cookies.names.device_csrf", names.device_csrf.is_some(), own_cookie),
    ] {
        if given {
            found.push(Problem::new(format!("oauth2.{key}"), why));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(section: Value) -> OAuth2 {
        serde_json::from_value(section).expect("a section")
    }

    fn wrong(section: Value, mode: Mode) -> Vec<String> {
        let mut problems = Vec::new();
        check(&read(section), mode, &mut problems);
        problems.into_iter().map(|problem| problem.key).collect()
    }

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(wrong(json!({}), Mode::Production), Vec::<String>::new());
        let mut found = Vec::new();
        idle(&OAuth2::default(), &mut found);
        assert_eq!(found, []);
    }

    #[test]
    fn an_issuer_is_a_web_address_and_encrypted_outside_development() {
        let issuer = |issuer: &str| json!({"urls": {"self": {"issuer": issuer}}});
        for fine in ["https://id.example.com", "https://id.example.com/", "http://127.0.0.1:4444/", "http://localhost"]
        {
            assert_eq!(wrong(issuer(fine), Mode::Production), Vec::<String>::new(), "{fine}");
        }
        for bad in ["id.example.com", "mailto:a@example.com", "https://id.example.com/?a", "http://id.example.com"] {
            assert_eq!(wrong(issuer(bad), Mode::Production), ["oauth2.urls.self.issuer"], "{bad}");
        }
        assert_eq!(wrong(issuer("http://id.example.com"), Mode::Dev), Vec::<String>::new());
    }

    #[test]
    fn values_that_nobody_could_work_with_are_named() {
        let section = json!({
            "ttl": {"authentication_session": "4321h", "auth_code": "0s"},
            "grant": {"refresh_token": {"rotation_grace_period": "6m"}},
            "oidc": {"subject_identifiers": {"supported_types": ["pairwise"], "pairwise": {"salt": "short"}}},
            "cookies": {"paths": {"session": "oauth2"}},
            "device_authorization": {"user_code": {"length": 5, "character_set": "aaaaaaaaab"}},
        });
        assert_eq!(
            wrong(section, Mode::Production),
            [
                "oauth2.ttl.authentication_session",
                "oauth2.ttl.auth_code",
                "oauth2.grant.refresh_token.rotation_grace_period",
                "oauth2.oidc.subject_identifiers.pairwise.salt",
                "oauth2.cookies.paths.session",
                "oauth2.device_authorization.user_code.length",
                "oauth2.device_authorization.user_code.character_set",
            ]
        );
        let nobody = json!({"oidc": {"subject_identifiers": {"supported_types": []}}});
        assert_eq!(wrong(nobody, Mode::Production), ["oauth2.oidc.subject_identifiers.supported_types"]);
    }

    #[test]
    fn what_has_no_effect_is_said() {
        let section = json!({
            "hashers": {"algorithm": "bcrypt"}, "session": {"encrypt_at_rest": true},
            "cookies": {"names": {"login_csrf": "x"}}, "webfinger": {"jwks": {"broadcast_keys": ["a"]}},
            "grant": {"jwt": {"omit_assertion_audience": false}},
        });
        let mut found = Vec::new();
        idle(&read(section), &mut found);
        let keys: Vec<_> = found.into_iter().map(|problem| problem.key).collect();
        let names = [
            "session",
            "hashers",
            "webfinger.jwks.broadcast_keys",
            "grant.jwt.omit_assertion_audience",
            "cookies.names.login_csrf",
        ];
        assert_eq!(keys, names.map(|name| format!("oauth2.{name}")));
    }
}
