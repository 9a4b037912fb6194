//! Settings over HTTP.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use orrery_web::{ApiError, Listener, Routes, cookie, response};

use super::failure::api_error;
use super::flow::{self, Begun, Client, Exchange, SelfService, cookie_policy, show_as};
use super::session::inactive;
use crate::IdentityService;
use crate::flow::continuity::{self, Owner};
use crate::flow::form::{endpoint, with_query};
use crate::flow::{
    BrowserSecrets, ContinueWith, Flow, FlowError, FlowKind, FlowType, Open, Origin, Submission, Submitted,
};
use crate::session::Aal;
use crate::settings::render::{SettingsFlow, render};
use crate::settings::start::start;
use crate::settings::submit::submit;
use crate::settings::{Outcome, Saved, admit};

pub(super) fn routes(surface: &'static str) -> Routes {
    let (browser, native) = (Some("createBrowserSettingsFlow"), Some("createNativeSettingsFlow"));
    Routes::new(Listener::Public, surface)
        .get("/self-service/settings/browser", browser, flow::begin_in_browser::<Settings>)
        .get("/self-service/settings/api", native, flow::begin_natively::<Settings>)
        .get("/self-service/settings/flows", Some("getSettingsFlow"), flow::get::<Settings>)
        .post("/self-service/settings", Some("updateSettingsFlow"), flow::submit::<Settings>)
        .get("/self-service/settings", None, flow::submit::<Settings>)
        .get("/.well-known/change-password", None, change_password)
}

/// Where password managers send people to change a password.
async fn change_password(service: Data<IdentityService>) -> Result<HttpResponse, ApiError> {
    response::see_other(service.config.load().ui.settings.as_str())
}

/// Changing one's account.
pub(super) struct Settings;

impl SelfService for Settings {
    const KIND: FlowKind = FlowKind::Settings;
    type Body = SettingsFlow;
    type Done = Outcome;

    async fn start(exchange: &Exchange<'_>, origin: Origin) -> Result<Begun, ApiError> {
        // From here, whatever host the request came by: the login accepts no other.
        let mut init = endpoint(&exchange.config.public_url, "/self-service/settings/browser");
        init.set_query(exchange.request.uri().query());
        let init = init.to_string();
        match start(exchange.service, exchange.context, origin, exchange.session().await?).await {
            Ok(flow) => Ok(Begun::Flow(Box::new(flow))),
            Err(error) => match (sign_in(exchange, &error, &init), exchange.client) {
                (Some(login), Client::Browser) => response::see_other(&login).map(Begun::Elsewhere),
                (_, Client::Browser | Client::Script | Client::Api) => Err(refusal(exchange, error, &init)),
            },
        }
    }

    async fn show(exchange: &Exchange<'_>, flow: &Flow, csrf_token: &str) -> Result<SettingsFlow, ApiError> {
        let service = exchange.service;
        let owner = flow.identity_id.ok_or_else(|| api_error(FlowError::Unknown))?;
        let kinds = std::collections::BTreeSet::new();
        let found = service.identities.identity_by_id(exchange.context.project, owner, &kinds).await?;
        let identity = found.ok_or_else(|| api_error(FlowError::Unknown))?;
        let schemas = service.schemas.load();
        let schema = schemas.get(&identity.schema_id);
        let schema = schema.ok_or_else(|| ApiError::internal("the identity's schema is not configured"))?;
        Ok(render(flow, &identity, &exchange.config, schema, exchange.reader(csrf_token)))
    }

    // Whoever owns the account may see its flows in any of their browsers; only the one that began it can submit.
    async fn admit_reader(exchange: &Exchange<'_>, flow: &Flow) -> Result<String, ApiError> {
        let current = exchange.session().await?.ok_or_else(inactive)?;
        let page = exchange.page(flow);
        admit(&exchange.config, flow, &current).map_err(|error| refusal(exchange, error, &page))?;
        Ok(exchange.token_if_owner(flow))
    }

    fn unread(exchange: &Exchange<'_>, flow: &Flow, error: ApiError) -> Result<HttpResponse, ApiError> {
        match (exchange.client, flow.flow_type) {
            (Client::Browser, FlowType::Browser) if error.status() == StatusCode::UNAUTHORIZED => {
                response::found(exchange.config.ui.login.as_str())
            }
            (Client::Browser | Client::Script | Client::Api, FlowType::Browser | FlowType::Api) => Err(error),
        }
    }

