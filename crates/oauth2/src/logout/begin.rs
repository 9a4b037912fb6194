//! A browser asks to be logged out: by itself, or because a client sent it.

use orrery_core::RequestContext;
use orrery_core::id::LoginSessionId;
use url::Url;

use super::{Current, LoggedOut, LogoutChallenge, current, default_target, finish};
use crate::authorize::{Cookies, Parameters, endpoint, hint};
use crate::challenge::seal::{Kind, Sealer};
use crate::client::{Client, ClientId};
use crate::config::Config;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;

/// Judges the request, and asks the person where that is necessary.
///
/// A client proves by `id_token_hint` whose session it means. Without one, the person is asked; `client_id` alone says which
/// registered addresses the browser may go to afterwards.
///
/// # Errors
/// `invalid_request`; the person is told.
pub async fn begin(
    service: &OAuth2Service,
    context: &RequestContext,
    parameters: &Parameters,
    cookies: &Cookies,
) -> Result<LoggedOut, OAuth2Error> {
    if let Some(name) = parameters.repeated() {
        return Err(invalid(format!("The parameter '{name}' was sent more than once.")));
    }
    let config = service.config.load_full();
    let asked = Asked::read(service, context, &config, parameters).await?;
    let target = asked.target.clone();
    let current = current(service, context, &config, cookies).await?;
    let query = parameters.without(&["id_token_hint"]).to_query();
    let request_url = format!("/oauth2/sessions/logout{}{query}", if query.is_empty() { "" } else { "?" });
    let meant = match &asked.hinted {
        None => current.as_ref().map(|current| (current.session, current.subject.clone())),
        Some(session) => {
            let found = service.login_sessions.login_session_by_id(context.project, *session, context.now).await?;
            found.map(|found| (found.id, found.subject))
        }
    };
    let Some((session, subject)) = meant else {
        // Nobody has signed in, and nobody vouches for the address of a client that registered itself.
        let vouched_for = asked.client.as_ref().is_none_or(Client::is_vouched_for);
        return Ok(LoggedOut::nothing(target.filter(|_| vouched_for).unwrap_or_else(|| default_target(&config))));
    };
    let challenge = LogoutChallenge {
        client: asked.client.as_ref().map(|client| client.id.clone()),
        target,
        rp_initiated: asked.hinted.is_some(),
        ..LogoutChallenge::new(session, subject, request_url, context.now)
    };
    let own = current.as_ref().is_some_and(|current: &Current| current.session == session);
    let trusted = asked.client.as_ref().is_some_and(|client| client.skip_logout_consent == Some(true));
    if challenge.rp_initiated && own && trusted {
        return finish::end(service, context, &config, challenge, current).await;
    }
    let sealer = Sealer { keyring: &service.keyring, project: context.project };
    let text = challenge.seal(sealer, Kind::Logout, &*service.entropy);
    let mut page = match &config.urls.logout {
        Some(page) => page.clone(),
        None => Url::parse(&endpoint(&config, "/ui/logout")).map_err(OAuth2Error::internal)?,
    };
    page.query_pairs_mut().append_pair("logout_challenge", &text);
    Ok(LoggedOut::nothing(page.into()))
}

/// What was asked for.
struct Asked {
    client: Option<Client>,
    /// The session that an ID token names.
    hinted: Option<LoginSessionId>,
    target: Option<String>,
}

impl Asked {
    async fn read(
        service: &OAuth2Service,
        context: &RequestContext,
        config: &Config,
        parameters: &Parameters,
    ) -> Result<Self, OAuth2Error> {
        let named: Option<ClientId> = match parameters.get("client_id") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| invalid("There is no client with this 'client_id'."))?),
        };
        let wanted = parameters.get("post_logout_redirect_uri");
        let (client, hinted) = match parameters.get("id_token_hint") {
            None => {
                if named.is_none() && (wanted.is_some() || parameters.get("state").is_some()) {
                    return Err(invalid(
                        "The parameters 'post_logout_redirect_uri' and 'state' need 'id_token_hint' or 'client_id'.",
                    ));
                }
                let client = match &named {
                    None => None,
                    Some(id) => Some(client(service, context, std::slice::from_ref(id)).await?),
                };
                (client, None)
            }
            Some(token) => {
                let hint = hint::read(service, context, config, token).await?;
                if hint.issued_at.is_none_or(|at| at > context.now) {
                    return Err(invalid("The parameter 'id_token_hint' was not issued yet, or does not say when."));
                }
                let session = hint.session.as_deref().and_then(|sid| sid.parse().ok());
                let session = session.ok_or_else(|| invalid("The parameter 'id_token_hint' has no 'sid'."))?;
                if named.as_ref().is_some_and(|named| !hint.audience.contains(named)) {
                    return Err(invalid("The parameter 'client_id' is not the client of 'id_token_hint'."));
                }
                let audience = named.map_or(hint.audience, |named| vec![named]);
                (Some(client(service, context, &audience).await?), Some(session))
            }
        };
        let target = match (wanted, &client) {
            (None, _) => None,
            (Some(uri), Some(client)) if client.post_logout_redirect_uris.iter().any(|known| known == uri) => {
                Some(with_state(uri, parameters.get("state")))
            }
            (Some(_), _) => {
                return Err(invalid(
                    "The parameter 'post_logout_redirect_uri' is not one that the client has registered.",
                ));
            }
        };
        Ok(Self { client, hinted, target })
    }
}

/// The first of these clients that is registered.
async fn client(service: &OAuth2Service, context: &RequestContext, ids: &[ClientId]) -> Result<Client, OAuth2Error> {
    // Nobody issues tokens to more audiences than a few.
    for id in ids.iter().take(4) {
        if let Some(found) = service.clients.client_by_id(context.project, id).await? {
            return Ok(found.client.clone());
        }
    }
    Err(invalid("The request names no client that is registered."))
}

fn with_state(uri: &str, state: Option<&str>) -> String {
    match (Url::parse(uri), state) {
        (Ok(mut url), Some(state)) => {
            url.query_pairs_mut().append_pair("state", state);
            url.into()
        }
        (Ok(_) | Err(_), _) => uri.to_owned(),
    }
}

fn invalid(reason: impl Into<std::borrow::Cow<'static, str>>) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidRequest, reason)
}
