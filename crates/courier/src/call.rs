//! What the calls that an operator configures have in common: those of HTTP channels, and those of hooks.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::form_urlencoded;

use crate::config::{ApiKeyPlace, AuthConfig};

const CONTENT_TYPE: &str = "Content-Type";

impl AuthConfig {
    /// The header that authenticates a call: its name and its value.
    ///
    /// # Errors
    /// Why it cannot be sent; the secret is not repeated.
    pub fn header(&self) -> Result<(String, SecretString), String> {
        match self {
            Self::BasicAuth(basic) => {
                let credentials = format!("{}:{}", basic.user, basic.password.expose_secret());
                let value = format!("Basic {}", BASE64_STANDARD.encode(credentials));
                Ok(("Authorization".to_owned(), value.into()))
            }
            Self::ApiKey(key) => {
                let value = key.value.expose_secret();
                check_header(&key.name, value)?;
                Ok(match key.place {
                    ApiKeyPlace::Header => (key.name.clone(), key.value.clone()),
                    ApiKeyPlace::Cookie => ("Cookie".to_owned(), format!("{}={value}", key.name).into()),
                })
            }
        }
    }
}

/// Whether a header can be sent (RFC 9110, 5.1 and 5.5).
///
/// # Errors
/// Why not; the value is not repeated, it may be a secret.
pub fn check_header(name: &str, value: &str) -> Result<(), String> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("{name:?} is not the name of a header"));
    }
    if value.chars().any(char::is_control) {
        return Err(format!("the value of the header {name} has control characters"));
    }
    Ok(())
}

/// Whether calls with this upper-case method say anything beyond their address and headers.
#[must_use]
pub fn has_body(method: &str) -> bool {
    !matches!(method, "GET" | "HEAD" | "TRACE")
}

/// A body that has to be a form is made of something without members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value must be an object, because the Content-Type is that of a form")]
pub struct NoForm;

/// The body that says `value`: a form if the headers ask for one, else JSON. Without a `Content-Type` they get one.
///
/// # Errors
/// [`NoForm`].
pub fn body(value: &Value, headers: &mut Vec<(String, String)>) -> Result<String, NoForm> {
    let given = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(CONTENT_TYPE));
    match given {
        Some((_, kind)) if kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") => form(value),
        Some(_) => Ok(value.to_string()),
        None => {
            headers.push((CONTENT_TYPE.to_owned(), "application/json".to_owned()));
            Ok(value.to_string())
        }
    }
}

/// The members of an object as fields; whatever is no text is written as JSON.
fn form(value: &Value) -> Result<String, NoForm> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in value.as_object().ok_or(NoForm)? {
        form.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    Ok(form.finish())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn typed(kind: &str) -> Vec<(String, String)> {
        vec![("content-type".to_owned(), kind.to_owned())]
    }

    #[test]
    fn a_form_holds_texts_as_they_are_and_the_rest_as_json() {
        let mut headers = typed("application/x-www-form-urlencoded; charset=utf-8");
        let form = body(&json!({"age": 7, "mail": "a&b=c@d", "tags": ["x"]}), &mut headers);
        assert_eq!(form.as_deref(), Ok("age=7&mail=a%26b%3Dc%40d&tags=%5B%22x%22%5D"));
        for nothing in [json!("no object"), json!(["a"]), json!(null)] {
            assert_eq!(body(&nothing, &mut headers), Err(NoForm));
        }
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn everything_else_is_json() {
        let mut headers = Vec::new();
        assert_eq!(body(&json!({"a": "\"\n"}), &mut headers).as_deref(), Ok(r#"{"a":"\"\n"}"#));
        assert_eq!(headers, [("Content-Type".to_owned(), "application/json".to_owned())]);
        let mut headers = typed("application/vnd.example+json");
        assert_eq!(body(&json!([1]), &mut headers).as_deref(), Ok("[1]"));
        assert_eq!(headers.len(), 1);
    }
}
