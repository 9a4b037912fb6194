//! `/inbox/messages`: the development inbox.

use actix_web::{HttpRequest, HttpResponse, web};
use orrery_web::{ApiError, Context, Pairs, response};

use super::CourierApi;
use super::body::InboxBody;
use super::messages::{filter, message_id, no_such_message, paging};
use crate::inbox;

/// The newest messages, with the filters and pages of the admin list.
pub(super) async fn list(
    api: web::Data<CourierApi>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    let paging = paging(&api, &context);
    let asked = paging.request(&query)?;
    let page = inbox::list(&*api.store, &api.keyring, context.project, &filter(&query)?, &asked).await?;
    let bodies: Vec<_> = page.items.iter().filter_map(InboxBody::new).collect();
    let mut answer = response::ok(&bodies)?;
    paging.write(answer.headers_mut(), request.path(), &query, &asked, &page);
    Ok(answer)
}

/// One message.
pub(super) async fn get(
    api: web::Data<CourierApi>,
    context: Context,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let found = inbox::get(&*api.store, &api.keyring, context.project, message_id(&id)?).await?;
    let (opened, _) = found.ok_or_else(no_such_message)?;
    let body = InboxBody::new(&opened).ok_or_else(no_such_message)?;
    response::ok(&body)
}
