//! The end of an authorization: the client gets its answer, or, where it is a device, somebody has decided about it.

use orrery_core::{RequestContext, TokenHash};
use url::Url;

use super::begin::with;
use super::{Answer, CookieChange, Next, Refused, ReturnPath, Step, jar, signed_out, used_before};
use crate::challenge::{AuthorizationFlow, Rejection};
use crate::config::Config;
use crate::consent::Issued;
use crate::device::verify;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;
use crate::store::{Finished, Granted, Stepped};

/// Ends an authorization, once, as somebody decided.
///
/// # Errors
/// `access_denied` when it was ended before.
pub(super) async fn finish(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    flow: &AuthorizationFlow,
    decided: Result<Issued, &Rejection>,
) -> Result<Step, Refused> {
    if let Some(device) = flow.device {
        let granted = decided.ok().map(|issued| issued.granted);
        return decide(service, context, config, flow, device, granted).await;
    }
    let path = ReturnPath::from(&flow.request);
    let (answer, granted) = match decided {
        Ok(issued) => (Answer::success(path.clone(), issued.parameters, config), Some(issued.granted)),
        Err(rejection) => (Answer::rejected(path.clone(), rejection, config), None),
    };
    let end = Finished { id: flow.id, from: flow.state, granted };
    match service.authorizations.authorization_finish(context.project, &end).await? {
        Stepped::Done => Ok(step(service, config, flow, Next::Answer(answer))),
        Stepped::TooLate => Err(used_before(path)),
        Stepped::SignedOut => Err(signed_out(path)),
    }
}

/// Tells the waiting device, and then the person, who goes on there.
async fn decide(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    flow: &AuthorizationFlow,
    device: TokenHash,
    granted: Option<Granted>,
) -> Result<Step, Refused> {
    match service.devices.device_decide(context.project, device, granted.as_ref(), context.now).await? {
        Stepped::Done => {}
        Stepped::TooLate => {
            let reason =
                "Somebody has decided about this device before, or its code has expired. Have it show another one.";
            return Err(OAuth2Error::new(ErrorCode::AccessDenied, reason).into());
        }
        Stepped::SignedOut => return Err(signed_out(ReturnPath::from(&flow.request))),
    }
    let page = match granted {
        Some(_) => {
            let page = Url::parse(&flow.request.redirect_uri).map_err(OAuth2Error::internal)?;
            with(page, "client_id", flow.request.client.as_str()).into()
        }
        None => verify::denied_page(service, context),
    };
    Ok(step(service, config, flow, Next::Go(page)))
}

/// The cookie of the authorization goes.
fn step(service: &OAuth2Service, config: &Config, flow: &AuthorizationFlow, next: Next) -> Step {
    Step { next, cookies: vec![CookieChange::Remove { name: jar(service, config).flow(flow.id) }] }
}
