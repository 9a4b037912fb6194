//! Reading a flow.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::RequestContext;
use orrery_core::id::FlowId;
use orrery_web::{ApiError, Context, response};

use super::{Client, Exchange, SelfService, failure, request};
use crate::IdentityService;
use crate::flow::{Flow, FlowError, FlowType};

/// Answers with a flow.
pub(in crate::http) async fn get<F: SelfService>(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let exchange = Exchange::new(&service, &context, &request, Client::of_init(&request, FlowType::Browser))?;
    let flow = find::<F>(&exchange, request::id(&exchange.query, "id")?).await?;
    match body::<F>(&exchange, &flow).await {
        Ok(body) => response::ok(&body),
        Err(error) => F::unread(&exchange, &flow, error),
    }
}

/// A flow as the request's sender may read it.
pub(in crate::http) async fn read<F: SelfService>(
    service: &IdentityService,
    context: &RequestContext,
    request: &HttpRequest,
    id: FlowId,
) -> Result<F::Body, ApiError> {
    let exchange = Exchange::new(service, context, request, Client::Browser)?;
    body::<F>(&exchange, &find::<F>(&exchange, id).await?).await
}

async fn find<F: SelfService>(exchange: &Exchange<'_>, id: FlowId) -> Result<Flow, ApiError> {
    let found = exchange.service.flows.flow_by_id(exchange.context.project, F::KIND, id).await?;
    found.ok_or_else(|| failure::api_error(FlowError::Unknown))
}

async fn body<F: SelfService>(exchange: &Exchange<'_>, flow: &Flow) -> Result<F::Body, ApiError> {
    let token = F::admit_reader(exchange, flow).await?;
    if flow.is_expired(exchange.context.now) {
        return Err(failure::expired_on_read(&exchange.config, flow));
    }
    F::show(exchange, flow, &token).await
}
