//! Verifiable credentials (OpenID Connect UserInfo Verifiable Credentials, the draft that the contract froze): a statement of
//! who signed in, for whoever holds an access token of theirs, bound to a key that the caller shows to have.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::secret::Purpose;
use orrery_core::{EntropyExt as _, RequestContext, Timestamp};
use orrery_keys::config::ID_TOKEN_SET;
use orrery_keys::{TokenToSign, foreign};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::assertion::ASYMMETRIC;
use crate::config::Config;
use crate::error::{ErrorCode, OAuth2Error};
use crate::nonce::Nonces;
use crate::scope;
use crate::service::OAuth2Service;
use crate::token::lookup::LiveToken;

/// The scope that brings a nonce with the access token.
pub const SCOPE: &str = "userinfo_credential_draft_00";
/// The one format of credentials.
pub const FORMAT: &str = "jwt_vc_json";
/// The types of every credential.
pub const TYPES: [&str; 2] = ["VerifiableCredential", "UserInfoCredential"];
/// How long a credential is good.
const LIFE: Duration = Duration::from_secs(3600);

/// Schema `CreateVerifiableCredentialRequestBody`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CredentialRequest {
    /// Must be [`FORMAT`].
    pub format: String,
    /// Must be [`TYPES`].
    pub types: Vec<String>,
    /// The key.
    pub proof: Option<Proof>,
}

/// Schema `VerifiableCredentialProof`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Proof {
    /// Must be `jwt`.
    pub proof_type: String,
    /// Signed with the key in its own header, with the claim `nonce`.
    pub jwt: String,
}

/// What is answered.
#[derive(Debug)]
pub enum Credential {
    /// The credential.
    Issued(String),
    /// A proof is missing; this is the nonce to make one with.
    Priming(CredentialNonce),
}

/// The nonce of a token answer.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct CredentialNonce {
    /// The nonce.
    #[serde(rename = "c_nonce_draft_00")]
    pub nonce: String,
    /// Seconds that it is good for, at least.
    #[serde(rename = "c_nonce_expires_in_draft_00")]
    pub expires_in: i64,
}

/// The nonce for the holder of this access token.
pub(crate) fn nonce(service: &OAuth2Service, now: Timestamp, access_token: &str) -> CredentialNonce {
    let nonces = nonces(&service.config.load());
    CredentialNonce { nonce: nonces.current(&service.keyring, now, access_token), expires_in: nonces.period }
}

/// Nonces for proofs, each bound to an access token.
fn nonces(config: &Config) -> Nonces {
    let period = i64::try_from(config.ttl.credential_nonce.as_secs()).unwrap_or(i64::MAX).max(1);
    Nonces { purpose: Purpose::CredentialNonce, period }
}

/// A credential for the holder of an access token that is good.
///
/// # Errors
/// `insufficient_scope`; `invalid_request` for another format or a proof that is not good.
pub async fn issue(
    service: &OAuth2Service,
    context: &RequestContext,
    access_token: &str,
    live: LiveToken,
    request: &CredentialRequest,
) -> Result<Credential, OAuth2Error> {
    let &RequestContext { project, now, .. } = context;
    let asked = |scopes: &[String]| scope::is_openid(scopes) && scopes.iter().any(|scope| scope == SCOPE);
    let grant = live.grant.filter(|_| asked(&live.token.scope)).ok_or_else(|| {
        let reason = "The access token was not granted the scopes 'openid' and 'userinfo_credential_draft_00'.";
        OAuth2Error::new(ErrorCode::InsufficientScope, reason)
    })?;
    if request.format != FORMAT || request.types != TYPES {
        return Err(invalid(
            "Ask for the format 'jwt_vc_json' and the types VerifiableCredential, UserInfoCredential.",
        ));
    }
    let Some(proof) = &request.proof else {
        return Ok(Credential::Priming(nonce(service, now, access_token)));
    };
    if proof.proof_type != "jwt" {
        return Err(invalid("The 'proof_type' must be 'jwt'."));
    }
    let proof = foreign::verify_self_signed(&proof.jwt, &ASYMMETRIC)
        .ok_or_else(|| invalid("The proof is no JWT that is signed with the public key in its header."))?;
    let sent = proof.claims.get("nonce").and_then(Value::as_str).unwrap_or_default();
    if !nonces(&service.config.load()).is_fresh(&service.keyring, now, access_token, sent) {
        return Err(invalid(
            "The 'nonce' of the proof is not one for this access token, or too old. Ask for a new one.",
        ));
    }
    let key = serde_json::to_vec(&proof.key).map_err(OAuth2Error::internal)?;
    let holder = format!("did:jwk:{}", URL_SAFE_NO_PAD.encode(key));
    let mut about = grant.session.of_userinfo();
    about.insert("id".to_owned(), json!(holder));
    about.insert("sub".to_owned(), json!(grant.told_subject()));
    let claims = json!({
        "iss": service.config.load().issuer,
        "sub": holder,
        "jti": service.entropy.uuid(),
        "iat": now.as_seconds(),
        "nbf": now.as_seconds(),
        "exp": (now + LIFE).as_seconds(),
        "vc": {
            "@context": ["https://www.w3.org/2018/credentials/v1"],
            "type": TYPES,
            "credentialSubject": about,
        },
    });
    let Value::Object(claims) = claims else { return Err(OAuth2Error::internal("claims are an object")) };
    let token = TokenToSign { set: ID_TOKEN_SET, algorithm: None, typ: "JWT", claims: &claims };
    Ok(Credential::Issued(service.keys.sign_jwt(project, now, token).await?))
}

fn invalid(reason: &'static str) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidRequest, reason)
}
