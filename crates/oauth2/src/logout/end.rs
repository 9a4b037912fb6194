//! A login session ends, and whoever must hear of it will.

use orrery_core::RequestContext;
use orrery_core::id::LoginSessionId;

use super::back_channel;
use crate::client::ClientId;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;
use crate::store::{SessionEnd, SessionEnded};

/// How often it is tried again because another client got its first tokens through the session in between.
const TRIES: usize = 4;

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
    for _ in 0..TRIES {
        let found = service.login_sessions.login_session_with_clients(context.project, id).await?;
        let Some(ending) = found else { return Ok(None) };
        let events = back_channel::notices(service, context, &ending).await?;
        let told: Vec<ClientId> = ending.clients.iter().map(|client| client.id.clone()).collect();
        match service.login_sessions.login_session_end(context.project, id, &told, &events).await? {
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
