//! The hooks of the token endpoint: another server adds claims, or says no, before tokens are made.

use std::time::Duration;

use orrery_core::Timestamp;
use orrery_core::outbound::{OutboundRequest, Trust};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::config::{Config, HookConfig};
use crate::endpoint::Call;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant::{Grant, SessionClaims};
use crate::grant_type::GrantType;
use crate::token::id_token;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer.
const MAX_BYTES: usize = 1024 * 1024;
/// What a hook learns of the request. Secrets, codes and tokens are not among it.
const PAYLOAD: [&str; 5] = ["grant_type", "response_type", "scope", "client_id", "assertion"];
/// What Go prints for no time at all.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// The claims that go into the tokens: those of the consent, or what the configured hooks make of them.
///
/// # Errors
/// `access_denied` when a hook says no; `server_error` when one does not answer as it should.
pub async fn call(
    call: &Call<'_>,
    grant_type: GrantType,
    grant: Option<&Grant>,
    scope: &[String],
    audience: &[String],
    session: &SessionClaims,
) -> Result<SessionClaims, OAuth2Error> {
    let config = call.service.config.load();
    let mut session = session.clone();
    let client_id = &call.client.id;
    if let Some(hook) = config.refresh_token_hook.as_ref().filter(|_| grant_type == GrantType::RefreshToken) {
        let requester = json!({
            "client_id": client_id, "granted_scopes": scope, "granted_audience": audience,
            "grant_types": [grant_type.name()],
        });
        let body = json!({
            "subject": grant.map_or("", |grant| grant.subject.as_str()),
            "session": shown(&config, call, grant, &session),
            "requester": requester,
            "client_id": client_id, "granted_scopes": scope, "granted_audience": audience,
        });
        session = ask(call, hook, &body, session).await?;
    }
    if let Some(hook) = &config.token_hook {
        let payload: Map<_, _> = PAYLOAD
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), json!([call.parameters.get(name)?]))))
            .collect();
        let request = json!({
            "client_id": client_id, "requested_scopes": scope, "granted_scopes": scope, "granted_audience": audience,
            "grant_types": [grant_type.name()], "payload": payload,
        });
        let body = json!({ "session": shown(&config, call, grant, &session), "request": request });
        session = ask(call, hook, &body, session).await?;
    }
    Ok(session)
}

/// The `session` of a hook's body, member by member as Hydra sends it.
fn shown(config: &Config, call: &Call<'_>, grant: Option<&Grant>, session: &SessionClaims) -> Value {
    let moment = |at: Option<Timestamp>| at.map_or(json!(NO_TIME), |at| json!(at));
    let authentication = grant.map(|grant| &grant.authentication);
    let mut ext = session.id_token.clone();
    if let Some(authentication) = authentication {
        ext.insert("sid".to_owned(), json!(authentication.session));
    }
    json!({
        "id_token": {
            "id_token_claims": {
                "jti": "", "iss": config.issuer, "sub": grant.map_or("", id_token::subject),
                "aud": [call.client.id],
                "nonce": grant.and_then(|grant| grant.requested.nonce.as_deref()).unwrap_or_default(),
                "exp": NO_TIME, "iat": NO_TIME, "rat": moment(grant.map(|grant| grant.requested_at)),
                "auth_time": moment(authentication.map(|authentication| authentication.at)),
                "at_hash": "", "acr": authentication.map_or("", |authentication| authentication.acr.as_str()),
                "amr": authentication.map_or(&[][..], |authentication| &authentication.amr),
                "c_hash": "", "ext": ext,
            },
            "headers": { "extra": {} },
            "expires_at": {},
            "subject": grant.map_or(call.client.id.as_str(), |grant| grant.subject.as_str()),
        },
        "extra": session.access_token,
        "kid": "",
        "client_id": call.client.id,
        "consent_challenge": grant.map_or_else(String::new, |grant| grant.id.as_uuid().simple().to_string()),
        "exclude_not_before_claim": config.exclude_not_before_claim,
        "allowed_top_level_claims": config.allowed_top_level_claims,
        "mirror_top_level_claims": config.mirror_top_level_claims,
        "preserve_ext_claims": false,
    })
}

/// What a hook answers with 200: both maps are replaced, one that is left out by nothing.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    session: SessionClaims,
}

async fn ask(
    call: &Call<'_>,
    hook: &HookConfig,
    body: &Value,
    session: SessionClaims,
) -> Result<SessionClaims, OAuth2Error> {
    let mut headers = vec![("content-type".to_owned(), "application/json; charset=UTF-8".to_owned())];
    if let Some(key) = &hook.api_key {
        let value = key.value.expose_secret();
        headers.push(if key.in_cookie {
            ("cookie".to_owned(), format!("{}={value}", key.name))
        } else {
            (key.name.clone(), value.to_owned())
        });
    }
    let request = OutboundRequest {
        method: "POST".to_owned(),
        url: hook.url.to_string(),
        headers,
        body: serde_json::to_vec(body).map_err(OAuth2Error::internal)?,
        trust: Trust::Operator,
        timeout: TIMEOUT,
        max_response_bytes: MAX_BYTES,
    };
    let response = call.service.outbound.send(request).await.map_err(OAuth2Error::internal)?;
    match response.status {
        200 => {
            let answer: Answer = serde_json::from_slice(&response.body).map_err(OAuth2Error::internal)?;
            Ok(answer.session)
        }
        204 => Ok(session),
        403 => Err(OAuth2Error::new(ErrorCode::AccessDenied, "The token hook of this server refused the request.")),
        status => Err(OAuth2Error::internal(format!("the token hook answered {status}"))),
    }
}
