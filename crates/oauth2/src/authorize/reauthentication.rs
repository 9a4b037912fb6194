//! Whether somebody who is signed in has to sign in again: `prompt` and `max_age` (OpenID Connect Core section 3.1.2.1).

use orrery_core::Timestamp;

use super::begin::has_prompt;
use crate::challenge::AuthorizationRequest;

/// Words of `prompt` that ask for a new sign-in.
const AGAIN: [&str; 4] = ["login", "select_account", "create", "registration"];

/// Whether somebody who was signed in before the request came has to sign in again.
pub(super) fn is_due(request: &AuthorizationRequest, requested_at: Timestamp, authenticated_at: Timestamp) -> bool {
    let age = u64::try_from(requested_at.as_seconds().saturating_sub(authenticated_at.as_seconds())).unwrap_or(0);
    AGAIN.iter().any(|word| has_prompt(request, word)) || request.max_age.is_some_and(|most| most == 0 || age > most)
}

/// Whether the sign-in that a browser comes back with is good enough: new, or as old as the request allows. Whole seconds
/// count, because that is how login applications and ID tokens tell the moment.
pub(super) fn suffices(request: &AuthorizationRequest, requested_at: Timestamp, authenticated_at: Timestamp) -> bool {
    authenticated_at.as_seconds() >= requested_at.as_seconds() || !is_due(request, requested_at, authenticated_at)
}

#[cfg(test)]
mod tests {
    use super::super::{Parameters, check, samples};
    use super::*;

    const ASKED: Timestamp = Timestamp::from_seconds(1000);

    fn judged(extra: &str, authenticated_at: i64) -> (bool, bool) {
        let query =
            format!("client_id=app&response_type=code&redirect_uri=https://app.example/callback&state=12345678{extra}");
        let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned();
        let parameters = Parameters::new(pairs).expect("within bounds");
        let request = check(&parameters, &samples::client(), &samples::config()).expect("a good request");
        let at = Timestamp::from_seconds(authenticated_at);
        (is_due(&request, ASKED, at), suffices(&request, ASKED, at))
    }

    #[test]
    fn a_sign_in_is_good_until_the_request_says_otherwise() {
        for (extra, authenticated_at, due, suffices) in [
            ("", 0, false, true),
            ("&prompt=consent", 0, false, true),
            ("&prompt=login", 999, true, false),
            ("&prompt=login", 1000, true, true),
            ("&prompt=select_account", 999, true, false),
            ("&prompt=create", 999, true, false),
            ("&max_age=10", 990, false, true),
            ("&max_age=10", 989, true, false),
            ("&max_age=10", 1001, false, true),
            ("&max_age=0", 999, true, false),
            ("&max_age=0", 1000, true, true),
        ] {
            assert_eq!(judged(extra, authenticated_at), (due, suffices), "{extra} {authenticated_at}");
        }
    }
}
