//! Telling clients of a logout without the browser (Back-Channel Logout 1.0): one event for each, delivered by the outbox.

use std::time::Duration;

use orrery_core::event::{NewEvent, Notice};
use orrery_core::id::EventId;
use orrery_core::outbound::Trust;
use orrery_core::{EntropyExt as _, ProjectId, Timestamp};
use orrery_keys::TokenToSign;
use orrery_keys::algorithm::SigningAlgorithm;
use orrery_keys::config::ID_TOKEN_SET;
use serde_json::{Value, json};
use url::Url;

use crate::error::OAuth2Error;
use crate::service::OAuth2Service;
use crate::session::LoginSession;
use crate::store::{SessionClient, SessionEnded};

/// Life of a logout token (section 2.4 recommends two minutes at most). Nobody is told after it has expired.
const LIFE: Duration = Duration::from_secs(120);
/// How long administrators see what became of a notice.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);

/// On what occasion a session ends.
pub(super) struct Occasion<'a> {
    /// Whose session.
    pub(super) project: ProjectId,
    /// When the clients are told.
    pub(super) now: Timestamp,
    /// The request that ends it; none when it had ended before.
    pub(super) request_id: Option<&'a str>,
}

/// The events by which the clients that asked for it hear that the session has ended. To be stored together with its end.
///
/// # Errors
/// When a logout token cannot be signed.
pub(super) async fn notices(
    service: &OAuth2Service,
    occasion: &Occasion<'_>,
    ending: &SessionEnded,
) -> Result<Vec<NewEvent>, OAuth2Error> {
    let mut events = Vec::new();
    for concerned in &ending.clients {
        if let Some(url) = concerned.client.backchannel_logout_uri.as_deref().and_then(|url| Url::parse(url).ok()) {
            events.push(notice(service, occasion, concerned, url, &ending.session).await?);
        }
    }
    Ok(events)
}

async fn notice(
    service: &OAuth2Service,
    occasion: &Occasion<'_>,
    concerned: &SessionClient,
    url: Url,
    session: &LoginSession,
) -> Result<NewEvent, OAuth2Error> {
    let token = token(service, occasion, concerned, session).await?;
    let (id, now) = (EventId::generate(&*service.entropy), occasion.now);
    let recipient = url.origin().ascii_serialization();
    let notice = Notice {
        method: "POST".to_owned(),
        url: url.into(),
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish(),
        trust: Trust::Caller,
        useless_after: Some(now + LIFE),
    };
    let notice = notice.seal(occasion.project, id, &service.keyring, &*service.entropy);
    Ok(NewEvent {
        id,
        kind: "oauth2.logout".to_owned(),
        subject: Some(concerned.client.id.to_string()),
        actor: occasion.request_id.map(|_| session.subject.clone()),
        request_id: occasion.request_id.map(str::to_owned),
        session_id: session.identity_session,
        recipient,
        notice: notice.map_err(OAuth2Error::internal)?,
        occurred_at: now,
        deliver_after: now,
        expires_at: now + RETENTION,
    })
}

/// A logout token (section 2.4). It names the session and the person, as the client knows them, and has no `nonce`.
async fn token(
    service: &OAuth2Service,
    occasion: &Occasion<'_>,
    concerned: &SessionClient,
    session: &LoginSession,
) -> Result<String, OAuth2Error> {
    let SessionClient { client, subject } = concerned;
    let claims = json!({
        "iss": service.config.load().issuer,
        "aud": [client.id],
        "sub": subject,
        "sid": session.id,
        "iat": occasion.now.as_seconds(),
        "exp": (occasion.now + LIFE).as_seconds(),
        "jti": service.entropy.uuid(),
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    let Value::Object(claims) = claims else { return Err(OAuth2Error::internal("claims are an object")) };
    let algorithm = client.id_token_signed_response_alg.as_deref().and_then(SigningAlgorithm::parse);
    let token = TokenToSign { set: ID_TOKEN_SET, algorithm, typ: "logout+jwt", claims: &claims };
    Ok(service.keys.sign_jwt(occasion.project, occasion.now, token).await?)
}
