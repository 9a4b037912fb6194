//! Whether somebody is the one whom the client means: `id_token_hint`, and `sub` in `claims` (OpenID Connect Core sections
//! 3.1.2.1 and 5.5.1).

use orrery_core::RequestContext;

use super::Refused;
use crate::challenge::AuthorizationRequest;
use crate::client::{Client, SubjectType};
use crate::config::Config;
use crate::service::OAuth2Service;
use crate::subject::{last_known_to, obfuscated};

/// Somebody who is signed in, or about to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meant<'a> {
    /// What the client asks for.
    pub(super) request: &'a AuthorizationRequest,
    /// The client.
    pub(super) client: &'a Client,
    /// Who it is.
    pub(super) subject: &'a str,
    /// What the login application wants the client to know them by.
    pub(super) forced: Option<&'a str>,
}

impl Meant<'_> {
    /// Whether the request names this person, by any of the names that they have, or nobody.
    ///
    /// # Errors
    /// Storage: a name that a login application forced is known from what the person granted to the client before.
    pub(super) async fn is(
        self,
        service: &OAuth2Service,
        context: &RequestContext,
        config: &Config,
    ) -> Result<bool, Refused> {
        let Self { request, client, subject, forced } = self;
        let claimed = |place: &str| request.claims.as_ref()?.get(place)?.get("sub")?.get("value")?.as_str();
        let named = [request.hinted_subject.as_deref(), claimed("id_token"), claimed("userinfo")];
        let others = || named.into_iter().flatten().filter(|name| *name != subject);
        if others().next().is_none() {
            return Ok(true);
        }
        if client.subject_type == SubjectType::Public {
            return Ok(false);
        }
        let computed = obfuscated(config, client, subject, None).ok().flatten();
        if others().all(|name| Some(name) == computed.as_deref() || Some(name) == forced) {
            return Ok(true);
        }
        let known = last_known_to(service, context.project, client, subject).await?;
        Ok(others().all(|name| Some(name) == known.as_deref()))
    }
}
