//! `response_type` and `response_mode` (OAuth 2.0 Multiple Response Type Encoding Practices, Form Post Response Mode).

use crate::challenge::ResponseMode;
use crate::client::Client;
use crate::error::{ErrorCode, OAuth2Error};

/// The words of a `response_type`, sorted.
///
/// # Errors
/// `unsupported_response_type` when it is missing, unknown or not registered with the client; `unauthorized_client` or
/// `invalid_grant` when the client may not use the grant behind it, or must have no token that is not bound to a key.
pub(super) fn parse(client: &Client, text: Option<&str>) -> Result<Vec<String>, OAuth2Error> {
    let unsupported = |reason: String| Err(OAuth2Error::new(ErrorCode::UnsupportedResponseType, reason));
    let Some(text) = text else { return unsupported("The parameter 'response_type' is missing.".to_owned()) };
    let mut words: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
    words.sort_unstable();
    words.dedup();
    let known = words.iter().all(|word| matches!(word.as_str(), "code" | "token" | "id_token"));
    let none = words == ["none"];
    if words.is_empty() || (!known && !none) {
        return unsupported(format!("The response type '{text}' is not supported."));
    }
    // Whoever may have a code may also ask whether somebody would give one.
    let registered = client.may_use_response_type(text) || (none && client.may_use_response_type("code"));
    if !registered {
        return unsupported(format!(
            "The client may not use the response type '{text}'. Register it in 'response_types' first."
        ));
    }
    let needs = |grant: &str, code: ErrorCode| {
        if client.may_use_grant(grant) {
            return Ok(());
        }
        let reason = format!("The client may not use the grant '{grant}'. Register it in 'grant_types' first.");
        Err(OAuth2Error::new(code, reason))
    };
    let (code, token) = (has(&words, "code"), has(&words, "token"));
    if code {
        let hybrid = words.len() > 1;
        needs("authorization_code", if hybrid { ErrorCode::InvalidGrant } else { ErrorCode::UnauthorizedClient })?;
    }
    if token || (!code && !none) {
        needs("implicit", ErrorCode::InvalidGrant)?;
    }
    if token && client.dpop_bound_access_tokens {
        let reason = "The client is registered for access tokens that are bound to a key, and none is proved here. Ask for \
                      a code.";
        return Err(OAuth2Error::new(ErrorCode::UnauthorizedClient, reason));
    }
    Ok(words)
}

/// Whether a response type has this word.
pub(crate) fn has(words: &[String], word: &str) -> bool {
    words.iter().any(|known| known == word)
}

/// Whether the answer itself carries tokens.
fn carries_tokens(words: &[String]) -> bool {
    has(words, "token") || has(words, "id_token")
}

/// The `response_mode` that was asked for.
///
/// # Errors
/// `unsupported_response_mode` for anything but the three.
pub(super) fn asked_mode(text: Option<&str>) -> Result<Option<ResponseMode>, OAuth2Error> {
    match text {
        None => Ok(None),
        Some("query") => Ok(Some(ResponseMode::Query)),
        Some("fragment") => Ok(Some(ResponseMode::Fragment)),
        Some("form_post") => Ok(Some(ResponseMode::FormPost)),
        Some(_) => Err(OAuth2Error::new(
            ErrorCode::UnsupportedResponseMode,
            "The parameter 'response_mode' must be 'query', 'fragment' or 'form_post'.",
        )),
    }
}

/// Where the parameters of the answer stand: in the query for a code alone, else in the fragment, unless the request says.
pub(super) fn default_mode(words: &[String]) -> ResponseMode {
    if carries_tokens(words) { ResponseMode::Fragment } else { ResponseMode::Query }
}

/// Refuses tokens in a query, where servers log them.
///
/// # Errors
/// `unsupported_response_mode`.
pub(super) fn check_mode(words: &[String], mode: ResponseMode) -> Result<(), OAuth2Error> {
    if mode == ResponseMode::Query && carries_tokens(words) {
        return Err(OAuth2Error::new(
            ErrorCode::UnsupportedResponseMode,
            "Tokens are not sent in a query. Use the response mode 'fragment' or 'form_post'.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn client(response_types: &[&str], grant_types: &[&str]) -> Client {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Client { response_types: list(response_types), grant_types: list(grant_types), ..samples::client() }
    }

    fn code(client: &Client, text: &str) -> Option<ErrorCode> {
        parse(client, Some(text)).err().map(|error| error.code)
    }

    #[test]
    fn a_response_type_is_a_set_and_must_be_registered() {
        let hybrid = client(&["id_token code"], &["authorization_code"]);
        assert_eq!(parse(&hybrid, Some("code id_token")).ok(), Some(vec!["code".to_owned(), "id_token".to_owned()]));
        for refused in ["code", "id_token", "code id_token token", "code none", "other", ""] {
            assert_eq!(code(&hybrid, refused), Some(ErrorCode::UnsupportedResponseType), "{refused}");
        }
        assert!(parse(&hybrid, None).is_err());
        assert_eq!(parse(&samples::client(), Some("none")).ok(), Some(vec!["none".to_owned()]));
    }

    #[test]
    fn the_grant_behind_it_must_be_registered_too() {
        let all = ["code", "token", "id_token", "code token", "code id_token"];
        let implicit = client(&all, &["implicit"]);
        assert_eq!(code(&implicit, "code"), Some(ErrorCode::UnauthorizedClient));
        assert_eq!(code(&implicit, "code id_token"), Some(ErrorCode::InvalidGrant));
        assert_eq!(code(&implicit, "token"), None);
        let codes = client(&all, &["authorization_code"]);
        assert_eq!(code(&codes, "code id_token"), None);
        for refused in ["token", "id_token", "code token"] {
            assert_eq!(code(&codes, refused), Some(ErrorCode::InvalidGrant), "{refused}");
        }
    }

    #[test]
    fn a_client_whose_tokens_must_be_bound_gets_none_here() {
        let all = ["code", "token", "id_token", "code token", "code id_token token"];
        let free = client(&all, &["authorization_code", "implicit"]);
        let bound = Client { dpop_bound_access_tokens: true, ..free.clone() };
        for text in ["token", "code token", "code id_token token"] {
            assert_eq!((code(&free, text), code(&bound, text)), (None, Some(ErrorCode::UnauthorizedClient)), "{text}");
        }
        for text in ["code", "id_token"] {
            assert_eq!(code(&bound, text), None, "{text}");
        }
    }

    #[test]
    fn tokens_never_stand_in_a_query() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (text, default, query) in [
            ("code", ResponseMode::Query, true),
            ("none", ResponseMode::Query, true),
            ("token", ResponseMode::Fragment, false),
            ("code id_token", ResponseMode::Fragment, false),
        ] {
            assert_eq!(default_mode(&words(text)), default, "{text}");
            assert_eq!(check_mode(&words(text), ResponseMode::Query).is_ok(), query, "{text}");
            assert!(check_mode(&words(text), ResponseMode::FormPost).is_ok());
        }
        assert!(asked_mode(Some("web_message")).is_err());
    }
}
