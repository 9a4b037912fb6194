//! A client as both contracts show it (`oAuth2Client`).

use std::time::Duration;

use orrery_core::duration::GoDuration;
use serde_json::{Map, Value, json};

use super::{AccessTokenStrategy, AuthMethod, Client, SubjectType};

/// The client without secrets. Members that the contracts may leave out are left out when they are not set: neither
/// contract lets a lifetime or `skip_logout_consent` be null.
#[must_use]
pub fn document(client: &Client) -> Map<String, Value> {
    let mut document = always(client);
    let mut set = |name: &str, value: Value| {
        document.insert(name.to_owned(), value);
    };
    let texts = [
        ("sector_identifier_uri", &client.sector_identifier_uri),
        ("jwks_uri", &client.jwks_uri),
        ("token_endpoint_auth_signing_alg", &client.token_endpoint_auth_signing_alg),
        ("request_object_signing_alg", &client.request_object_signing_alg),
        ("id_token_signed_response_alg", &client.id_token_signed_response_alg),
        ("introspection_signed_response_alg", &client.introspection_signed_response_alg),
        ("frontchannel_logout_uri", &client.frontchannel_logout_uri),
        ("backchannel_logout_uri", &client.backchannel_logout_uri),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            set(name, json!(text));
        }
    }
    let lists =
        [("request_uris", &client.request_uris), ("post_logout_redirect_uris", &client.post_logout_redirect_uris)];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        set(name, json!(list));
    }
    let switches = [
        ("frontchannel_logout_session_required", client.frontchannel_logout_session_required),
        ("backchannel_logout_session_required", client.backchannel_logout_session_required),
        ("require_pushed_authorization_requests", client.require_pushed_authorization_requests),
        ("dpop_bound_access_tokens", client.dpop_bound_access_tokens),
    ];
    for (name, _) in switches.into_iter().filter(|(_, on)| *on) {
        set(name, json!(true));
    }
    if let Some(skip) = client.skip_logout_consent {
        set("skip_logout_consent", json!(skip));
    }
    if let Some(strategy) = client.access_token_strategy {
        set("access_token_strategy", json!(strategy_name(strategy)));
    }
    for (name, lifespan) in client.lifespans.entries() {
        set(name, json!(in_one_unit(lifespan)));
    }
    document
}

/// What is shown whether it is set or not.
fn always(client: &Client) -> Map<String, Value> {
    let document = json!({
        "client_id": client.id,
        "client_name": client.name,
        "client_secret_expires_at": 0,
        "redirect_uris": client.redirect_uris,
        "grant_types": client.grant_types,
        "response_types": client.response_types,
        "scope": client.scope.join(" "),
        "audience": client.audience,
        "owner": client.owner,
        "policy_uri": client.policy_uri,
        "tos_uri": client.tos_uri,
        "client_uri": client.client_uri,
        "logo_uri": client.logo_uri,
        "allowed_cors_origins": client.allowed_cors_origins,
        "contacts": client.contacts,
        "subject_type": subject_name(client.subject_type),
        "jwks": client.jwks.clone().unwrap_or_else(|| json!({})),
        "token_endpoint_auth_method": method_name(client.token_endpoint_auth_method),
        "userinfo_signed_response_alg": client.userinfo_signed_response_alg.as_deref().unwrap_or("none"),
        "metadata": client.metadata,
        "skip_consent": client.skip_consent,
        "created_at": client.created_at,
        "updated_at": client.updated_at,
    });
    if let Value::Object(document) = document { document } else { Map::new() }
}

/// `token_endpoint_auth_method`.
#[must_use]
pub const fn method_name(method: AuthMethod) -> &'static str {
    match method {
        AuthMethod::ClientSecretBasic => "client_secret_basic",
        AuthMethod::ClientSecretPost => "client_secret_post",
        AuthMethod::ClientSecretJwt => "client_secret_jwt",
        AuthMethod::PrivateKeyJwt => "private_key_jwt",
        AuthMethod::None => "none",
    }
}

/// `subject_type`.
#[must_use]
pub const fn subject_name(subject: SubjectType) -> &'static str {
    match subject {
        SubjectType::Public => "public",
        SubjectType::Pairwise => "pairwise",
    }
}

const fn strategy_name(strategy: AccessTokenStrategy) -> &'static str {
    match strategy {
        AccessTokenStrategy::Opaque => "opaque",
        AccessTokenStrategy::Jwt => "jwt",
        AccessTokenStrategy::StatelessJwt => "stateless_jwt",
    }
}

/// A lifetime as one number and one unit, the largest that fits: the older contract knows no other form, and every
/// reader of Go's notation understands it.
fn in_one_unit(lifespan: GoDuration) -> String {
    let GoDuration(duration) = lifespan;
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    match (seconds, nanos) {
        (0, 0) => "0s".to_owned(),
        (_, 0) if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        (_, 0) if seconds % 60 == 0 => format!("{}m", seconds / 60),
        (_, 0) => format!("{seconds}s"),
        _ if duration == Duration::from_millis(milliseconds(duration)) => format!("{}ms", milliseconds(duration)),
        _ => format!("{}ns", duration.as_nanos()),
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_has_one_unit_and_loses_nothing() {
        for (written, shown) in [
            ("1h", "1h"),
            ("1h30m", "90m"),
            ("90s", "90s"),
            ("720h0m0s", "720h"),
            ("1500ms", "1500ms"),
            ("1s1ns", "1000000001ns"),
            ("0s", "0s"),
        ] {
            let lifespan: GoDuration = written.parse().expect("a duration");
            assert_eq!(in_one_unit(lifespan), shown);
            assert_eq!(shown.parse(), Ok(lifespan), "{shown}");
        }
    }
}
