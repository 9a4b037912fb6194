//! `POST /admin/trust/grants/jwt-bearer/issuers`.

use orrery_core::error::Conflict;
use orrery_core::id::TrustedIssuerId;
use orrery_core::{RequestContext, StoreError, Timestamp};
use orrery_keys::jwk::{Jwk, RawJwk};
use serde::Deserialize;
use serde_json::Value;

use super::TrustedIssuer;
use crate::OAuth2Service;
use crate::error::{ErrorCode, OAuth2Error};

/// Longest issuer, subject and `kid`, in bytes: together they are unique.
const LONGEST: usize = 600;
/// Most scopes.
const MOST_SCOPES: usize = 500;

/// Schema `trustOAuth2JwtGrantIssuer` of both contracts. Unknown members are ignored. There is no `Debug`:
/// somebody may send a private key.
#[derive(Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names are those of the contracts; `TrustedIssuer` says what each means")]
pub struct NewTrustedIssuer {
    pub issuer: Option<String>,
    pub subject: Option<String>,
    pub allow_any_subject: Option<bool>,
    pub scope: Option<Vec<String>>,
    pub jwk: Option<Value>,
    pub expires_at: Option<String>,
}

/// Trusts an issuer.
///
/// # Errors
/// `missing_required_parameter` and `invalid_request`, naming the member; `conflict` when this key of the issuer is
/// trusted for the subject already; storage.
pub async fn add(
    service: &OAuth2Service,
    context: &RequestContext,
    new: NewTrustedIssuer,
) -> Result<TrustedIssuer, OAuth2Error> {
    let issuer = short("issuer", new.issuer)?.ok_or_else(|| missing("The member issuer is missing."))?;
    let subject = short("subject", new.subject)?;
    if subject.is_some() == new.allow_any_subject.unwrap_or(false) {
        return Err(missing("Exactly one of subject and allow_any_subject is needed."));
    }
    let scope =
        new.scope.ok_or_else(|| missing("The member scope is missing: name the scopes that may be granted."))?;
    if scope.len() > MOST_SCOPES || scope.iter().any(|word| word.is_empty() || word.contains(char::is_whitespace)) {
        return Err(invalid(format!("The member scope must be a list of at most {MOST_SCOPES} words.")));
    }
    let (kid, public_jwk) = key(new.jwk.ok_or_else(|| missing("The member jwk is missing."))?)?;
    let expires_at = new.expires_at.filter(|text| !text.is_empty());
    let expires_at = expires_at.ok_or_else(|| missing("The member expires_at is missing."))?;
    let expires_at = Timestamp::parse_rfc3339(&expires_at)
        .map_err(|_| invalid("The member expires_at is not a moment such as 2030-01-01T00:00:00Z."))?;
    if expires_at <= context.now {
        return Err(invalid("The member expires_at is past."));
    }
    let trusted = TrustedIssuer {
        id: TrustedIssuerId::generate(&*service.entropy),
        issuer,
        subject,
        scope,
        kid,
        public_jwk,
        created_at: Timestamp::from_seconds(context.now.as_seconds()),
        expires_at,
    };
    match service.trusted_issuers.issuer_trust(context.project, &trusted).await {
        Ok(()) => Ok(trusted),
        Err(StoreError::Conflict(Conflict::TrustedIssuer)) => {
            let description = "This key of the issuer is trusted for this subject already. Delete that entry first.";
            Err(OAuth2Error::new(ErrorCode::Conflict, description))
        }
        Err(error) => Err(error.into()),
    }
}

/// A text of acceptable length; an empty one counts as missing.
fn short(name: &str, text: Option<String>) -> Result<Option<String>, OAuth2Error> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) if text.len() > LONGEST => {
            Err(invalid(format!("The member {name} may have at most {LONGEST} bytes.")))
        }
        text => Ok(text),
    }
}

/// The `kid` and the public key that checks signatures.
fn key(jwk: Value) -> Result<(String, Value), OAuth2Error> {
    let raw: RawJwk = serde_json::from_value(jwk).map_err(|_| invalid("The member jwk is not a JSON Web Key."))?;
    let kid = short("jwk.kid", raw.kid.clone())?;
    let kid = kid.ok_or_else(|| missing("The member jwk.kid is missing: assertions name their key by it."))?;
    if raw.d.is_some() || raw.k.is_some() {
        return Err(invalid("The member jwk holds a secret. Send the public key alone."));
    }
    let jwk =
        Jwk::import(raw).map_err(|wrong| invalid(format!("The member jwk.{} {}.", wrong.member, wrong.reason)))?;
    if jwk.signing_algorithm().is_none() {
        return Err(invalid("The member jwk is not a key that checks signatures."));
    }
    Ok((kid, jwk.public_value().map_err(OAuth2Error::internal)?))
}

fn missing(description: &'static str) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::MissingRequiredParameter, description)
}

fn invalid(description: impl Into<std::borrow::Cow<'static, str>>) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidRequest, description)
}
