//! A login session ends, and whoever must hear of it will.

use orrery_core::id::LoginSessionId;
use orrery_core::{RequestContext, Timestamp};

use super::back_channel::{self, Occasion};
use crate::client::ClientId;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;
use crate::store::{SessionEnd, SessionEnded};

/// How often it is tried again because another client got its first tokens through the session in between.
const TRIES: usize = 4;
/// Sessions that are read together.
const BATCH: u32 = 32;

/// Ends a session with the identity's session behind it, and says whom that concerns. What their back channels are told is
/// stored in the same step: a crash forgets nobody. None when the session had ended before.
///
/// # Errors
/// When a notice cannot be signed; storage.
pub async fn end_session(
    service: &OAuth2Service,
    context: &RequestContext,
    id: LoginSessionId,
) -> Result<Option<SessionEnded>, OAuth2Error> {
    let occasion = Occasion { project: context.project, now: context.now, request_id: Some(&context.request_id) };
    end(service, &occasion, id).await
}

/// Has the clients told of sessions that ended elsewhere: with the identity's session, with the identity, or all those of a
/// subject. Any number of nodes may do this at once: each session is told of once.
///
/// # Errors
/// When some could not be told of, which are tried again the next time; storage.
pub async fn tell_of_ended(service: &OAuth2Service, now: Timestamp) -> Result<(), OAuth2Error> {
    loop {
        let ended = service.login_sessions.login_sessions_ended(now, BATCH).await?;
        let mut failed = None;
        for (project, id) in &ended {
            let occasion = Occasion { project: *project, now, request_id: None };
            if let Err(error) = end(service, &occasion, *id).await {
                failed = Some(error);
            }
        }
        match failed {
            Some(error) => return Err(error),
            None if ended.len() < BATCH as usize => return Ok(()),
            None => {}
        }
    }
}

async fn end(
    service: &OAuth2Service,
    occasion: &Occasion<'_>,
    id: LoginSessionId,
) -> Result<Option<SessionEnded>, OAuth2Error> {
    let (store, project) = (&service.login_sessions, occasion.project);
    for _ in 0..TRIES {
        let Some(ending) = store.login_session_with_clients(project, id).await? else { return Ok(None) };
        let events = back_channel::notices(service, occasion, &ending).await?;
        let told: Vec<ClientId> = ending.clients.iter().map(|concerned| concerned.client.id.clone()).collect();
        match store.login_session_end(project, id, &told, &events).await? {
            SessionEnd::Done => {
                service.outbox.recorded(events.len());
                return Ok(Some(ending));
            }
            SessionEnd::Gone => return Ok(None),
            SessionEnd::MoreClients => {}
        }
    }
    let description = "Clients kept signing in through the session while it was to end. Try again.";
    Err(OAuth2Error::new(ErrorCode::Conflict, description))
}
