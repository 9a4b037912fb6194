//! What every assertion has to say (RFC 7523 section 3): for whom, until when, and that it is not a repetition.

use std::time::Duration;

use orrery_core::Timestamp;
use orrery_keys::{Claims, SigningAlgorithm};
use serde_json::Value;

use crate::config::Config;

/// What others may sign with, where nobody names the algorithm.
pub const ASYMMETRIC: [SigningAlgorithm; 10] = [
    SigningAlgorithm::RS256,
    SigningAlgorithm::RS384,
    SigningAlgorithm::RS512,
    SigningAlgorithm::PS256,
    SigningAlgorithm::PS384,
    SigningAlgorithm::PS512,
    SigningAlgorithm::ES256,
    SigningAlgorithm::ES384,
    SigningAlgorithm::ES512,
    SigningAlgorithm::EdDSA,
];
/// How far the clocks of others may be off.
const SKEW: Duration = Duration::from_secs(30);
/// Longest `jti`.
const MAX_ID: usize = 512;

/// What an assertion must and may leave out.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// `aud` must name one of these.
    pub audiences: &'a [String],
    /// `jti` may be missing.
    pub jti_optional: bool,
    /// `iat` may be missing.
    pub iat_optional: bool,
    /// Longest life, from `iat` or from now to `exp`.
    pub max_ttl: Duration,
}

impl Rules<'_> {
    /// Those of client assertions. They are made for one request: an hour is generous.
    pub const CLIENT: Self =
        Self { audiences: &[], jti_optional: false, iat_optional: true, max_ttl: Duration::from_secs(3600) };
}

/// An assertion that is good, unless it was presented before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// `jti`.
    pub id: Option<String>,
    /// From when on nobody could present it again.
    pub remember_until: Timestamp,
}

/// The addresses by which others may mean this server in `aud`: the issuer, and the endpoints that take assertions.
#[must_use]
pub fn own_addresses(config: &Config) -> Vec<String> {
    let issuer = config.issuer.trim_end_matches('/');
    let mut own = vec![config.issuer.clone(), issuer.to_owned(), format!("{issuer}/oauth2/token")];
    let endpoints = ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/par", "/oauth2/device/auth"];
    own.extend(endpoints.iter().flat_map(|path| config.addresses(path)));
    own
}

/// Checks the registered claims.
///
/// # Errors
/// What is wrong, as the predicate of a sentence.
pub fn check(claims: &Claims, now: Timestamp, rules: &Rules<'_>) -> Result<Checked, &'static str> {
    if !names(claims, rules.audiences) {
        return Err("'aud' does not name this server: use its issuer or the address of the endpoint");
    }
    let Moments { exp, iat } = moments(claims, now)?;
    let exp = exp.ok_or("'exp' is missing")?;
    if iat.is_none() && !rules.iat_optional {
        return Err("'iat' is missing");
    }
    if exp.since(iat.unwrap_or(now)) > rules.max_ttl + SKEW {
        return Err("it is valid for too long");
    }
    let id = claims.get("jti").and_then(Value::as_str).filter(|id| !id.is_empty());
    if id.is_none() && !rules.jti_optional {
        return Err("'jti' is missing");
    }
    if id.is_some_and(|id| id.len() > MAX_ID) {
        return Err("'jti' is too long");
    }
    Ok(Checked { id: id.map(str::to_owned), remember_until: exp + SKEW })
}

/// Whether `aud` is one of these names, or a list with one of them.
#[must_use]
pub fn names(claims: &Claims, audiences: &[String]) -> bool {
    let is_one = |name: &Value| name.as_str().is_some_and(|name| audiences.iter().any(|own| own == name));
    match claims.get("aud") {
        Some(Value::Array(names)) => names.iter().any(is_one),
        Some(name) => is_one(name),
        None => false,
    }
}

/// When a token was made and when it ends, as far as it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moments {
    /// `exp`.
    pub exp: Option<Timestamp>,
    /// `iat`.
    pub iat: Option<Timestamp>,
}

/// The moments of a token that is good now, as far as it says so; the clocks of others may be off a little.
///
/// # Errors
/// What is wrong, as the predicate of a sentence.
pub fn moments(claims: &Claims, now: Timestamp) -> Result<Moments, &'static str> {
    let moment = |name: &str| -> Result<Option<Timestamp>, &'static str> {
        let Some(value) = claims.get(name) else { return Ok(None) };
        let seconds = value.as_f64().filter(|seconds| (0.0..=1e11).contains(seconds));
        let seconds = seconds.ok_or("'exp', 'iat' and 'nbf' must be seconds since 1970")?;
        Ok(Some(Timestamp::EPOCH + Duration::from_secs_f64(seconds)))
    };
    let (exp, iat, nbf) = (moment("exp")?, moment("iat")?, moment("nbf")?);
    if exp.is_some_and(|exp| exp + SKEW <= now) {
        return Err("it has expired");
    }
    if nbf.is_some_and(|nbf| nbf > now + SKEW) || iat.is_some_and(|iat| iat > now + SKEW) {
        return Err("it is not valid yet");
    }
    Ok(Moments { exp, iat })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn claims(changes: &Value) -> Claims {
        let mut claims = json!({"aud": "https://id.example/", "exp": 1_000_060, "iat": 999_990, "jti": "1"});
        for (name, value) in changes.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        let Value::Object(mut claims) = claims else { unreachable!("an object") };
        claims.retain(|_, value| !value.is_null());
        claims
    }

    #[test]
    fn every_claim_counts() {
        let audiences = ["https://id.example/".to_owned()];
        let rules = Rules { audiences: &audiences, iat_optional: false, ..Rules::CLIENT };
        let good = check(&claims(&json!({})), NOW, &rules).expect("accepted");
        assert_eq!(good.id.as_deref(), Some("1"));
        assert_eq!(good.remember_until, Timestamp::from_seconds(1_000_090));
        assert!(check(&claims(&json!({"aud": ["x", "https://id.example/"]})), NOW, &rules).is_ok());
        assert!(check(&claims(&json!({"exp": 999_980})), NOW, &rules).is_ok(), "within the skew");
        for wrong in [
            json!({"aud": "https://id.example"}),
            json!({"aud": null}),
            json!({"aud": []}),
            json!({"exp": null}),
            json!({"exp": 999_960}),
            json!({"exp": "soon"}),
            json!({"exp": -1}),
            json!({"exp": 1e300}),
            json!({"exp": 2_000_000}),
            json!({"nbf": 1_000_031}),
            json!({"iat": 1_000_031}),
            json!({"iat": null}),
            json!({"jti": null}),
            json!({"jti": ""}),
            json!({"jti": 7}),
            json!({"jti": "x".repeat(513)}),
        ] {
            assert!(check(&claims(&wrong), NOW, &rules).is_err(), "{wrong}");
        }
    }
}
