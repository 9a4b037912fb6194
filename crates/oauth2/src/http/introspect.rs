//! `POST /admin/oauth2/introspect`, and `POST /oauth2/introspect` for clients that prove who they are.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Context, FormBody};

use super::protocol::{Received, answer, receive, refuse};
use crate::client_auth::{self, Presented};
use crate::error::{ErrorCode, OAuth2Error};
use crate::parameters::Parameters;
use crate::scope;
use crate::service::OAuth2Service;
use crate::token::introspect::{Introspection, introspect};

pub(super) async fn for_administrators(
    service: Data<OAuth2Service>,
    context: Context,
    FormBody(form): FormBody,
) -> Result<HttpResponse, ApiError> {
    let parameters = Parameters::new(form.iter())?;
    let found = look(&service, &context, &parameters).await?;
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
        client_auth::authenticate(&service, context.project, context.now, &presented).await?;
        look(&service, &context, &parameters).await
    };
    match respond.await {
        Ok(found) => answer(&found),
        Err(error) => Ok(refuse(&request, error)),
    }
}

async fn look(
    service: &OAuth2Service,
    context: &Context,
    parameters: &Parameters,
) -> Result<Introspection, OAuth2Error> {
    let Some(token) = parameters.get("token") else { return Ok(Introspection::default()) };
    let required = scope::parse(parameters.get("scope").unwrap_or_default());
    introspect(service, context.project, context.now, token, &required).await
}
