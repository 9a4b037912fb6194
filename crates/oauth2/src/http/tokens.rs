//! `DELETE /admin/oauth2/tokens`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::response::no_content;
use orrery_web::{ApiError, Context, Pairs};

use crate::client::ClientId;
use crate::service::OAuth2Service;
use crate::token::TokenKind;

/// Deletes the access tokens of a client; with `token_type=all` its refresh tokens too. A client that is unknown has none.
pub(super) async fn delete(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    let client = query.get("client_id").filter(|id| !id.is_empty());
    let client = client.ok_or_else(|| ApiError::bad_request("The parameter \"client_id\" is missing."))?;
    let kind = match query.get("token_type") {
        None | Some("" | "access_token") => Some(TokenKind::Access),
        Some("refresh_token") => Some(TokenKind::Refresh),
        Some("all") => None,
        Some(_) => {
            let reason = "The parameter \"token_type\" must be access_token, refresh_token or all.";
            return Err(ApiError::bad_request(reason));
        }
    };
    if let Ok(client) = client.parse::<ClientId>() {
        service.tokens.tokens_delete(context.project, &client, kind).await?;
    }
    Ok(no_content())
}
