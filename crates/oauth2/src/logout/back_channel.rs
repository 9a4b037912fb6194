//! Telling clients of a logout without the browser (Back-Channel Logout 1.0).

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use orrery_core::outbound::{OutboundError, OutboundRequest, Trust};
use orrery_core::{EntropyExt as _, ProjectId, Timestamp};
use orrery_keys::TokenToSign;
use orrery_keys::algorithm::SigningAlgorithm;
use orrery_keys::config::ID_TOKEN_SET;
use serde_json::{Value, json};

use crate::client::Client;
use crate::error::OAuth2Error;
use crate::service::OAuth2Service;
use crate::session::LoginSession;
use crate::store::SessionEnded;

/// Clients that are told at the same time.
const AT_ONCE: usize = 8;
/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Tries for each client.
const TRIES: u32 = 3;
/// Life of a logout token (section 2.4 recommends two minutes at most).
const LIFE: i64 = 120;
/// Nobody needs to answer more.
const MAX_ANSWER: usize = 64 * 1024;

/// Tells every client that asked for it. To be called after the session has ended; failures are logged, because nobody
/// waits for them.
pub async fn notify(service: &OAuth2Service, project: ProjectId, now: Timestamp, ended: &SessionEnded) {
    let clients = ended.clients.iter().filter(|client| client.backchannel_logout_uri.is_some());
    stream::iter(clients)
        .for_each_concurrent(AT_ONCE, |client| async move {
            if let Err(error) = tell(service, project, now, client, &ended.session).await {
                tracing::warn!(client = %client.id, error, "a client could not be told of a logout");
            }
        })
        .await;
}

async fn tell(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    client: &Client,
    session: &LoginSession,
) -> Result<(), String> {
    let Some(url) = &client.backchannel_logout_uri else { return Ok(()) };
    let token = token(service, project, now, client, session).await.map_err(|error| error.chain())?;
    let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish();
    let mut last = String::new();
    for _ in 0..TRIES {
        let request = OutboundRequest {
            method: "POST".to_owned(),
            url: url.clone(),
            headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
            body: body.clone().into_bytes(),
            trust: Trust::Caller,
            timeout: PATIENCE,
            max_response_bytes: MAX_ANSWER,
        };
        match service.outbound.send(request).await {
            Ok(answer) if matches!(answer.status, 200 | 204) => return Ok(()),
            Ok(answer) => last = format!("it answered {}", answer.status),
            Err(error @ OutboundError::Refused) => return Err(error.to_string()),
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}

/// A logout token (section 2.4). It names the session and the person, and has no `nonce`.
async fn token(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    client: &Client,
    session: &LoginSession,
) -> Result<String, OAuth2Error> {
    let config = service.config.load_full();
    let subject = crate::subject::obfuscated(&config, client, &session.subject, None).ok().flatten();
    let claims = json!({
        "iss": config.issuer,
        "aud": [client.id],
        "sub": subject.as_ref().unwrap_or(&session.subject),
        "sid": session.id,
        "iat": now.as_seconds(),
        "exp": now.as_seconds() + LIFE,
        "jti": service.entropy.uuid(),
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    let Value::Object(claims) = claims else { return Err(OAuth2Error::internal("claims are an object")) };
    let algorithm = client.id_token_signed_response_alg.as_deref().and_then(SigningAlgorithm::parse);
    let token = TokenToSign { set: ID_TOKEN_SET, algorithm, typ: "logout+jwt", claims: &claims };
    Ok(service.keys.sign_jwt(project, now, token).await?)
}
