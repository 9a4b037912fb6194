//! `POST /admin/oauth2/introspect`, and `POST /oauth2/introspect` for clients that prove who they are.

use actix_web::http::header::ACCEPT;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Context, FormBody};

use super::protocol::{Received, allow_origins, answer, receive, refuse, signed};
use crate::client_auth::{self, Presented};
use crate::error::{ErrorCode, OAuth2Error};
use crate::parameters::Parameters;
use crate::scope;
use crate::service::OAuth2Service;
use crate::token::introspect::{self, Asker, Introspection, introspect};

/// A signed answer (RFC 9701 section 4).
const SIGNED: &str = "application/token-introspection+jwt";

pub(super) async fn for_administrators(
    service: Data<OAuth2Service>,
    context: Context,
    FormBody(form): FormBody,
) -> Result<HttpResponse, ApiError> {
    let parameters = Parameters::new(form.iter())?;
    let found = look(&service, &context, Asker::Administrator, &parameters).await?;
    answer(&found)
}

pub(super) async fn for_clients(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    FormBody(form): FormBody,
) -> Result<HttpResponse, ApiError> {
    let respond = async {
        let Received { presented, parameters } = receive(&request, &form)?;
        if matches!(presented, Presented::Nothing { .. }) {
            return Err(OAuth2Error::new(
                ErrorCode::InvalidClient,
                "Introspection is for clients that prove who they are (RFC 7662 section 2.1).",
            ));
        }
        allow_origins(&service, &context, &request, &presented).await?;
        let client = client_auth::authenticate(&service, &context, &presented).await?;
        let found = look(&service, &context, Asker::Client(&client.client), &parameters).await?;
        if !wants_jwt(&request) {
            return Ok(answer(&found));
        }
        let token = introspect::signed(&service, context.project, context.now, &client.client, &found).await?;
        Ok(signed(SIGNED, token))
    };
    match respond.await {
        Ok(answer) => answer,
        Err(error) => Ok(refuse(&request, error)),
    }
}

/// Whether the caller asks for a signed answer, by name: a client that takes anything gets JSON.
fn wants_jwt(request: &HttpRequest) -> bool {
    let accepted = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    let mut types = accepted.flat_map(|value| value.split(',')).filter_map(|range| range.split(';').next());
    types.any(|media_type| media_type.trim().eq_ignore_ascii_case(SIGNED))
}

async fn look(
    service: &OAuth2Service,
    context: &Context,
    asker: Asker<'_>,
    parameters: &Parameters,
) -> Result<Introspection, OAuth2Error> {
    let Some(token) = parameters.get("token") else { return Ok(Introspection::default()) };
    let required = scope::parse(parameters.get("scope").unwrap_or_default());
    introspect(service, context.project, context.now, asker, token, &required).await
}
