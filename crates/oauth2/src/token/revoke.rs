//! Revocation (RFC 7009).

use orrery_core::id::GrantId;
use orrery_core::{ProjectId, Timestamp};

use super::lookup;
use crate::client::Client;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;

/// Ends a token of the client, and every other token of its family; one that was exchanged for another with what came of it
/// in turn. One that is unknown, over, or another client's is left alone without a word (RFC 7009 section 2.2).
///
/// # Errors
/// When it could not be done: never "revoked" for what may still work. `unsupported_token_type` (section 2.2.1) for a token
/// that rests nowhere, which works until it expires; the others of its family are ended, so that none follows it.
pub async fn revoke(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    client: &Client,
    text: &str,
) -> Result<(), OAuth2Error> {
    // Whoever holds a token that was replaced may end what came of it.
    if let Some(token) = service.refresh_token(text) {
        let present = service.tokens.refresh_token_of(project, token.grant).await?;
        if present.is_some_and(|present| present.token.client == client.id) {
            service.tokens.family_end(project, token.grant).await?;
        }
        return Ok(());
    }
    let found = lookup::find(service, project, now, text).await?;
    let Some(live) = found.filter(|live| live.token.client == client.id) else { return Ok(()) };
    if !live.stored {
        return stateless(service, project, client, live.token.grant).await;
    }
    match live.token.grant {
        // What was exchanged for another's token ends alone: its client may not end what belongs to that one.
        Some(_) if live.token.derived_from.is_some() => {
            service.tokens.token_delete(project, live.token.hash).await.map(|_| ())?;
        }
        Some(grant) => service.tokens.family_end(project, grant).await.map(|_| ())?,
        None => service.tokens.token_delete(project, live.token.hash).await.map(|_| ())?,
    }
    Ok(())
}

async fn stateless(
    service: &OAuth2Service,
    project: ProjectId,
    client: &Client,
    grant: Option<GrantId>,
) -> Result<(), OAuth2Error> {
    let granted = match grant {
        Some(id) => service.grants.grant_by_id(project, id).await?,
        None => None,
    };
    if let Some(grant) = granted.filter(|grant| grant.client == client.id) {
        service.tokens.family_end(project, grant.id).await?;
    }
    let description = "This access token is checked without asking this server, so that it cannot be revoked: it works \
                       until it expires. The refresh token beside it, if there is one, has been revoked.";
    Err(OAuth2Error::new(ErrorCode::UnsupportedTokenType, description))
}
