//! `id_token_hint`: an ID token of ours, possibly an old one, that says whom a client means.

use orrery_core::{RequestContext, Timestamp};
use orrery_keys::config::ID_TOKEN_SET;
use orrery_keys::{Lifetime, VerifyError};
use serde_json::Value;

use crate::client::ClientId;
use crate::config::Config;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;

/// What an ID token of ours says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hint {
    /// `sub`, as the client knows it.
    pub(crate) subject: String,
    /// `sid`.
    pub(crate) session: Option<String>,
    /// `aud`.
    pub(crate) audience: Vec<ClientId>,
    /// `iat`.
    pub(crate) issued_at: Option<Timestamp>,
}

/// Reads a hint. Its signature must be ours; it may have expired.
///
/// # Errors
/// `invalid_request` for anything but an ID token of this server.
pub(crate) async fn read(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    token: &str,
) -> Result<Hint, OAuth2Error> {
    let refused = |reason: &'static str| OAuth2Error::new(ErrorCode::InvalidRequest, reason);
    let verified = service.keys.verify_jwt(context.project, context.now, ID_TOKEN_SET, token, Lifetime::Ignored).await;
    let claims = match verified {
        Ok(verified) => verified.claims,
        Err(VerifyError::Keys(error)) => return Err(error.into()),
        Err(VerifyError::Invalid | VerifyError::Expired | VerifyError::NotYetValid) => {
            return Err(refused("The parameter 'id_token_hint' is not an ID token of this server."));
        }
    };
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(config.issuer.as_str()) {
        return Err(refused("The parameter 'id_token_hint' was made by another issuer."));
    }
    let subject = text("sub").ok_or_else(|| refused("The parameter 'id_token_hint' has no 'sub'."))?.to_owned();
    let audience = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    };
    Ok(Hint {
        subject,
        session: text("sid").map(str::to_owned),
        audience: audience.into_iter().filter_map(|id| id.try_into().ok()).collect(),
        issued_at: claims.get("iat").and_then(Value::as_i64).map(Timestamp::from_seconds),
    })
}
