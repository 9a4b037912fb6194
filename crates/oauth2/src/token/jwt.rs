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
use crate::subject;

/// `typ` of the header (RFC 9068 section 2.1).
pub const TYPE: &str = "at+jwt";

/// A stateless token's `jti` begins so: such a token has no row that could be looked up.
pub const STATELESS: &str = "sl-";

/// The claim of a stateless token that names the grant that it comes of: no row does (RFC 7519 section 4.3).
pub(super) const GRANT: &str = "grant_id";

/// What an application adds to say who may act for the subject. It is at the top level however `ext` is configured (RFC 8693
/// section 4.4): whoever exchanges a stateless token has to find it.
const MAY_ACT: &str = "may_act";

/// Claims that nobody may set.
const RESERVED: [&str; 15] =
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scp", "scope", "ext", "act", "cnf", "sid", GRANT];

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
    let mut claims = claims(&service.config.load(), now, request, &jti)?;
    if stateless && let Some(grant) = request.grant {
        claims.insert(GRANT.to_owned(), json!(grant.id));
    }
    let token = TokenToSign { set: ACCESS_TOKEN_SET, algorithm: None, typ: TYPE, claims: &claims };
    Ok((service.keys.sign_jwt(project, now, token).await?, jti))
}

/// What applications and hooks added to a token, as far as it says that.
pub(super) fn added(config: &Config, claims: &Claims) -> Map<String, Value> {
    let mut added = claims.get("ext").and_then(Value::as_object).cloned().unwrap_or_default();
    for name in promoted(config) {
        if let Some(value) = claims.get(name) {
            added.insert(name.to_owned(), value.clone());
        }
    }
    added
}

/// Names of the added claims that stand at the top level.
fn promoted(config: &Config) -> impl Iterator<Item = &str> {
    let configured = config.allowed_top_level_claims.iter().map(String::as_str);
    configured.filter(|name| !RESERVED.contains(name)).chain([MAY_ACT])
}

fn claims(config: &Config, now: Timestamp, request: &AccessRequest<'_>, jti: &str) -> Result<Claims, OAuth2Error> {
    let mut claims = Map::new();
    let mut extra = request.claims.clone();
    for name in promoted(config) {
        let promoted = if config.mirror_top_level_claims { extra.get(name).cloned() } else { extra.remove(name) };
        if let Some(value) = promoted {
            claims.insert(name.to_owned(), value);
        }
    }
    if config.mirror_top_level_claims || config.preserve_ext_claims {
        claims.insert("ext".to_owned(), Value::Object(extra));
    }
    let end = now + request.lifespan.max(Duration::from_secs(1));
    claims.extend([
        ("iss".to_owned(), json!(config.issuer)),
        ("sub".to_owned(), json!(subject::known_to(config, request.client, request.grant, request.subject)?)),
        ("aud".to_owned(), json!(request.audience)),
        ("client_id".to_owned(), json!(request.client.id)),
        ("iat".to_owned(), json!(now.as_seconds())),
        ("exp".to_owned(), json!(end.as_seconds())),
        ("jti".to_owned(), json!(jti)),
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
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::samples;

    const NOW: Timestamp = Timestamp::from_seconds(1000);

    fn said(config: &Config, added: &Value) -> Claims {
        let (client, scope) = (samples::client(), ["photos.read".to_owned(), "photos.list".to_owned()]);
        let request = AccessRequest {
            client: &client,
            subject: "ada",
            grant: None,
            parent: None,
            derived_from: None,
            scope: &scope,
            audience: &[],
            claims: added.as_object().cloned().expect("an object"),
            actor: None,
            jkt: None,
            lifespan: Duration::from_secs(60),
        };
        claims(config, NOW, &request, "1").expect("claims")
    }

    fn config(allowed: &[&str], mirror: bool, preserve: bool) -> Config {
        Config {
            allowed_top_level_claims: allowed.iter().map(|name| (*name).to_owned()).collect(),
            mirror_top_level_claims: mirror,
            preserve_ext_claims: preserve,
            ..samples::config()
        }
    }

    #[test]
    fn ext_is_mirrored_preserved_or_left_out() {
        let added = json!({"role": "admin", "team": "printing"});
        for (mirror, preserve, ext) in [
            (true, false, Some(added.clone())),
            (true, true, Some(added.clone())),
            (false, true, Some(json!({"team": "printing"}))),
            (false, false, None),
        ] {
            let config = config(&["role", "unknown"], mirror, preserve);
            let claims = said(&config, &added);
            assert_eq!((claims.get("role"), claims.get("team")), (Some(&json!("admin")), None), "{mirror} {preserve}");
            assert_eq!((claims.get("ext"), claims.get("unknown")), (ext.as_ref(), None), "{mirror} {preserve}");
            // A stateless token is all that there is: what it says of them is found in both places.
            let mut found = ext.unwrap_or_else(|| json!({}));
            found["role"] = json!("admin");
            assert_eq!(Value::Object(super::added(&config, &claims)), found, "{mirror} {preserve}");
        }
    }

    #[test]
    fn nobody_adds_what_is_ours_to_say() {
        let added: Map<_, _> = RESERVED.iter().map(|name| ((*name).to_owned(), json!("forged"))).collect();
        let claims = said(&config(&RESERVED, false, false), &Value::Object(added));
        assert!(claims.values().all(|value| *value != "forged"), "{claims:?}");
        for absent in ["ext", "act", "cnf", "sid", GRANT] {
            assert_eq!(claims.get(absent), None, "{absent}");
        }
    }

    #[test]
    fn who_may_act_is_never_hidden() {
        let claims = said(&config(&[], false, false), &json!({"may_act": {"sub": "orders"}}));
        assert_eq!(claims["may_act"], json!({"sub": "orders"}));
    }

    #[test]
    fn nbf_can_be_left_out_and_scopes_be_a_list_a_text_or_both() {
        let (list, text) = (json!(["photos.read", "photos.list"]), json!("photos.read photos.list"));
        for (scope_claim, scp, scope) in [
            (ScopeClaim::List, Some(&list), None),
            (ScopeClaim::Text, None, Some(&text)),
            (ScopeClaim::Both, Some(&list), Some(&text)),
        ] {
            let claims = said(&Config { scope_claim, ..samples::config() }, &json!({}));
            assert_eq!((claims.get("scp"), claims.get("scope")), (scp, scope), "{scope_claim:?}");
            assert_eq!((&claims["nbf"], &claims["exp"]), (&json!(1000), &json!(1060)));
        }
        let without = said(&Config { exclude_not_before_claim: true, ..samples::config() }, &json!({}));
        assert_eq!(without.get("nbf"), None);
    }
}
