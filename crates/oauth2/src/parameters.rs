//! The parameters of a request to an OAuth2 endpoint (RFC 6749 sections 3.1 and 3.2).

use std::collections::BTreeMap;

use crate::error::{ErrorCode, OAuth2Error};

/// Parameters that may be sent more than once: `audience` as Hydra's clients do, `resource` by RFC 8707 section 2.
const REPEATABLE: [&str; 2] = ["audience", "resource"];

/// Parameters by name. One without a value counts as left out (RFC 6749 section 3.1).
#[derive(Clone, Default)]
pub struct Parameters(BTreeMap<String, Vec<String>>);

impl Parameters {
    /// Takes over what was sent.
    ///
    /// # Errors
    /// `invalid_request` when a parameter is sent twice: readers could disagree about which one counts.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, OAuth2Error> {
        let mut parameters = Self::default();
        for (name, value) in pairs {
            if value.is_empty() {
                continue;
            }
            let values = parameters.0.entry(name.to_owned()).or_default();
            if !values.is_empty() && !REPEATABLE.contains(&name) {
                let name: String = name.chars().take(64).collect();
                return Err(OAuth2Error::new(
                    ErrorCode::InvalidRequest,
                    format!("The parameter '{name}' is sent more than once. Send it once."),
                ));
            }
            values.push(value.to_owned());
        }
        Ok(parameters)
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|values| values.first()).map(String::as_str)
    }

    /// The value of a parameter that has to be there.
    ///
    /// # Errors
    /// `invalid_request`, naming it.
    pub fn required(&self, name: &'static str) -> Result<&str, OAuth2Error> {
        let missing = || OAuth2Error::new(ErrorCode::InvalidRequest, format!("The parameter '{name}' is missing."));
        self.get(name).ok_or_else(missing)
    }

    /// Every value of a parameter that may be sent more than once.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.get(name).into_iter().flatten().map(String::as_str).collect()
    }

    /// Whether nothing was sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

// Values may be secrets.
impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_counts_once() {
        let sent = [("grant_type", "x"), ("empty", ""), ("audience", "a"), ("audience", "b")];
        let parameters = Parameters::new(sent).expect("accepted");
        assert_eq!((parameters.get("grant_type"), parameters.get("empty")), (Some("x"), None));
        assert_eq!(parameters.all("audience"), ["a", "b"]);
        assert!(parameters.required("empty").is_err());
        let error = Parameters::new([("scope", "a"), ("scope", "b")]).expect_err("refused");
        assert_eq!(error.code, ErrorCode::InvalidRequest);
        assert!(error.description.contains("'scope'"));
        assert_eq!(
            format!("{:?}", Parameters::new([("client_secret", "hunter2")]).expect("fine")),
            "[\"client_secret\"]"
        );
    }
}
