//! What Hydra keeps beside a token: who signed in, how, and the claims that applications added.

use orrery_core::Timestamp;
use orrery_core::id::{GrantId, LoginSessionId};
use orrery_core::moving::{Row, Unreadable};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::secrets::SystemSecrets;
use super::words::{bytes, list};
use crate::grant::{Authentication, Requested, SessionClaims};

/// The document in `session_data`, which is sealed unless `oauth2.session.encrypt_at_rest` was off.
///
/// # Errors
/// When it is no document and no secret opens it.
pub(super) fn read(row: &Row, secrets: &SystemSecrets) -> Result<Value, Unreadable> {
    const COLUMN: &str = "session_data";
    if let Some(Value::Object(document)) = row.0.get(COLUMN) {
        return Ok(Value::Object(document.clone()));
    }
    let text = bytes(row, COLUMN)?;
    let plain = if text.trim_start().starts_with('{') {
        serde_json::from_str(&text)
    } else {
        serde_json::from_slice(&secrets.open(&text).ok_or(Unreadable(COLUMN))?)
    };
    plain.ok().filter(Value::is_object).ok_or(Unreadable(COLUMN))
}

/// The claims that go into tokens: those of a token's session, else those of the consent.
pub(super) fn claims(session: Option<&Value>, flow: Option<&Row>) -> Result<SessionClaims, Unreadable> {
    let of_session = |pointer: &str| session.and_then(|session| session.pointer(pointer)).cloned();
    let of_flow = |column| flow.map_or(Ok(None), |flow| flow.document(column));
    let access = of_session("/extra").map_or_else(|| of_flow("session_access_token"), |found| Ok(Some(found)))?;
    let id = of_session("/id_token/id_token_claims/ext")
        .map_or_else(|| of_flow("session_id_token"), |found| Ok(Some(found)))?;
    let object = |value: Option<Value>| match value {
        Some(Value::Object(members)) => members,
        Some(_) | None => Map::new(),
    };
    Ok(SessionClaims { access_token: object(access), id_token: object(id), ..SessionClaims::default() })
}

/// How somebody signed in. Where nobody knows the login session any more, one that is the grant's own stands for it.
pub(super) fn authentication(
    session: Option<&Value>,
    flow: Option<&Row>,
    subject: &str,
    otherwise: Timestamp,
    grant: GrantId,
) -> Result<Authentication, Unreadable> {
    let claims = session.and_then(|session| session.pointer("/id_token/id_token_claims"));
    let claim = |name: &str| claims.and_then(|claims| claims.get(name)?.as_str()).filter(|text| !text.is_empty());
    let moment = |name: &str| {
        let moment = claim(name).and_then(|text| Timestamp::parse_rfc3339(text).ok());
        // Go writes a moment that never was as the first of the year one.
        moment.filter(|moment| *moment > Timestamp::EPOCH)
    };
    let authenticated = flow.map_or(Ok(None), |flow| flow.moment("login_authenticated_at"))?;
    let amr = match flow {
        Some(flow) => list(flow, "amr")?,
        None => {
            let listed = claims.and_then(|claims| claims.get("amr")?.as_array()).into_iter().flatten();
            listed.filter_map(Value::as_str).map(str::to_owned).collect()
        }
    };
    let acr = flow.and_then(|flow| flow.text("acr")).or_else(|| claim("acr")).unwrap_or_default();
    let session = flow.and_then(|flow| flow.text("login_session_id")).and_then(|text| Uuid::try_parse(text).ok());
    let forced = flow.and_then(|flow| flow.text("forced_subject_identifier"));
    Ok(Authentication {
        at: moment("auth_time").or(authenticated).unwrap_or(otherwise),
        acr: acr.to_owned(),
        amr,
        session: LoginSessionId::from_uuid(session.unwrap_or_else(|| grant.as_uuid())),
        obfuscated_subject: claim("sub").or(forced).filter(|known| *known != subject).map(str::to_owned),
    })
}

/// What was asked for, as far as the request is still known.
pub(super) fn requested(session: Option<&Value>, flow: Option<&Row>) -> Result<Requested, Unreadable> {
    let nonce = session.and_then(|session| session.pointer("/id_token/id_token_claims/nonce")?.as_str());
    let nonce = nonce.filter(|nonce| !nonce.is_empty()).map(str::to_owned);
    let Some(flow) = flow else { return Ok(Requested { nonce, ..Requested::default() }) };
    let context = match flow.document("oidc_context")? {
        Some(Value::Object(members)) => members,
        Some(_) | None => Map::new(),
    };
    Ok(Requested {
        scope: list(flow, "requested_scope")?,
        audience: list(flow, "requested_at_audience")?,
        nonce,
        oidc_context: context,
        request_url: flow.text("request_url").unwrap_or_default().to_owned(),
        ..Requested::default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GRANT: GrantId = GrantId::from_uuid(Uuid::from_u128(7));

    fn row(value: Value) -> Row {
        Row(value.as_object().cloned().unwrap_or_default())
    }

    fn session() -> Value {
        json!({
            "id_token": {"id_token_claims": {
                "sub": "pairwise", "nonce": "n", "auth_time": "2025-03-01T10:00:00Z", "acr": "2", "amr": ["pwd"],
                "ext": {"name": "Ada"},
            }},
            "extra": {"tier": "gold"},
        })
    }

    #[test]
    fn a_session_says_who_signed_in_and_how() {
        let session = read(&row(json!({"session_data": session().to_string()})), &SystemSecrets::default());
        let session = session.expect("readable");
        let found = authentication(Some(&session), None, "ada", Timestamp::EPOCH, GRANT).expect("readable");
        assert_eq!(found.at.to_string(), "2025-03-01T10:00:00Z");
        assert_eq!((found.acr.as_str(), found.amr), ("2", vec!["pwd".to_owned()]));
        assert_eq!((found.obfuscated_subject.as_deref(), found.session.as_uuid()), (Some("pairwise"), GRANT.as_uuid()));
        let claims = claims(Some(&session), None).expect("readable");
        assert_eq!((&claims.access_token["tier"], &claims.id_token["name"]), (&json!("gold"), &json!("Ada")));
        assert_eq!(requested(Some(&session), None).expect("readable").nonce.as_deref(), Some("n"));
    }

    #[test]
    fn what_a_session_does_not_say_the_flow_does() {
        let flow = row(json!({
            "amr": "[\"pwd\"]", "acr": "1", "login_authenticated_at": "2025-03-02 10:00:00",
            "session_id_token": "{\"name\": \"Ada\"}", "requested_scope": "openid|offline", "oidc_context": "{}",
            "login_session_id": "00000001-0000-4000-a000-000000000001", "forced_subject_identifier": "forced",
        }));
        let found = authentication(None, Some(&flow), "ada", Timestamp::EPOCH, GRANT).expect("readable");
        assert_eq!((found.at.to_string().as_str(), found.acr.as_str()), ("2025-03-02T10:00:00Z", "1"));
        assert_eq!(found.session.to_string(), "00000001-0000-4000-a000-000000000001");
        assert_eq!(found.obfuscated_subject.as_deref(), Some("forced"));
        assert_eq!(claims(None, Some(&flow)).expect("readable").id_token["name"], "Ada");
        assert_eq!(requested(None, Some(&flow)).expect("readable").scope, ["openid", "offline"]);
    }

    #[test]
    fn a_sealed_session_needs_its_secret() {
        for data in ["AAAA", "", "[]"] {
            let sealed = row(json!({"session_data": data}));
            assert_eq!(read(&sealed, &SystemSecrets::default()), Err(Unreadable("session_data")), "{data}");
        }
    }
}