    async fn follow(exchange: &Exchange<'_>, open: &Open) -> Result<Option<HttpResponse>, ApiError> {
        let Some(identity) = open.flow.identity_id else { return Ok(None) };
        let owner = Owner { project: exchange.context.project, flow: open.flow.id, identity };
        let waiting = cookie::values(exchange.request, continuity::COOKIE);
        let (now, keyring) = (exchange.context.now, &exchange.service.keyring);
        let parked = waiting.iter().take(4).find_map(|value| owner.open(value, now, keyring));
        let Some(parked) = parked.filter(|_| exchange.client == Client::Browser) else {
            return match exchange.client {
                Client::Browser => response::see_other(&exchange.page(&open.flow)).map(Some),
                Client::Api | Client::Script => Ok(None),
            };
        };
        let open = Open { flow: open.flow.clone(), current: open.current.clone(), browser: open.browser };
        let answer = flow::finish::<Self>(exchange, open, &parked, None).await?;
        // It waits on when its sender has still to sign in.
        let waits = answer.cookies().any(|cookie| cookie.name() == continuity::COOKIE);
        let removal = cookie_policy(&exchange.config.cookies).removal(continuity::COOKIE);
        response::with_cookies(answer, (!waits).then_some(removal)).map(Some)
    }

    async fn submit(
        exchange: &Exchange<'_>,
        open: Open,
        submitted: &Submission,
        browser: Option<BrowserSecrets>,
    ) -> Result<Submitted<Outcome>, FlowError> {
        submit(exchange.service, exchange.context, open, submitted, browser).await
    }

    async fn done(exchange: &Exchange<'_>, done: Outcome) -> Result<HttpResponse, ApiError> {
        let saved = match done {
            Outcome::Saved(saved) => *saved,
            Outcome::Shown(flow) => return show_as::<Self>(exchange, &flow, StatusCode::OK).await,
        };
        let Saved { flow, method, session: (session, token), mut continue_with } = saved;
        let configured = exchange.config.settings.after.return_url(method.as_str());
        let next = match (&flow.return_to, configured) {
            (None, None) => exchange.page(&flow),
            (Some(_) | None, _) => exchange.after_url(&flow, configured),
        };
        let verification = continue_with.iter().find_map(ContinueWith::verification_page).map(str::to_owned);
        let answer = match exchange.client {
            Client::Browser => response::see_other(&verification.unwrap_or(next))?,
            Client::Api | Client::Script => {
                let csrf_token = exchange.token_if_owner(&flow);
                let mut shown = Self::show(exchange, &flow, &csrf_token).await?;
                if exchange.client == Client::Script {
                    continue_with.insert(0, ContinueWith::RedirectBrowserTo { redirect_browser_to: next });
                }
                shown.continue_with = continue_with;
                response::ok(&shown)?
            }
        };
        match exchange.client {
            Client::Api => Ok(answer),
            Client::Browser | Client::Script => exchange.with_session(answer, &session, &token),
        }
    }

    async fn again(exchange: &Exchange<'_>, flow: &Flow) -> Result<HttpResponse, ApiError> {
        show_as::<Self>(exchange, flow, StatusCode::BAD_REQUEST).await
    }

    fn refused(exchange: &Exchange<'_>, error: FlowError) -> Result<HttpResponse, ApiError> {
        let id = exchange.query.get("flow").unwrap_or_default();
        let submit = with_query(&endpoint(&exchange.config.public_url, "/self-service/settings"), "flow", id);
        let (Client::Browser, Some(login)) = (exchange.client, sign_in(exchange, &error, &submit)) else {
            return Err(refusal(exchange, error, &submit));
        };
        let answer = response::see_other(&login)?;
        let FlowError::RefreshNeeded { flow, submitted } = error else { return Ok(answer) };
        let Some(identity) = flow.identity_id else { return Ok(answer) };
        let owner = Owner { project: exchange.context.project, flow: flow.id, identity };
        let (service, now) = (exchange.service, exchange.context.now);
        let parked = owner.seal(&submitted, now, &service.keyring, &*service.entropy);
        let policy = cookie_policy(&exchange.config.cookies);
        let parked = parked.map(|value| policy.cookie(continuity::COOKIE, value, Some(continuity::LIFESPAN)));
        response::with_cookies(answer, parked)
    }
}

/// The login that makes what was refused possible, and that leads back to `return_to`.
fn sign_in(exchange: &Exchange<'_>, error: &FlowError, return_to: &str) -> Option<String> {
    let mut login = endpoint(&exchange.config.public_url, "/self-service/login/browser");
    if matches!(error, FlowError::SecondFactorNeeded) {
        login.query_pairs_mut().append_pair("aal", Aal::Aal2.as_str());
    } else if matches!(error, FlowError::RefreshNeeded { .. }) {
        login.query_pairs_mut().append_pair("refresh", "true");
    } else if !matches!(error, FlowError::SessionInactive) {
        return None;
    }
    Some(with_query(&login, "return_to", return_to))
}

/// A refusal with the way out, for clients that read JSON.
fn refusal(exchange: &Exchange<'_>, error: FlowError, return_to: &str) -> ApiError {
    let login = sign_in(exchange, &error, return_to).filter(|_| !matches!(error, FlowError::SessionInactive));
    let answer = api_error(error);
    match login {
        Some(login) => {
            answer.with_detail("redirect_browser_to", login.as_str()).with_member("redirect_browser_to", login)
        }
        None => answer,
    }
}
