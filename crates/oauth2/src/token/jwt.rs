//! JWT access tokens (RFC 9068).

use std::time::Duration;

use orrery_core::{EntropyExt as _, ProjectId, Timestamp};
use orrery_keys::config::ACCESS_TOKEN_SET;
use orrery_keys::{Claims, TokenToSign};
use serde_json::{Map, Value, json};

use super::access::AccessRequest;
use crate::config::{Config, ScopeClaim};
use crate::error::OAuth2Error;
use crate::service::OAuth2Service;

/// `typ` of the header (RFC 9068 section 2.1).
pub const TYPE: &str = "at+jwt";

/// A stateless token's `jti` begins so: such a token has no row that could be looked up.
pub const STATELESS: &str = "sl-";

/// Claims that nobody may set.
const RESERVED: [&str; 14] =
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scp", "scope", "ext", "act", "cnf", "sid"];

/// A signed token and its `jti`.
pub(super) async fn sign(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    request: &AccessRequest<'_>,
    stateless: bool,
) -> Result<(String, String), OAuth2Error> {
    let id = service.entropy.uuid();
    let jti = if stateless { format!("{STATELESS}{id}") } else { id.to_string() };
    let claims = claims(&service.config.load(), now, request, &jti);
    let token = TokenToSign { set: ACCESS_TOKEN_SET, algorithm: None, typ: TYPE, claims: &claims };
    Ok((service.keys.sign_jwt(project, now, token).await?, jti))
}

fn claims(config: &Config, now: Timestamp, request: &AccessRequest<'_>, jti: &str) -> Claims {
    let mut claims = Map::new();
    let mut extra = request.claims.clone();
    for name in &config.allowed_top_level_claims {
        if RESERVED.contains(&name.as_str()) {
            continue;
        }
        let promoted = if config.mirror_top_level_claims { extra.get(name).cloned() } else { extra.remove(name) };
        if let Some(value) = promoted {
            claims.insert(name.clone(), value);
        }
    }
    let end = now + request.lifespan.max(Duration::from_secs(1));
    claims.extend([
        ("iss".to_owned(), json!(config.issuer)),
        ("sub".to_owned(), json!(request.subject)),
        ("aud".to_owned(), json!(request.audience)),
        ("client_id".to_owned(), json!(request.client.id)),
        ("iat".to_owned(), json!(now.as_seconds())),
        ("exp".to_owned(), json!(end.as_seconds())),
        ("jti".to_owned(), json!(jti)),
        ("ext".to_owned(), Value::Object(extra)),
    ]);
    if !config.exclude_not_before_claim {
        claims.insert("nbf".to_owned(), json!(now.as_seconds()));
    }
    if matches!(config.scope_claim, ScopeClaim::List | ScopeClaim::Both) {
        claims.insert("scp".to_owned(), json!(request.scope));
    }
    if matches!(config.scope_claim, ScopeClaim::Text | ScopeClaim::Both) {
        claims.insert("scope".to_owned(), json!(request.scope.join(" ")));
    }
    if let Some(actor) = &request.actor {
        claims.insert("act".to_owned(), actor.clone());
    }
    if let Some(jkt) = &request.jkt {
        claims.insert("cnf".to_owned(), json!({ "jkt": jkt }));
    }
    claims
}
