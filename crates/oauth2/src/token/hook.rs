//! The hooks of the token endpoint: another server adds claims, or says no, before tokens are made.

use std::time::Duration;

use orrery_core::Timestamp;
use orrery_core::outbound::{OutboundRequest, Trust};
use orrery_keys::SigningAlgorithm;
use orrery_keys::config::{ACCESS_TOKEN_SET, ID_TOKEN_SET};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::client::AccessTokenStrategy;
use crate::config::{Config, HookConfig};
use crate::endpoint::Call;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant::{Grant, SessionClaims};
use crate::grant_type::GrantType;
use crate::scope;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer.
const MAX_BYTES: usize = 1024 * 1024;
/// What a hook learns of the request. Secrets, codes and tokens are not among it.
const PAYLOAD: [&str; 5] = ["grant_type", "response_type", "scope", "client_id", "assertion"];
/// What Go prints for no time at all.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// The token that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct Planned<'a> {
    /// By which grant.
    pub grant_type: GrantType,
    /// What it comes of.
    pub grant: Option<&'a Grant>,
    /// Whom it speaks for.
    pub subject: &'a str,
    /// Scopes.
    pub scope: &'a [String],
    /// Audiences.
    pub audience: &'a [String],
    /// Added claims.
    pub session: &'a SessionClaims,
    /// When the access token ends.
    pub expires_at: Timestamp,
}

/// The claims that go into the tokens: those of the consent, or what the configured hooks make of them. The hook of refresh
/// tokens comes first; the other one sees what it answered.
///
/// # Errors
/// `access_denied` when a hook says no; `server_error` when one does not answer as it should.
pub async fn call(call: &Call<'_>, planned: Planned<'_>) -> Result<SessionClaims, OAuth2Error> {
    let config = call.service.config.load_full();
    let Planned { grant_type, scope, audience, .. } = planned;
    let mut session = planned.session.clone();
    let of_refreshing = config.refresh_token_hook.as_ref().filter(|_| grant_type == GrantType::RefreshToken);
    if of_refreshing.is_none() && config.token_hook.is_none() {
        return Ok(session);
    }
    let signed_by = SignedBy::find(call, &config, planned.grant).await?;
    let client_id = &call.client.id;
    if let Some(hook) = of_refreshing {
        let requester = json!({
            "client_id": client_id, "granted_scopes": scope, "granted_audience": audience,
            "grant_types": [grant_type.name()],
        });
        let body = json!({
            "subject": planned.subject,
            "session": shown(&config, call, planned, &signed_by, &session),
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
            "client_id": client_id, "requested_scopes": requested(call, planned), "granted_scopes": scope,
            "granted_audience": audience, "grant_types": [grant_type.name()], "payload": payload,
        });
        let body = json!({ "session": shown(&config, call, planned, &signed_by, &session), "request": request });
        session = ask(call, hook, &body, session).await?;
    }
    Ok(session)
}

/// The scopes that were asked for: of the person, where there was one and the client has not asked for less since.
fn requested(call: &Call<'_>, planned: Planned<'_>) -> Vec<String> {
    let asked = scope::parse(call.parameters.get("scope").unwrap_or_default());
    match (planned.grant_type, planned.grant) {
        (GrantType::AuthorizationCode | GrantType::DeviceCode, Some(grant)) => grant.requested.scope.clone(),
        (GrantType::RefreshToken, Some(grant)) if asked.is_empty() => grant.requested.scope.clone(),
        (_, _) => asked,
    }
}

/// The keys that are about to sign.
struct SignedBy {
    /// `kid` of the access token; empty for an opaque one.
    access_token: String,
    /// `kid` of ID tokens; none where nobody signed in.
    id_token: Option<String>,
}

impl SignedBy {
    async fn find(call: &Call<'_>, config: &Config, grant: Option<&Grant>) -> Result<Self, OAuth2Error> {
        let Call { service, project, now, client, .. } = call;
        let access_token = match client.access_token_strategy.unwrap_or(config.access_token_strategy) {
            AccessTokenStrategy::Opaque => String::new(),
            AccessTokenStrategy::Jwt | AccessTokenStrategy::StatelessJwt => {
                service.keys.signing_key_id(*project, *now, ACCESS_TOKEN_SET, None).await?
            }
        };
        let algorithm = client.id_token_signed_response_alg.as_deref().and_then(SigningAlgorithm::parse);
        let id_token = match grant {
            Some(_) => Some(service.keys.signing_key_id(*project, *now, ID_TOKEN_SET, algorithm).await?),
            None => None,
        };
        Ok(Self { access_token, id_token })
    }
}

/// The `session` of a hook's body, member by member as Hydra sends it.
fn shown(
    config: &Config,
    call: &Call<'_>,
    planned: Planned<'_>,
    signed_by: &SignedBy,
    session: &SessionClaims,
) -> Value {
    let grant = planned.grant;
    let moment = |at: Option<Timestamp>| at.map_or(json!(NO_TIME), |at| json!(at));
    let authentication = grant.map(|grant| &grant.authentication);
    let mut ext = session.id_token.clone();
    if let Some(authentication) = authentication {
        ext.insert("sid".to_owned(), json!(authentication.session));
    }
    let header: Map<_, _> = signed_by.id_token.iter().map(|kid| ("kid".to_owned(), json!(kid))).collect();
    json!({
        "id_token": {
            "id_token_claims": {
                "jti": "", "iss": config.issuer, "sub": grant.map_or("", Grant::told_subject),
                "aud": [call.client.id],
                "nonce": grant.and_then(|grant| grant.requested.nonce.as_deref()).unwrap_or_default(),
                "exp": NO_TIME, "iat": call.now, "rat": moment(grant.map(|grant| grant.requested_at)),
                "auth_time": moment(authentication.map(|authentication| authentication.at)),
                "at_hash": "", "acr": authentication.map_or("", |authentication| authentication.acr.as_str()),
                "amr": authentication.map_or(&[][..], |authentication| &authentication.amr),
                "c_hash": "", "ext": ext,
            },
            "headers": { "extra": header },
            "expires_at": { "access_token": planned.expires_at },
            "subject": planned.subject,
        },
        "extra": session.access_token,
        "kid": signed_by.access_token,
        "client_id": call.client.id,
        "consent_challenge": grant.map_or_else(String::new, |grant| grant.id.as_uuid().simple().to_string()),
        "exclude_not_before_claim": config.exclude_not_before_claim,
        "allowed_top_level_claims": config.allowed_top_level_claims,
        "mirror_top_level_claims": config.mirror_top_level_claims,
        "preserve_ext_claims": config.preserve_ext_claims,
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
