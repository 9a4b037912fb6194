//! Clients.

use orrery_core::Timestamp;
use orrery_core::moving::{Row, Unreadable};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::words::list;
use crate::client::{Client, ClientRecord, ClientSecrets, Lifespans, MOST_ROTATED, SecretHash};

/// Nanoseconds, in which Hydra keeps lifetimes.
const SECOND: i64 = 1_000_000_000;

/// A client, and what was lost on the way.
pub(super) struct Translated {
    pub(super) record: ClientRecord,
    /// Its registration access token ends, because only Hydra can tell that it made it.
    pub(super) lost_registration: bool,
}

/// The client of a row. `accepts` says whether a text is a hash that can be checked here.
///
/// # Errors
/// When a column that is needed cannot be understood.
pub(super) fn translate(row: &Row, accepts: &dyn Fn(&str) -> bool) -> Result<Translated, Unreadable> {
    let text = |column: &str| row.text(column).unwrap_or_default().to_owned();
    let option = |column: &str| row.text(column).filter(|text| *text != "none").map(str::to_owned);
    let created_at = whole(row.moment("created_at")?.unwrap_or(Timestamp::EPOCH));
    let scope = row.text("scope").unwrap_or_default();
    let client = Client {
        id: row.needed_text("id")?.parse().map_err(|_| Unreadable("id"))?,
        name: text("client_name"),
        redirect_uris: list(row, "redirect_uris")?,
        grant_types: list(row, "grant_types")?,
        response_types: list(row, "response_types")?,
        scope: scope.split_whitespace().map(str::to_owned).collect(),
        audience: list(row, "audience")?,
        owner: text("owner"),
        policy_uri: text("policy_uri"),
        tos_uri: text("tos_uri"),
        client_uri: text("client_uri"),
        logo_uri: text("logo_uri"),
        allowed_cors_origins: list(row, "allowed_cors_origins")?,
        contacts: list(row, "contacts")?,
        subject_type: word(row, "subject_type")?.unwrap_or_default(),
        sector_identifier_uri: option("sector_identifier_uri"),
        jwks_uri: option("jwks_uri"),
        jwks: public_keys(row)?,
        token_endpoint_auth_method: word(row, "token_endpoint_auth_method")?.unwrap_or_default(),
        token_endpoint_auth_signing_alg: option("token_endpoint_auth_signing_alg"),
        request_uris: list(row, "request_uris")?,
        request_object_signing_alg: row.text("request_object_signing_alg").map(str::to_owned),
        userinfo_signed_response_alg: option("userinfo_signed_response_alg"),
        id_token_signed_response_alg: None,
        introspection_signed_response_alg: None,
        frontchannel_logout_uri: option("frontchannel_logout_uri"),
        frontchannel_logout_session_required: row.flag("frontchannel_logout_session_required"),
        backchannel_logout_uri: option("backchannel_logout_uri"),
        backchannel_logout_session_required: row.flag("backchannel_logout_session_required"),
        post_logout_redirect_uris: list(row, "post_logout_redirect_uris")?,
        metadata: object(row, "metadata")?,
        skip_consent: row.flag("skip_consent"),
        skip_logout_consent: Some(row.flag("skip_logout_consent")).filter(|skip| *skip),
        access_token_strategy: word(row, "access_token_strategy")?,
        require_pushed_authorization_requests: false,
        dpop_bound_access_tokens: false,
        self_registered: false,
        lifespans: lifespans(row)?,
        created_at,
        updated_at: row.moment("updated_at")?.map_or(created_at, whole),
    };
    let secrets = if client.token_endpoint_auth_method.uses_secret() {
        secrets(row, client.updated_at, accepts)?
    } else {
        ClientSecrets::default()
    };
    let lost_registration = row.text("registration_access_token_signature").is_some();
    Ok(Translated { record: ClientRecord { client, secrets, registration_token: None, version: 1 }, lost_registration })
}

/// As both contracts show moments of clients.
fn whole(moment: Timestamp) -> Timestamp {
    Timestamp::from_seconds(moment.as_seconds())
}

/// One of some words; none when it is not said.
fn word<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<Option<T>, Unreadable> {
    let word = row.text(column).map(|text| serde_json::from_value(json!(text)));
    word.transpose().map_err(|_| Unreadable(column))
}

fn object(row: &Row, column: &'static str) -> Result<Map<String, Value>, Unreadable> {
    match row.document(column)? {
        None => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members),
        Some(_) => Err(Unreadable(column)),
    }
}

