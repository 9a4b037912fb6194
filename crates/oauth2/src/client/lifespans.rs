//! How long a client's tokens live, where that differs from the server's settings.

use std::time::Duration;

use orrery_core::duration::GoDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{ErrorCode, OAuth2Error};

macro_rules! lifespans {
    ($($name:ident),+ $(,)?) => {
        /// Lifetimes by grant and token; `None` for the server's setting. The names are those of both contracts
        /// (`oAuth2ClientTokenLifespans`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(default)]
        #[expect(missing_docs, reason = "each name says which grant's which token")]
        pub struct Lifespans {
            $(pub $name: Option<GoDuration>,)+
        }

        impl Lifespans {
            /// Each that is set, with its name.
            pub fn entries(&self) -> impl Iterator<Item = (&'static str, GoDuration)> {
                [$((stringify!($name), self.$name)),+].into_iter().filter_map(|(name, set)| Some((name, set?)))
            }

            /// The lifetimes among the members of a request; all others are ignored.
            ///
            /// # Errors
            /// `invalid_client_metadata`, naming the member that is no duration of at least a second.
            pub fn read(members: &Map<String, Value>) -> Result<Self, OAuth2Error> {
                Ok(Self { $($name: lifespan(stringify!($name), members.get(stringify!($name)))?,)+ })
            }
        }
    };
}

lifespans!(
    authorization_code_grant_access_token_lifespan,
    authorization_code_grant_id_token_lifespan,
    authorization_code_grant_refresh_token_lifespan,
    client_credentials_grant_access_token_lifespan,
    device_authorization_grant_access_token_lifespan,
    device_authorization_grant_id_token_lifespan,
    device_authorization_grant_refresh_token_lifespan,
    implicit_grant_access_token_lifespan,
    implicit_grant_id_token_lifespan,
    jwt_bearer_grant_access_token_lifespan,
    password_grant_access_token_lifespan,
    password_grant_refresh_token_lifespan,
    refresh_token_grant_access_token_lifespan,
    refresh_token_grant_id_token_lifespan,
    refresh_token_grant_refresh_token_lifespan,
);

/// Whole numbers with a unit each, as the contracts have them: Go would take fractions, too.
fn lifespan(name: &str, value: Option<&Value>) -> Result<Option<GoDuration>, OAuth2Error> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(value) => value.as_str().filter(|text| !text.contains('.')),
    };
    let parsed = text.and_then(|text| text.parse::<GoDuration>().ok());
    let parsed = parsed.filter(|GoDuration(duration)| *duration >= Duration::from_secs(1));
    parsed.map(Some).ok_or_else(|| {
        let description = format!("The member {name} is not a duration of at least a second, such as 1h30m.");
        OAuth2Error::new(ErrorCode::InvalidClientMetadata, description)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Option<GoDuration>, String> {
        let members = Map::from_iter([("implicit_grant_id_token_lifespan".to_owned(), value)]);
        let read = Lifespans::read(&members).map_err(|error| error.description.into_owned())?;
        Ok(read.implicit_grant_id_token_lifespan)
    }

    #[test]
    fn a_lifetime_is_a_duration_or_nothing() {
        assert_eq!(read(json!("1h30m")), Ok(Some(GoDuration(Duration::from_secs(5400)))));
        for nothing in [Value::Null, json!("")] {
            assert_eq!(read(nothing), Ok(None));
        }
        for bad in [json!(3600), json!("1.5h"), json!("-1h"), json!("0s"), json!("999ms"), json!("soon"), json!([])] {
            let refused = read(bad.clone()).expect_err("refused");
            assert!(refused.contains("implicit_grant_id_token_lifespan"), "{bad}");
        }
    }
}
