//! The third leg: the browser comes back from consent, and the client gets its answer.

use orrery_core::RequestContext;

use super::finish::finish;
use super::{Cookies, Refused, ReturnPath, Step};
use crate::challenge::seal::Kind;
use crate::challenge::{Decision, FlowState};
use crate::consent::{Terms, issue};
use crate::error::OAuth2Error;
use crate::service::OAuth2Service;
use crate::store::AuthorizationWithClient;

/// Uses the consent application's decision, once.
///
/// # Errors
/// As [`login`](super::login()).
pub async fn consent(
    service: &OAuth2Service,
    context: &RequestContext,
    verifier: &str,
    cookies: &Cookies,
) -> Result<Step, Refused> {
    let config = service.config.load_full();
    let found = super::decided(service, context, &config, Kind::ConsentVerifier, verifier, cookies).await?;
    let AuthorizationWithClient { flow, client, session } = found;
    let path = ReturnPath::from(&flow.request);
    let (FlowState::ConsentDecided, Some(decision)) = (flow.state, &flow.consent) else {
        return Err(super::used_before(path));
    };
    let decided = match (decision, &flow.login) {
        (Decision::Rejected(rejection), _) => Err(rejection),
        (Decision::Accepted(consent), Decision::Accepted(login)) => {
            if session.is_none() {
                return Err(super::signed_out(path));
            }
            let terms = Terms::accepted(consent.clone(), flow.consent_skip);
            let issued = issue(service, context, &config, &client, &flow, login, terms)
                .await
                .map_err(|error| Refused::to_client(error, path))?;
            Ok(issued)
        }
        (Decision::Accepted(_), Decision::Rejected(_)) => {
            return Err(OAuth2Error::internal("a refused login has no consent").into());
        }
    };
    finish(service, context, &config, &flow, decided).await
}
