//! What the client learns, and how its address carries that.

use url::Url;

use super::ReturnPath;
use crate::challenge::{Rejection, ResponseMode};
use crate::config::Config;
use crate::error::OAuth2Error;

/// An answer on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Where it goes.
    pub path: ReturnPath,
    /// Its parameters, `state` and `iss` (RFC 9207) included.
    pub parameters: Vec<(&'static str, String)>,
}

impl Answer {
    /// Success.
    #[must_use]
    pub fn success(path: ReturnPath, parameters: Vec<(&'static str, String)>, config: &Config) -> Self {
        Self::new(path, parameters, config)
    }

    /// Refused by us.
    #[must_use]
    pub fn error(path: ReturnPath, error: &OAuth2Error, config: &Config) -> Self {
        let (code, _) = error.code.parts();
        let parameters =
            vec![("error", code.to_owned()), ("error_description", error.description.clone().into_owned())];
        Self::new(path, parameters, config)
    }

    /// Refused by a login or consent application.
    #[must_use]
    pub fn rejected(path: ReturnPath, rejection: &Rejection, config: &Config) -> Self {
        let mut parameters = vec![("error", rejection.error.clone())];
        if !rejection.error_description.is_empty() {
            parameters.push(("error_description", rejection.error_description.clone()));
        }
        Self::new(path, parameters, config)
    }

    fn new(path: ReturnPath, mut parameters: Vec<(&'static str, String)>, config: &Config) -> Self {
        if let Some(state) = &path.state {
            parameters.push(("state", state.clone()));
        }
        parameters.push(("iss", config.issuer.clone()));
        Self { path, parameters }
    }

    /// The address with the parameters in its query or fragment. `None` for a form.
    #[must_use]
    pub fn location(&self) -> Option<String> {
        let mut encoded = url::form_urlencoded::Serializer::new(String::new());
        encoded.extend_pairs(&self.parameters);
        let encoded = encoded.finish();
        match self.path.mode {
            ResponseMode::FormPost | ResponseMode::Device => None,
            ResponseMode::Fragment => Some(format!("{}#{encoded}", self.path.redirect_uri)),
            ResponseMode::Query => {
                // As registered, and not as a parser would write it: clients compare.
                let uri = &self.path.redirect_uri;
                let separator = match uri.split_once('?') {
                    None => "?",
                    Some((_, "")) => "",
                    Some((_, query)) if query.ends_with('&') => "",
                    Some(_) => "&",
                };
                Some(format!("{uri}{separator}{encoded}"))
            }
        }
    }

    /// What a browser's `form-action` policy must allow for the answer to get through.
    #[must_use]
    pub fn target(&self) -> Option<String> {
        target(&self.path.redirect_uri)
    }
}

/// The source expression of an address: its origin, or its scheme where it has none.
#[must_use]
pub fn target(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    Some(match url.origin() {
        url::Origin::Opaque(_) => format!("{}:", url.scheme()),
        origin @ url::Origin::Tuple(..) => origin.ascii_serialization(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::error::ErrorCode;

    fn sent(uri: &str, mode: ResponseMode) -> Option<String> {
        let path = ReturnPath { redirect_uri: uri.to_owned(), mode, state: Some("a&b".to_owned()) };
        Answer::success(path, vec![("code", "x y".to_owned())], &samples::config()).location()
    }

    #[test]
    fn an_answer_keeps_the_query_that_was_registered_and_names_its_issuer() {
        let rest = "code=x+y&state=a%26b&iss=https%3A%2F%2Fid.example%2F";
        for (uri, expected) in [
            ("https://app.example/cb", format!("https://app.example/cb?{rest}")),
            ("https://app.example/cb?", format!("https://app.example/cb?{rest}")),
            ("https://app.example/cb?a=%62", format!("https://app.example/cb?a=%62&{rest}")),
            ("com.example.app:/cb", format!("com.example.app:/cb?{rest}")),
        ] {
            assert_eq!(sent(uri, ResponseMode::Query), Some(expected));
        }
        let fragment = sent("https://app.example/cb?a=b", ResponseMode::Fragment);
        assert_eq!(fragment, Some(format!("https://app.example/cb?a=b#{rest}")));
        assert_eq!(sent("https://app.example/cb", ResponseMode::FormPost), None);
    }

    #[test]
    fn errors_name_the_issuer_too() {
        let path =
            ReturnPath { redirect_uri: "https://app.example/".to_owned(), mode: ResponseMode::Query, state: None };
        let error = OAuth2Error::new(ErrorCode::LoginRequired, "Sign in.");
        let location = Answer::error(path, &error, &samples::config()).location();
        let expected =
            "https://app.example/?error=login_required&error_description=Sign+in.&iss=https%3A%2F%2Fid.example%2F";
        assert_eq!(location.as_deref(), Some(expected));
    }

    #[test]
    fn a_form_may_go_to_the_client_and_nowhere_else() {
        assert_eq!(target("https://app.example:8443/cb?x").as_deref(), Some("https://app.example:8443"));
        assert_eq!(target("com.example.app:/cb").as_deref(), Some("com.example.app:"));
        assert_eq!(target("nonsense"), None);
    }
}
