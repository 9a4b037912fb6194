//! `id_token_hint`: an ID token of ours, possibly an old one, that says whom a client means.

use orrery_core::{RequestContext, Timestamp};
use orrery_keys::config::ID_TOKEN_SET;
use orrery_keys::{Claims, Lifetime, VerifyError};
use serde_json::Value;

use crate::client::ClientId;
use crate::config::Config;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;

/// What an ID token of ours says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hint {
    /// All of it, `sub` as the client knows it among it.
    pub(crate) claims: Claims,
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
    let none = "The parameter 'id_token_hint' is not an ID token of this server.";
    let claims = match verified {
        // The same keys sign logout tokens, which have another `typ`, and userinfo answers, which have no `exp`.
        Ok(verified) if verified.typ.as_deref() == Some("JWT") && verified.claims.contains_key("exp") => {
            verified.claims
        }
        Err(VerifyError::Keys(error)) => return Err(error.into()),
        Ok(_) | Err(VerifyError::Invalid | VerifyError::Expired | VerifyError::NotYetValid) => {
            return Err(refused(none));
        }
    };
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(config.issuer.as_str()) {
        return Err(refused("The parameter 'id_token_hint' was made by another issuer."));
    }
    if text("sub").is_none() {
        return Err(refused("The parameter 'id_token_hint' has no 'sub'."));
    }
    let audience: Vec<ClientId> = match claims.get("aud") {
        Some(Value::String(one)) => one.parse().into_iter().collect(),
        Some(Value::Array(several)) => several.iter().filter_map(|one| one.as_str()?.parse().ok()).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    };
    // A credential, which we sign too, is for nobody in particular.
    if audience.is_empty() {
        return Err(refused(none));
    }
    Ok(Hint {
        session: text("sid").map(str::to_owned),
        audience,
        issued_at: claims.get("iat").and_then(Value::as_i64).map(Timestamp::from_seconds),
        claims,
    })
}
