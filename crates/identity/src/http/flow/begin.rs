//! Beginning a flow.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::RequestContext;
use orrery_web::{ApiError, Context, response};
use serde_json::Value;

use super::browser::Browser;
use super::{Client, Exchange, SelfService, failure, request};
use crate::IdentityService;
use crate::flow::{Flow, FlowError, FlowType, Origin};
use crate::limits::Rate;
use crate::session::exchange::init_code;

/// What became of beginning a flow.
pub(in crate::http) enum Begun {
    /// It began.
    Flow(Box<Flow>),
    /// There is nothing to do: the browser is sent elsewhere.
    Elsewhere(HttpResponse),
}

/// Begins a flow in a browser; a navigating one is sent to the error page instead of being shown an error.
pub(in crate::http) async fn browser<F: SelfService>(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let client = Client::of_init(&request, FlowType::Browser);
    let context = request::seen(&service, &context, &request);
    match begin::<F>(&service, &context, &request, client).await {
        Ok(answer) => Ok(answer),
        Err(error) => failure::fail(&service, &context, client, error).await,
    }
}

/// Begins a flow in a native client.
pub(in crate::http) async fn native<F: SelfService>(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    begin::<F>(&service, &request::seen(&service, &context, &request), &request, Client::Api).await
}

async fn begin<F: SelfService>(
    service: &IdentityService,
    context: &RequestContext,
    request: &HttpRequest,
    client: Client,
) -> Result<HttpResponse, ApiError> {
    let exchange = Exchange::new(service, context, request, client)?;
    exchange.take(Rate::Flow)?;
    if !F::is_offered(&exchange.config) {
        return Err(failure::api_error(FlowError::Disabled(F::KIND)));
    }
    let browser = Browser::of(client, &exchange.config, request, &*service.entropy);
    let origin = Origin {
        flow_type: client.flow_type(),
        request_url: request::request_url(&exchange.config, request)?,
        return_to: exchange.return_to("return_to")?,
        csrf: browser.fingerprint(),
        transient_payload: None,
    };
    let flow = match F::start(&exchange, origin).await? {
        Begun::Flow(flow) => flow,
        Begun::Elsewhere(answer) => return Ok(answer),
    };
    let answer = match client {
        Client::Browser => response::see_other(&exchange.page(&flow))?,
        Client::Api | Client::Script => {
            let shown = F::show(&exchange, &flow, &browser.token(&*service.entropy)).await?;
            match init_code(&flow, &service.keyring) {
                None => response::ok(&shown)?,
                Some(code) => {
                    let mut shown = serde_json::to_value(&shown).map_err(ApiError::internal)?;
                    shown["session_token_exchange_code"] = Value::from(code);
                    response::ok(&shown)?
                }
            }
        }
    };
    response::with_cookies(answer, browser.cookie)
}
