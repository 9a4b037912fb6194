//! The edge that all flows share: beginning one ([`begin`]), reading it ([`read`]) and submitting it ([`submit`]).
//!
//! A flow brings what is its own as a [`SelfService`]: how it starts, what it shows, how it is submitted, and what its
//! outcome looks like to each kind of client.

mod begin;
mod browser;
mod client;
mod exchange;
mod read;
mod request;
mod submit;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use orrery_web::{ApiError, response};
use serde::Serialize;

pub(super) use begin::{Begun, browser as begin_in_browser, native as begin_natively};
pub(super) use browser::csrf;
pub use browser::{Browser, cookie_policy};
pub use client::Client;
pub(super) use exchange::Exchange;
pub(super) use read::{get, read};
pub(super) use request::{id, request_url, return_to};
pub(super) use submit::{finish, submit};

use super::failure;
use crate::config::Config;
use crate::flow::{BrowserSecrets, Flow, FlowError, FlowKind, Open, Origin, Submission, Submitted};

/// What one kind of flow adds to the shared edge.
pub(super) trait SelfService: 'static {
    /// Which flow it is.
    const KIND: FlowKind;
    /// The flow's JSON.
    type Body: Serialize;
    /// What a successful submit led to.
    type Done;

    /// Whether the operator offers this flow.
    fn is_offered(_config: &Config) -> bool {
        true
    }

    /// Begins a flow for whoever asks.
    async fn start(exchange: &Exchange<'_>, origin: Origin) -> Result<Begun, ApiError>;

    /// The flow as the client that asks reads it.
    async fn show(exchange: &Exchange<'_>, flow: &Flow, csrf_token: &str) -> Result<Self::Body, ApiError>;

    /// Refuses whoever may not read the flow. Returns the masked anti-CSRF token for the form.
    async fn admit_reader(exchange: &Exchange<'_>, flow: &Flow) -> Result<String, ApiError> {
        exchange.token_of_owner(flow)
    }

    /// Answers whoever may not read the flow, or not any more.
    fn unread(_exchange: &Exchange<'_>, _flow: &Flow, error: ApiError) -> Result<HttpResponse, ApiError> {
        Err(error)
    }

    /// Answers a link of a message, or a browser that comes back with GET. None: treat it as a submit without fields.
    async fn follow(_exchange: &Exchange<'_>, _open: &Open) -> Result<Option<HttpResponse>, ApiError> {
        Ok(None)
    }

    /// Whether a submit needs no proof that its sender began the flow.
    fn proves_itself(_flow: &Flow, _submitted: &Submission) -> bool {
        false
    }

    /// Submits the flow, whose sender was found to be the one who began it. `browser` is who it is, unless it is a
    /// native client.
    async fn submit(
        exchange: &Exchange<'_>,
        open: Open,
        submitted: &Submission,
        browser: Option<BrowserSecrets>,
    ) -> Result<Submitted<Self::Done>, FlowError>;

    /// Answers a submit that led somewhere.
    async fn done(exchange: &Exchange<'_>, done: Self::Done) -> Result<HttpResponse, ApiError>;

    /// Answers a submit that has to be corrected.
    async fn again(exchange: &Exchange<'_>, flow: &Flow) -> Result<HttpResponse, ApiError> {
        show_as::<Self>(exchange, flow, StatusCode::BAD_REQUEST).await
    }

    /// Answers a submit that came too late.
    fn expired(exchange: &Exchange<'_>, expired: &Flow, fresh: &Flow) -> Result<HttpResponse, ApiError> {
        match exchange.client {
            Client::Browser => response::see_other(&exchange.page(fresh)),
            Client::Api | Client::Script => Err(failure::expired_on_submit(expired, fresh, exchange.context)),
        }
    }

    /// Answers what the flow itself cannot say.
    fn refused(_exchange: &Exchange<'_>, error: FlowError) -> Result<HttpResponse, ApiError> {
        Err(failure::api_error(error))
    }
}

/// The flow after a submit: its page for a browser, its JSON with this status for everybody else.
pub(super) async fn show_as<F: SelfService + ?Sized>(
    exchange: &Exchange<'_>,
    flow: &Flow,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    match exchange.client {
        Client::Browser => response::see_other(&exchange.page(flow)),
        Client::Api | Client::Script => {
            let token = exchange.token_if_owner(flow);
            response::json(status, &F::show(exchange, flow, &token).await?)
        }
    }
}
