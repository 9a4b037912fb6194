//! Submitting a flow.

use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::RequestContext;
use orrery_web::{ApiError, Context, Submitted as Body, response};

use super::browser::{Browser, Sender, check_sender};
use super::{Client, Exchange, SelfService, failure, request};
use crate::IdentityService;
use crate::flow::steps::{invalid, open};
use crate::flow::{BrowserSecrets, FlowError, FlowType, Open, Submission, Submitted};
use crate::http::session;
use crate::limits::Rate;

/// Submits a flow; a navigating browser is sent to the error page instead of being shown an error.
pub(in crate::http) async fn submit<F: SelfService>(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
    body: Result<Body, ApiError>,
) -> Result<HttpResponse, ApiError> {
    let mut client = Client::of_submit(&request, FlowType::Browser);
    let context = request::seen(&service, &context, &request);
    match submit_as::<F>(&service, &context, &request, body, &mut client).await {
        Ok(answer) => Ok(answer),
        Err(error) => failure::fail(&service, &context, client, error).await,
    }
}

async fn submit_as<F: SelfService>(
    service: &IdentityService,
    context: &RequestContext,
    request: &HttpRequest,
    body: Result<Body, ApiError>,
    client: &mut Client,
) -> Result<HttpResponse, ApiError> {
    let mut exchange = Exchange::new(service, context, request, *client)?;
    exchange.take(Rate::Submit)?;
    if !F::is_offered(&exchange.config) {
        return Err(failure::api_error(FlowError::Disabled(F::KIND)));
    }
    let id = request::id(&exchange.query, "flow")?;
    let presented = exchange.presented();
    let known = session::known_browser(request, service, context);
    let mut open = open(service, context, F::KIND, id, &presented, known).await.map_err(failure::api_error)?;
    let follows = request.method() == Method::GET;
    // A link is opened in a browser, even where an app has asked for it.
    let of_browser = follows && exchange.asked("token").is_some();
    *client = Client::of_submit(request, if of_browser { FlowType::Browser } else { open.flow.flow_type });
    exchange.client = *client;
    let followed = if follows { F::follow(&exchange, &open).await? } else { None };
    if let Some(answer) = followed {
        return Ok(answer);
    }
    let submitted = request::submission(request, body)?;
    let browser = Browser::of(*client, &exchange.config, request, &*service.entropy);
    let present = if F::proves_itself(&open.flow, &submitted) {
        browser.fingerprint()
    } else {
        match check_sender(&exchange.config, request, &open.flow, &submitted)? {
            Sender::Owner(csrf) => csrf,
            Sender::BrowserOnNativeFlow(reason) => {
                open.flow.messages = vec![invalid(reason)];
                return response::json(StatusCode::BAD_REQUEST, &F::show(&exchange, &open.flow, "").await?);
            }
        }
    };
    let secrets = present.map(|present| BrowserSecrets { present, next: exchange.next_secret() });
    let answer = finish::<F>(&exchange, open, &submitted, secrets).await?;
    response::with_cookies(answer, browser.cookie)
}

/// Submits a flow whose sender was checked, and answers.
pub(in crate::http) async fn finish<F: SelfService>(
    exchange: &Exchange<'_>,
    open: Open,
    submitted: &Submission,
    browser: Option<BrowserSecrets>,
) -> Result<HttpResponse, ApiError> {
    let return_to = open.flow.return_to.clone();
    match F::submit(exchange, open, submitted, browser).await {
        Ok(Submitted::Done(done)) => F::done(exchange, *done).await,
        Ok(Submitted::Again(flow)) => F::again(exchange, &flow).await,
        Ok(Submitted::Expired { expired, fresh }) => F::expired(exchange, &expired, &fresh),
        Err(FlowError::SessionAvailable) if exchange.client == Client::Browser => {
            response::see_other(&return_to.unwrap_or_else(|| exchange.config.default_return_url.to_string()))
        }
        Err(error) => F::refused(exchange, error),
    }
}
