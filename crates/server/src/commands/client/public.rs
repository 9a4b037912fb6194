//! A client of the public API of a running server, as one of its OAuth2 clients.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orrery_web::Listener;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use url::form_urlencoded;

use super::call::{Body, Caller, Path};
use super::problem::Problem;
use crate::cli::{OAuth2Client, PublicServer, SecretPlace};

/// Talks to one public listener in the name of an OAuth2 client.
pub(in crate::commands) struct PublicClient<'a> {
    caller: Caller,
    oauth2: &'a OAuth2Client,
}

impl<'a> PublicClient<'a> {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// When the address cannot be one of a server.
    pub(in crate::commands) fn new(server: &PublicServer, oauth2: &'a OAuth2Client) -> anyhow::Result<Self> {
        Ok(Self { caller: Caller::new(&server.endpoint, Listener::Public)?, oauth2 })
    }

    /// Posts a form, and says who it is.
    ///
    /// # Errors
    /// [`Problem`], in words for a person.
    pub(in crate::commands) async fn post(&self, path: Path<'_>, fields: &[(&str, &str)]) -> Result<Value, Problem> {
        let OAuth2Client { client_id, client_secret, client_auth } = self.oauth2;
        let mut fields = fields.to_vec();
        let mut authorization = None;
        match (client_secret, client_auth) {
            (Some(secret), SecretPlace::Basic) => authorization = Some(basic(client_id, secret.expose_secret())),
            (Some(secret), SecretPlace::Post) => {
                fields.extend([("client_id", client_id.as_str()), ("client_secret", secret.expose_secret())]);
            }
            (None, SecretPlace::Basic | SecretPlace::Post) => fields.push(("client_id", client_id)),
        }
        let answer = self.caller.call("POST", path, &[], authorization, Body::Form(&fields)).await?;
        self.caller.value(&answer)
    }
}

/// Both halves are form-encoded (RFC 6749 section 2.3.1).
fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_in_an_id_does_not_end_it() {
        assert_eq!(basic("a:b", "c d"), format!("Basic {}", STANDARD.encode("a%3Ab:c+d")));
    }
}
