//! After the login: consent, or at once the client's answer.

use orrery_core::RequestContext;
use orrery_core::id::{ChallengeId, LoginSessionId};

use super::begin::{has_prompt, with};
use super::{Answer, CookieChange, Next, Refused, ReturnPath, Step, endpoint};
use crate::challenge::seal::{Kind, Sealer};
use crate::challenge::{AuthorizationFlow, Decision, FlowState, LoginAccepted};
use crate::client::Client;
use crate::config::Config;
use crate::consent::{self, Need, Terms};
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;
use crate::store::{Begins, LoginCompleted, SessionWrite, Stepped};

/// An authorization whose person has signed in.
pub(super) struct Authorization {
    pub(super) flow: AuthorizationFlow,
    pub(super) client: Client,
    pub(super) begins: Begins,
    pub(super) session: SessionWrite,
    pub(super) ends: Option<LoginSessionId>,
    pub(super) cookies: Vec<CookieChange>,
}

/// Asks for consent where somebody has to be asked, and gives the client its answer where not.
pub(super) async fn after_login(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    authorization: Authorization,
) -> Result<Step, Refused> {
    let Authorization { mut flow, client, begins, session, ends, mut cookies } = authorization;
    let path = ReturnPath::from(&flow.request);
    let refused = |code, reason: &'static str| Refused::to_client(OAuth2Error::new(code, reason), path.clone());
    let Decision::Accepted(login) = flow.login.clone() else {
        return Err(OAuth2Error::internal("a refused login goes nowhere").into());
    };
    // A client that cannot be told who somebody is learns it now, not after the consent.
    if let Err(error) = obfuscated(config, &client, &login) {
        return Err(Refused::to_client(error, path));
    }
    let need = need(service, context, config, &flow, &client, &login.subject).await?;
    if need == Need::Ask && has_prompt(&flow.request, "none") {
        return Err(refused(ErrorCode::ConsentRequired, "Somebody has to be asked for consent first."));
    }
    let page = match (need, &config.urls.consent) {
        // The application adds claims, so it is visited although nobody is asked.
        (Need::Ask | Need::Skip, Some(page)) => Some(page.as_str().to_owned()),
        (Need::Ask, None) => Some(endpoint(config, "/ui/consent")),
        (Need::Skip, None) => None,
    };
    flow.consent_skip = need == Need::Skip;
    let (granted, next) = match page {
        Some(page) => {
            flow.state = FlowState::LoginUsed;
            let sealer = Sealer { keyring: &service.keyring, project: context.project };
            let challenge = sealer.name(Kind::Consent, flow.id, flow.expires_at, &*service.entropy);
            let page = url::Url::parse(&page).map_err(OAuth2Error::internal)?;
            (None, Next::Go(with(page, "consent_challenge", &challenge).into()))
        }
        None => {
            flow.state = FlowState::Finished;
            cookies.retain(|change| matches!(change, CookieChange::Remove { .. }));
            cookies.push(CookieChange::Remove { name: super::jar(service, config).flow(flow.id) });
            if begins == Begins::Fresh {
                // No row guards the step, and whoever goes back asks again: that is another grant.
                flow.id = ChallengeId::generate(&*service.entropy);
            }
            let terms = Terms::as_asked(&flow.request, context.now);
            let issued = consent::issue(service, context, config, &client, &flow, &login, terms)
                .await
                .map_err(|error| Refused::to_client(error, path.clone()))?;
            let answer = Answer::success(path.clone(), issued.parameters, config);
            (Some(issued.granted), Next::Answer(answer))
        }
    };
    let again = begins == Begins::Fresh && flow.request.pushed.is_none();
    let done = LoginCompleted { flow, begins, session, ends, granted, now: context.now };
    match service.authorizations.login_complete(context.project, &done).await? {
        // Whoever went back to the page before comes to the same question again.
        Stepped::TooLate if again => Ok(Step { next, cookies }),
        Stepped::Done => Ok(Step { next, cookies }),
        Stepped::SignedOut => Err(super::signed_out(path)),
        Stepped::TooLate => {
            Err(refused(ErrorCode::AccessDenied, "The sign-in was used before. Start again from the application."))
        }
    }
}

/// Whether somebody has to be asked. Storage is asked only where an earlier grant could make a difference.
async fn need(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    flow: &AuthorizationFlow,
    client: &Client,
    subject: &str,
) -> Result<Need, Refused> {
    // Whoever talks somebody into typing a code must not get what was granted to another device (RFC 8628 section 5.4).
    if flow.device.is_some() {
        return Ok(Need::Ask);
    }
    let strategy = config.scope_strategy;
    if !consent::depends_on_history(&flow.request, client) {
        return Ok(consent::need(&flow.request, client, None, strategy));
    }
    let remembered = service.grants.grant_remembered(context.project, subject, &client.id, context.now).await?;
    Ok(consent::need(&flow.request, client, remembered.as_ref(), strategy))
}

fn obfuscated(config: &Config, client: &Client, login: &LoginAccepted) -> Result<Option<String>, OAuth2Error> {
    crate::subject::obfuscated(config, client, &login.subject, login.force_subject_identifier.as_deref())
}
