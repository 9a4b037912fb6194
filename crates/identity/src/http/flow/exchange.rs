//! One request to a flow, and what answering it takes.

use std::sync::Arc;

use actix_web::cookie::Cookie;
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::{RequestContext, TokenHash};
use orrery_web::{ApiError, Pairs, response};
use secrecy::SecretString;
use url::Url;

use super::browser::csrf;
use super::{Begun, Client, request};
use crate::IdentityService;
use crate::config::Config;
use crate::flow::form::{Reader, with_query};
use crate::flow::{Flow, FlowError, Generation};
use crate::http::failure::api_error;
use crate::http::session;
use crate::limits::Rate;
use crate::session::{Presented, Session, SessionWithIdentity, current};

/// One request to a flow, and what answering it takes.
pub(in crate::http) struct Exchange<'a> {
    pub(in crate::http) service: &'a IdentityService,
    pub(in crate::http) config: Arc<Config>,
    pub(in crate::http) context: &'a RequestContext,
    pub(in crate::http) request: &'a HttpRequest,
    pub(in crate::http) query: Pairs,
    pub(in crate::http) client: Client,
    /// The anti-CSRF secret that comes with a new session. Chosen beforehand, because what follows the session already
    /// belongs to it.
    next: (TokenHash, Cookie<'static>),
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        service: &'a IdentityService,
        context: &'a RequestContext,
        request: &'a HttpRequest,
        client: Client,
    ) -> Result<Self, ApiError> {
        let config = service.config.load_full();
        let (secret, cookie) = csrf(&config).rotate(&*service.entropy);
        let next = (secret.fingerprint(), cookie);
        Ok(Self { service, config, context, request, query: Pairs::of_query(request)?, client, next })
    }

    /// Counts the request against what its network address may ask.
    pub(super) fn take(&self, rate: Rate) -> Result<(), ApiError> {
        self.service.rates.take(rate, self.context, &self.config.limits).map_err(|limit| api_error(limit.into()))
    }

    /// The session token that the request carries.
    pub(in crate::http) fn presented(&self) -> Presented {
        session::presented(self.request, self.service, self.context)
    }

    /// The request's session, if it is active.
    pub(in crate::http) async fn session(&self) -> Result<Option<SessionWithIdentity>, ApiError> {
        Ok(current(self.service, self.context, &self.presented()).await?.map(Arc::unwrap_or_clone))
    }

    /// The address in a query parameter, if there is one and it may be returned to.
    pub(in crate::http) fn return_to(&self, name: &str) -> Result<Option<String>, ApiError> {
        request::return_to(&self.config, &self.query, name)
    }

    /// A query parameter, if it says anything.
    pub(in crate::http) fn asked(&self, name: &str) -> Option<&str> {
        self.query.get(name).filter(|value| !value.is_empty())
    }

    /// Whether an app wants to exchange codes for the session that a browser will earn.
    pub(in crate::http) fn wants_exchange(&self) -> bool {
        self.client == Client::Api && self.query.get("return_session_token_exchange_code") == Some("true")
    }

    /// The page that shows a flow.
    pub(in crate::http) fn page(&self, flow: &Flow) -> String {
        with_query(self.config.ui.of(flow.kind), "flow", &flow.id.to_string())
    }

    /// Where a browser goes after a flow: what the flow was asked, else what the configuration says.
    pub(in crate::http) fn after_url(&self, flow: &Flow, configured: Option<&Url>) -> String {
        match (&flow.return_to, configured) {
            (Some(to), _) => to.clone(),
            (None, Some(url)) => url.to_string(),
            (None, None) => self.config.default_return_url.to_string(),
        }
    }

    /// A flow that began. Whoever is signed in already has nothing to do: a person is better off where they wanted
    /// to go than on an error page. `redirect` is the redirect that the flow's contract has for that.
    pub(in crate::http) fn begun(
        &self,
        begun: Result<Flow, FlowError>,
        return_to: Option<String>,
        redirect: fn(&str) -> Result<HttpResponse, ApiError>,
    ) -> Result<Begun, ApiError> {
        match begun {
            Err(FlowError::SessionAvailable) if self.client == Client::Browser => {
                let to = return_to.unwrap_or_else(|| self.config.default_return_url.to_string());
                redirect(&to).map(Begun::Elsewhere)
            }
            begun => Ok(Begun::Flow(Box::new(begun.map_err(api_error)?))),
        }
    }

    /// Refuses everybody but the browser that began the flow; native flows, and those that an administrator made, belong
    /// to whoever knows the id. Returns the masked token for the form.
    pub(super) fn token_of_owner(&self, flow: &Flow) -> Result<String, ApiError> {
        match flow.csrf {
            Some(fingerprint) => {
                Ok(csrf(&self.config).owner(self.request, fingerprint)?.masked(&*self.service.entropy))
            }
            None => Ok(String::new()),
        }
    }

    /// The masked token for the form; empty for everybody but the browser that began the flow.
    pub(in crate::http) fn token_if_owner(&self, flow: &Flow) -> String {
        self.token_of_owner(flow).unwrap_or_default()
    }

    /// What rendering a flow for this client takes.
    pub(in crate::http) fn reader<'t>(&self, csrf_token: &'t str) -> Reader<'t> {
        Reader { csrf_token, generation: self.generation() }
    }

    /// Which client generation asks.
    pub(in crate::http) fn generation(&self) -> Generation {
        self.config.compatibility.generation(self.context.user_agent.as_deref())
    }

    /// The fingerprint of the anti-CSRF secret that comes with a new session.
    pub(in crate::http) const fn next_secret(&self) -> TokenHash {
        self.next.0
    }

    /// Hands a browser its new session, with a new anti-CSRF secret: what an earlier user of this browser knew must
    /// not be worth anything now.
    pub(in crate::http) fn with_new_session(
        &self,
        answer: HttpResponse,
        session: &Session,
        token: &SecretString,
    ) -> Result<HttpResponse, ApiError> {
        response::with_cookies(self.with_session(answer, session, token)?, [self.next.1.clone()])
    }

    /// Hands a browser the cookie of its session, and what it will be known by.
    pub(in crate::http) fn with_session(
        &self,
        answer: HttpResponse,
        session: &Session,
        token: &SecretString,
    ) -> Result<HttpResponse, ApiError> {
        let cookie = session::cookie(self.service, self.context, token, session.expires_at);
        let known = session::known_cookie(self.request, self.service, self.context, session.identity_id);
        response::with_cookies(answer, [cookie, known])
    }
}
