//! ID tokens (OpenID Connect Core section 2).

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::{EntropyExt as _, ProjectId, Timestamp};
use orrery_keys::algorithm::{Curve, Hash, Scheme};
use orrery_keys::config::ID_TOKEN_SET;
use orrery_keys::{Claims, SigningAlgorithm, TokenToSign};
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::config::Config;
use crate::error::OAuth2Error;
use crate::grant::Grant;
use crate::service::OAuth2Service;

/// What an ID token is about.
#[derive(Debug, Clone, Copy)]
pub struct IdTokenRequest<'a> {
    /// Whom it is for.
    pub client: &'a Client,
    /// What was granted, by whom.
    pub grant: &'a Grant,
    /// Claims of the consent application, or of the hook that replaced them.
    pub claims: &'a Map<String, Value>,
    /// The access token beside it, for `at_hash`.
    pub access_token: Option<&'a str>,
    /// The code beside it, for `c_hash`.
    pub code: Option<&'a str>,
    /// How long it lives.
    pub lifespan: Duration,
}

/// A signed ID token.
///
/// # Errors
/// When no key can sign.
pub async fn issue(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    request: IdTokenRequest<'_>,
) -> Result<String, OAuth2Error> {
    let algorithm = signing_algorithm(service, project, now, request.client).await?;
    let mut claims = about(&service.config.load(), request.client, request.grant, request.claims);
    claims.insert("jti".to_owned(), json!(service.entropy.uuid()));
    claims.insert("iat".to_owned(), json!(now.as_seconds()));
    claims.insert("exp".to_owned(), json!((now + request.lifespan).as_seconds()));
    if let Some(nonce) = &request.grant.requested.nonce {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    claims.insert("sid".to_owned(), json!(request.grant.authentication.session));
    for (name, value) in [("at_hash", request.access_token), ("c_hash", request.code)] {
        if let Some(value) = value {
            claims.insert(name.to_owned(), json!(half_hash(algorithm, value)));
        }
    }
    let token = TokenToSign { set: ID_TOKEN_SET, algorithm: Some(algorithm), typ: "JWT", claims: &claims };
    Ok(service.keys.sign_jwt(project, now, token).await?)
}

/// What ID tokens and userinfo say alike: who, for whom, and how they signed in. Claims of the applications come first, so
/// that none of them can stand for one of ours.
#[must_use]
pub fn about(config: &Config, client: &Client, grant: &Grant, added: &Map<String, Value>) -> Claims {
    let mut claims = added.clone();
    for reserved in ["nonce", "at_hash", "c_hash", "s_hash", "exp", "iat", "nbf", "jti", "sid", "azp", "acr", "amr"] {
        claims.remove(reserved);
    }
    let authentication = &grant.authentication;
    claims.extend([
        ("iss".to_owned(), json!(config.issuer)),
        ("sub".to_owned(), json!(grant.told_subject())),
        ("aud".to_owned(), json!([client.id])),
        ("auth_time".to_owned(), json!(authentication.at.as_seconds())),
        ("rat".to_owned(), json!(grant.requested_at.as_seconds())),
    ]);
    if !authentication.acr.is_empty() {
        claims.insert("acr".to_owned(), json!(authentication.acr));
    } else if !grant.requested.acr_values.is_empty() {
        // Asked for and not known to be met (OpenID Connect Core section 2: level 0).
        claims.insert("acr".to_owned(), json!("0"));
    }
    if !authentication.amr.is_empty() {
        claims.insert("amr".to_owned(), json!(authentication.amr));
    }
    claims
}

/// The algorithm that the client registered, else the one of the present key.
pub(crate) async fn signing_algorithm(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    client: &Client,
) -> Result<SigningAlgorithm, OAuth2Error> {
    match client.id_token_signed_response_alg.as_deref().and_then(SigningAlgorithm::parse) {
        Some(algorithm) => Ok(algorithm),
        None => Ok(service.keys.signing_algorithm(project, now, ID_TOKEN_SET).await?),
    }
}

/// The left half of a hash (OpenID Connect Core section 3.1.3.6), by the hash function of the algorithm.
fn half_hash(algorithm: SigningAlgorithm, text: &str) -> String {
    let function = match algorithm.scheme() {
        Scheme::Rsa(_, Hash::Sha256) | Scheme::Hmac(Hash::Sha256) | Scheme::Ecdsa(Curve::P256) => &digest::SHA256,
        Scheme::Rsa(_, Hash::Sha384) | Scheme::Hmac(Hash::Sha384) | Scheme::Ecdsa(Curve::P384) => &digest::SHA384,
        // Ed25519 hashes with SHA-512 (RFC 8032 section 5.1).
        Scheme::Rsa(_, Hash::Sha512) | Scheme::Hmac(Hash::Sha512) | Scheme::Ecdsa(Curve::P521) | Scheme::Ed25519 => {
            &digest::SHA512
        }
    };
    let hash = digest::digest(function, text.as_bytes());
    let (half, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    URL_SAFE_NO_PAD.encode(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of OpenID Connect Core appendix A.3.
    #[test]
    fn the_half_hash_is_the_one_of_the_specification() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(half_hash(SigningAlgorithm::RS256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(half_hash(SigningAlgorithm::ES384, token).len(), 32);
        assert_eq!(half_hash(SigningAlgorithm::EdDSA, token).len(), 43);
    }
}
