//! A session as a JSON Web Token (`tokenize_as`), for services that check it by themselves.

use orrery_core::EntropyExt;
use orrery_core::RequestContext;
use orrery_core::jsonnet::{JsonnetError, Program};
use orrery_keys::{Claims, KeyError};
use serde_json::{Map, Value, json};

use super::SessionWithIdentity;
use crate::IdentityService;
use crate::config::{SubjectSource, TokenizerTemplate};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenizeError {
    /// The template names its owner by an `external_id`, and the identity has none.
    #[error("the identity has no external_id")]
    NoSubject,
    /// The template's program failed.
    #[error("the claims could not be made")]
    Mapper(#[source] JsonnetError),
    /// The program's value is not an object with `claims`.
    #[error("the program must return an object whose member claims is an object")]
    NoClaims,
    /// Signing failed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A token about a session, made after this template. `shown` is the session as its owner sees it.
///
/// # Errors
/// See [`TokenizeError`].
pub async fn tokenize(
    service: &IdentityService,
    context: &RequestContext,
    template: &TokenizerTemplate,
    session: &SessionWithIdentity,
    shown: Value,
) -> Result<String, TokenizeError> {
    let subject = match template.subject {
        SubjectSource::Id => session.identity.id.to_string(),
        SubjectSource::ExternalId => session.identity.external_id.clone().ok_or(TokenizeError::NoSubject)?,
    };
    let config = service.config.load();
    let now = context.now.as_seconds();
    let expires_at = (context.now + template.ttl).as_seconds();
    let mut claims = Claims::from_iter([
        ("jti".to_owned(), json!(service.entropy.uuid().to_string())),
        ("iss".to_owned(), json!(config.public_url)),
        ("sub".to_owned(), json!(subject)),
        ("sid".to_owned(), json!(session.session.id)),
        ("iat".to_owned(), json!(now)),
        ("nbf".to_owned(), json!(now)),
        ("exp".to_owned(), json!(expires_at)),
    ]);
    if let Some(source) = &template.mapper {
        let given = [("session".to_owned(), shown), ("claims".to_owned(), Value::Object(claims.clone()))];
        let program = Program { source: source.clone(), arguments: Map::new(), variables: Map::from_iter(given) };
        let mut value = service.jsonnet.evaluate(program).await.map_err(TokenizeError::Mapper)?;
        let Some(Value::Object(own)) = value.get_mut("claims").map(Value::take) else {
            return Err(TokenizeError::NoClaims);
        };
        // Whose token it is, is not for a program to say.
        claims.extend(own.into_iter().filter(|(name, _)| name != "sub"));
    }
    Ok(template.key.sign(&claims)?)
}
