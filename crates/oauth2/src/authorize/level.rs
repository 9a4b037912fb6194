//! Which level of sign-in a request asks for: `acr_values` and the claim `acr` of the ID token, which may be essential
//! (OpenID Connect Core sections 3.1.2.1 and 5.5.1.1).

use serde_json::Value;

use crate::challenge::AuthorizationRequest;
use crate::error::{ErrorCode, OAuth2Error};

/// The levels of the built-in sign-in (`acr`), the lowest first. A higher one is good wherever a lower one is asked for.
pub(crate) const LEVELS: [&str; 2] = ["aal1", "aal2"];

/// What a request asks for, any of these.
#[derive(Debug, PartialEq, Eq)]
enum Asked<'a> {
    /// If possible.
    Wish(Vec<&'a str>),
    /// Or else nothing.
    Essential(Vec<&'a str>),
}

/// How a sign-in stands to what is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// It is enough, or nobody can do better and nobody insists.
    Enough,
    /// The person could do better.
    StepUp,
    /// The person cannot do what the client insists on.
    OutOfReach,
}

/// Judges a sign-in of level `reached` by somebody who could get as far as `reachable`.
pub(super) fn judge(request: &AuthorizationRequest, reached: &str, reachable: &str) -> Level {
    let Some(asked) = asked(request) else { return Level::Enough };
    let (Asked::Wish(values) | Asked::Essential(values)) = &asked;
    if meets(values, reached) {
        Level::Enough
    } else if meets(values, reachable) {
        // Whoever asks for no interaction at all has to do without a mere wish.
        match asked {
            Asked::Wish(_) if request.prompt.iter().any(|word| word == "none") => Level::Enough,
            Asked::Wish(_) | Asked::Essential(_) => Level::StepUp,
        }
    } else {
        match asked {
            Asked::Wish(_) => Level::Enough,
            Asked::Essential(_) => Level::OutOfReach,
        }
    }
}

/// Refuses a sign-in that lacks what is essential.
///
/// # Errors
/// `unmet_authentication_requirements`.
pub(super) fn check(request: &AuthorizationRequest, reached: &str) -> Result<(), OAuth2Error> {
    match asked(request) {
        Some(Asked::Essential(values)) if !meets(&values, reached) => Err(unmet()),
        Some(_) | None => Ok(()),
    }
}

/// The refusal (OpenID Connect Core Error Code `unmet_authentication_requirements` 1.0).
pub(super) fn unmet() -> OAuth2Error {
    let reason = "The person cannot sign in at the level that the claim 'acr' insists on.";
    OAuth2Error::new(ErrorCode::UnmetAuthenticationRequirements, reason)
}

/// The claim says more than the parameter, so that it counts where both are there.
fn asked(request: &AuthorizationRequest) -> Option<Asked<'_>> {
    let claim = request.claims.as_ref().and_then(|claims| claims.get("id_token")?.get("acr"));
    let values = claim.map(named).unwrap_or_default();
    if values.is_empty() {
        let wished: Vec<_> = request.acr_values.iter().map(String::as_str).collect();
        return if wished.is_empty() { None } else { Some(Asked::Wish(wished)) };
    }
    let essential = claim.and_then(|claim| claim.get("essential")) == Some(&Value::Bool(true));
    Some(if essential { Asked::Essential(values) } else { Asked::Wish(values) })
}

fn named(claim: &Value) -> Vec<&str> {
    let one = claim.get("value").and_then(Value::as_str);
    let several = claim.get("values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(several).collect()
}

fn meets(asked: &[&str], reached: &str) -> bool {
    let rank = |level: &str| LEVELS.iter().position(|known| *known == level);
    let reached_rank = rank(reached);
    asked.iter().any(|level| *level == reached || rank(level).is_some_and(|least| reached_rank >= Some(least)))
}

#[cfg(test)]
mod tests {
    use super::super::{Parameters, check, samples};
    use super::*;

    fn judged(extra: &[(&str, &str)], reached: &str, reachable: &str) -> Level {
        let always = [
            ("client_id", "app"),
            ("response_type", "code"),
            ("redirect_uri", "https://app.example/callback"),
            ("state", "12345678"),
        ];
        let pairs = always.iter().chain(extra).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let parameters = Parameters::new(pairs).expect("within bounds");
        let request = check(&parameters, &samples::client(), &samples::config()).expect("a good request");
        judge(&request, reached, reachable)
    }

    #[test]
    fn a_wish_is_met_where_it_can_be() {
        let wish = |values| [("acr_values", values)];
        assert_eq!(judged(&[], "aal1", "aal2"), Level::Enough);
        assert_eq!(judged(&wish("aal1"), "aal1", "aal2"), Level::Enough);
        assert_eq!(judged(&wish("aal1"), "aal2", "aal2"), Level::Enough, "more than was asked for");
        assert_eq!(judged(&wish("aal2"), "aal1", "aal2"), Level::StepUp);
        assert_eq!(judged(&wish("urn:x aal2"), "aal1", "aal2"), Level::StepUp);
        assert_eq!(judged(&wish("aal2 aal1"), "aal1", "aal2"), Level::Enough, "either will do");
        assert_eq!(judged(&wish("aal2"), "aal1", "aal1"), Level::Enough);
        assert_eq!(judged(&wish("urn:x"), "aal1", "aal2"), Level::Enough);
        assert_eq!(judged(&[("acr_values", "aal2"), ("prompt", "none")], "aal1", "aal2"), Level::Enough);
    }

    #[test]
    fn what_is_essential_is_met_or_refused() {
        let essential = |values: &str| format!(r#"{{"id_token":{{"acr":{{"essential":true,{values}}}}}}}"#);
        for (values, reached, reachable, level) in [
            (r#""values":["aal2","urn:x"]"#, "aal1", "aal2", Level::StepUp),
            (r#""value":"aal2""#, "aal1", "aal1", Level::OutOfReach),
            (r#""value":"aal2""#, "aal2", "aal2", Level::Enough),
            (r#""value":"urn:x""#, "aal2", "aal2", Level::OutOfReach),
            (r#""value":"urn:x""#, "urn:x", "", Level::Enough),
            (r#""value":7"#, "aal1", "aal2", Level::Enough),
        ] {
            let claims = essential(values);
            assert_eq!(judged(&[("claims", &claims)], reached, reachable), level, "{values}");
        }
        let claims = essential(r#""value":"aal2""#);
        assert_eq!(judged(&[("claims", &claims), ("prompt", "none")], "aal1", "aal2"), Level::StepUp);
        let wish = r#"{"id_token":{"acr":{"values":["aal2"]}}}"#;
        assert_eq!(judged(&[("claims", wish)], "aal1", "aal1"), Level::Enough);
        // The claim counts, where both are there.
        assert_eq!(judged(&[("claims", wish), ("acr_values", "aal1")], "aal1", "aal2"), Level::StepUp);
    }
}
