//! The parameters of a request: names and values in the order in which they were sent.

use url::form_urlencoded;

use crate::error::{ErrorCode, OAuth2Error};

/// Most parameters of one request, and the longest value in bytes: far beyond what any client sends.
const MAX_PARAMETERS: usize = 100;
const MAX_VALUE: usize = 16 * 1024;

/// Those that may be sent more than once (RFC 8707 section 2; `audience` as Hydra takes it).
const LISTS: [&str; 2] = ["audience", "resource"];

/// The parameters of an authorization request, decoded.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

// Values may be hints about people, or verifiers.
impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Parameters {
    /// Takes the pairs of a request. Parameters without a value count as not sent (RFC 6749 section 3.1).
    ///
    /// # Errors
    /// `invalid_request` when there are too many, or one is too long.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, OAuth2Error> {
        let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        if pairs.len() > MAX_PARAMETERS {
            let reason = format!("The request has more than {MAX_PARAMETERS} parameters.");
            return Err(OAuth2Error::new(ErrorCode::InvalidRequest, reason));
        }
        if let Some((name, _)) = pairs.iter().find(|(name, value)| name.len() + value.len() > MAX_VALUE) {
            let name: String = name.chars().take(100).collect();
            let reason = format!("The parameter '{name}' is longer than {MAX_VALUE} bytes.");
            return Err(OAuth2Error::new(ErrorCode::InvalidRequest, reason));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter; the first one where it was sent more than once.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter, in order.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Every pair, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first parameter that was sent more than once and may not be (RFC 6749 section 3.1).
    #[must_use]
    pub fn repeated(&self) -> Option<&str> {
        let before = |at: usize, name: &str| self.0[..at].iter().any(|(known, _)| known == name);
        let repeated =
            |(at, (name, _)): &(usize, &(String, String))| !LISTS.contains(&name.as_str()) && before(*at, name);
        self.0.iter().enumerate().find(repeated).map(|(_, (name, _))| name.as_str())
    }

    /// The same without some of them.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect())
    }

    /// The same with one value in place of all that it had.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut changed = self.without(&[name]);
        changed.0.push((name.to_owned(), value.to_owned()));
        changed
    }

    /// As a query.
    #[must_use]
    pub fn to_query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(query: &str) -> Parameters {
        Parameters::new(form_urlencoded::parse(query.as_bytes()).into_owned()).expect("within bounds")
    }

    #[test]
    fn an_empty_parameter_was_not_sent_and_a_repeated_one_is_told() {
        let sent = parameters("a=1&b=&resource=x&resource=y&a=2");
        assert_eq!((sent.get("a"), sent.get("b"), sent.repeated()), (Some("1"), None, Some("a")));
        assert_eq!(sent.all("resource"), ["x", "y"]);
        assert_eq!(parameters("resource=x&audience=a&resource=y").repeated(), None);
        assert_eq!(sent.with("a", "3").without(&["resource"]).to_query(), "a=3");
    }

    #[test]
    fn floods_are_refused() {
        let many = (0..=MAX_PARAMETERS).map(|number| (number.to_string(), "x".to_owned()));
        assert!(Parameters::new(many).is_err());
        assert!(Parameters::new([("state".to_owned(), "x".repeat(MAX_VALUE))]).is_err());
    }

    #[test]
    fn values_do_not_print() {
        assert_eq!(format!("{:?}", parameters("login_hint=ada")), r#"["login_hint"]"#);
    }
}
