//! Proof of possession (RFC 9449): a client shows with each request that it has the key that its tokens are bound to.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::secret::Purpose;
use orrery_core::{ProjectId, Timestamp};
use orrery_keys::foreign;
use serde_json::Value;
use url::Url;

use crate::assertion::ASYMMETRIC;
use crate::error::{ErrorCode, OAuth2Error};
use crate::nonce::Nonces;
use crate::service::OAuth2Service;

/// Nonces for proofs (sections 8 and 9), bound to the project: whoever once had the use of a key cannot make proofs for later.
const NONCES: Nonces = Nonces { purpose: Purpose::DpopNonce, period: 120 };

/// How far `iat` may lie from now, in either direction: clocks differ, and each proof is good once.
const WINDOW: Duration = Duration::from_secs(60);
/// Longest `jti`.
const MAX_ID: usize = 256;

/// The request that a proof is made for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// `htm`: its method.
    pub method: &'a str,
    /// `htu`: one of the addresses of its endpoint.
    pub addresses: &'a [String],
    /// The access token that comes with it; none where tokens are asked for.
    pub access_token: Option<&'a str>,
}

/// The nonce to make a proof with now (`DPoP-Nonce`).
#[must_use]
pub fn nonce(service: &OAuth2Service, project: ProjectId, now: Timestamp) -> String {
    NONCES.current(&service.keyring, now, &project.to_string())
}

/// The thumbprint of the key that a proof was made with.
///
/// # Errors
/// `invalid_dpop_proof` when it is not good, not for this request, or was presented before; `use_dpop_nonce` when it has no
/// fresh nonce and the settings ask for one.
pub async fn check(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    proof: &str,
    target: Target<'_>,
) -> Result<String, OAuth2Error> {
    let proof = foreign::verify_self_signed(proof, &ASYMMETRIC)
        .ok_or_else(|| invalid("it is no JWT that is signed with the public key in its header"))?;
    if proof.typ.as_deref() != Some("dpop+jwt") {
        return Err(invalid("its 'typ' must be dpop+jwt"));
    }
    let text = |name: &str| proof.claims.get(name).and_then(Value::as_str);
    if text("htm") != Some(target.method) {
        return Err(invalid("'htm' is not the method of the request"));
    }
    if !text("htu").is_some_and(|htu| target.addresses.iter().any(|own| is_same(htu, own))) {
        return Err(invalid("'htu' is not the address of the request"));
    }
    let issued = proof.claims.get("iat").and_then(Value::as_f64).filter(|seconds| (0.0..=1e11).contains(seconds));
    let issued = issued.ok_or_else(|| invalid("'iat' is missing"))?;
    let issued = Timestamp::EPOCH + Duration::from_secs_f64(issued);
    if now.since(issued) > WINDOW || issued.since(now) > WINDOW {
        return Err(invalid("'iat' is too far from now"));
    }
    if let Some(token) = target.access_token {
        let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()));
        if text("ath") != Some(hash.as_str()) {
            return Err(invalid("'ath' is not the hash of the access token"));
        }
    }
    if service.config.load().dpop_nonces
        && !text("nonce").is_some_and(|nonce| NONCES.is_fresh(&service.keyring, now, &project.to_string(), nonce))
    {
        let description = "The DPoP proof needs a fresh nonce: take the one in the DPoP-Nonce header of this answer.";
        return Err(OAuth2Error::new(ErrorCode::UseDpopNonce, description));
    }
    let id = text("jti").filter(|id| !id.is_empty() && id.len() <= MAX_ID);
    let id = id.ok_or_else(|| invalid("'jti' is missing or too long"))?;
    // Last, so that only a good proof leaves a trace.
    let key = service.keyring.hash(Purpose::AssertionId, &format!("dpop\0{}\0{id}", proof.thumbprint));
    if !service.tokens.assertion_use(project, key, issued + WINDOW + WINDOW).await? {
        return Err(invalid("it was presented before: make one for each request"));
    }
    Ok(proof.thumbprint)
}

/// Compared after normalisation, without query and fragment (section 4.3, step 9).
fn is_same(sent: &str, own: &str) -> bool {
    let plain = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    matches!((plain(sent), plain(own)), (Some(sent), Some(own)) if sent == own)
}

fn invalid(why: &'static str) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidDpopProof, format!("The DPoP proof is not accepted: {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_without_what_follows_them() {
        let own = "https://id.example/oauth2/token";
        for same in [own, "https://id.example:443/oauth2/token", "HTTPS://ID.example/oauth2/token?x=1#y"] {
            assert!(is_same(same, own), "{same}");
        }
        for other in ["https://id.example/oauth2/token/", "http://id.example/oauth2/token", "https://id.example", "x"] {
            assert!(!is_same(other, own), "{other}");
        }
    }
}