/// The keys without what a client should have kept to itself; none when there is none.
fn public_keys(row: &Row) -> Result<Option<Value>, Unreadable> {
    let Some(keys) = object(row, "jwks")?.remove("keys").filter(|keys| !keys.is_null()) else { return Ok(None) };
    let Value::Array(keys) = keys else { return Err(Unreadable("jwks")) };
    let public = keys.into_iter().filter_map(|key| {
        let Value::Object(mut members) = key else { return None };
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
            members.remove(private);
        }
        (!members.contains_key("k")).then_some(Value::Object(members))
    });
    let public: Vec<_> = public.collect();
    Ok((!public.is_empty()).then(|| json!({ "keys": public })))
}

/// Hydra keeps them in nanoseconds, by the names of both contracts.
fn lifespans(row: &Row) -> Result<Lifespans, Unreadable> {
    let set = row.0.iter().filter(|(name, _)| name.ends_with("_lifespan"));
    let set = set.filter_map(|(name, value)| {
        let seconds = value.as_i64()? / SECOND;
        (seconds > 0).then(|| (name.clone(), json!(format!("{seconds}s"))))
    });
    Lifespans::read(&set.collect()).map_err(|_| Unreadable("…_lifespan"))
}

fn secrets(row: &Row, now: Timestamp, accepts: &dyn Fn(&str) -> bool) -> Result<ClientSecrets, Unreadable> {
    let hash = |text: &str, column| {
        if accepts(text) { Ok(SecretHash::Password(text.to_owned())) } else { Err(Unreadable(column)) }
    };
    let current = row.text("client_secret").map(|text| hash(text, "client_secret")).transpose()?;
    let rotated = list(row, "rotated_secrets")?;
    let rotated = rotated.iter().take(MOST_ROTATED).map(|text| Ok((hash(text, "rotated_secrets")?, now)));
    Ok(ClientSecrets { current, rotated: rotated.collect::<Result<_, _>>()?, sealed: None })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use orrery_core::GoDuration;

    use super::*;
    use crate::client::{AuthMethod, SubjectType};

    fn client(changes: Value) -> Result<Translated, Unreadable> {
        let mut row = json!({
            "id": "shop", "client_name": "Shop", "client_secret": "$hash", "redirect_uris": "[\"https://shop.example/cb\"]",
            "grant_types": ["authorization_code"], "scope": "openid offline", "subject_type": "pairwise",
            "token_endpoint_auth_method": "client_secret_post", "userinfo_signed_response_alg": "none",
            "jwks": "{}", "metadata": "null", "skip_consent": 1, "access_token_strategy": "",
            "created_at": "2025-03-01 10:00:00.5", "updated_at": "2025-04-01T10:00:00",
        });
        for (name, value) in changes.as_object().expect("an object") {
            row[name.as_str()] = value.clone();
        }
        translate(&Row(row.as_object().cloned().expect("an object")), &|text| text.starts_with('$'))
    }

    #[test]
    fn a_client_keeps_what_it_was_registered_with() {
        let found = client(json!({"implicit_grant_id_token_lifespan": 3_600_000_000_000_i64})).expect("readable");
        let client = &found.record.client;
        assert_eq!((client.name.as_str(), client.subject_type), ("Shop", SubjectType::Pairwise));
        assert_eq!(client.token_endpoint_auth_method, AuthMethod::ClientSecretPost);
        assert_eq!(
            (client.scope.len(), client.skip_consent, client.userinfo_signed_response_alg.as_deref()),
            (2, true, None)
        );
        assert_eq!((client.jwks.as_ref(), client.access_token_strategy), (None, None));
        assert_eq!(client.lifespans.implicit_grant_id_token_lifespan, Some(GoDuration(Duration::from_secs(3600))));
        assert_eq!(found.record.secrets.current, Some(SecretHash::Password("$hash".to_owned())));
        assert!(!found.lost_registration);
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        for (change, column) in [
            (json!({"id": "tab\t"}), "id"),
            (json!({"redirect_uris": "[1]"}), "redirect_uris"),
            (json!({"token_endpoint_auth_method": "tls_client_auth"}), "token_endpoint_auth_method"),
            (json!({"client_secret": "unknown"}), "client_secret"),
            (json!({"rotated_secrets": "[\"unknown\"]"}), "rotated_secrets"),
            (json!({"jwks": "{\"keys\": 1}"}), "jwks"),
            (json!({"metadata": "[]"}), "metadata"),
        ] {
            assert_eq!(client(change).err(), Some(Unreadable(column)));
        }
    }

    #[test]
    fn a_public_client_has_no_secret_and_no_private_key_is_kept() {
        let keys = json!({"keys": [{"kty": "EC", "kid": "1", "d": "private"}, {"kty": "oct", "k": "secret"}]});
        let found = client(json!({"token_endpoint_auth_method": "none", "jwks": keys.to_string()})).expect("readable");
        assert_eq!(found.record.secrets, ClientSecrets::default());
        assert_eq!(found.record.client.jwks, Some(json!({"keys": [{"kty": "EC", "kid": "1"}]})));
    }
}
