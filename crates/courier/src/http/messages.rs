//! `/admin/courier/messages`.

use actix_web::{HttpRequest, HttpResponse, web};
use orrery_core::id::MessageId;
use orrery_web::page::{PageBounds, Paging};
use orrery_web::{ApiError, Context, Pairs, response};

use super::body::MessageBody;
use super::{CourierApi, Visibility};
use crate::inbox::{self, OpenedMessage};
use crate::message::{MessageFilter, MessageStatus};

/// As Kratos serves it, although its contract says 250.
const BOUNDS: PageBounds = PageBounds { default: 10, max: 500 };

/// `listCourierMessages`.
pub(super) async fn list(
    api: web::Data<CourierApi>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    let filter = filter(&query)?;
    let paging = paging(&api, &context);
    let asked = paging.request(&query)?;
    let page = inbox::list(&*api.store, &api.keyring, context.project, &filter, &asked).await?;
    let bodies: Vec<_> = page.items.iter().map(|one| body(&api, one)).collect();
    let mut answer = response::ok(&bodies)?;
    paging.write(answer.headers_mut(), request.path(), &query, &asked, &page);
    Ok(answer)
}

/// `getCourierMessage`.
pub(super) async fn get(
    api: web::Data<CourierApi>,
    context: Context,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let found = inbox::get(&*api.store, &api.keyring, context.project, message_id(&id)?).await?;
    let (opened, dispatches) = found.ok_or_else(no_such_message)?;
    response::ok(&body(&api, &opened).with_dispatches(dispatches))
}

/// Which messages a query asks for.
pub(super) fn filter(query: &Pairs) -> Result<MessageFilter, ApiError> {
    let status = match query.get("status").filter(|status| !status.is_empty()) {
        None => None,
        Some(status) => Some(status.parse::<MessageStatus>().map_err(|_| {
            ApiError::bad_request("The parameter \"status\" must be queued, processing, sent or abandoned.")
        })?),
    };
    let recipient = query.get("recipient").filter(|recipient| !recipient.is_empty()).map(str::to_owned);
    Ok(MessageFilter { status, recipient })
}

/// The pages of message lists.
pub(super) fn paging<'a>(api: &'a CourierApi, context: &Context) -> Paging<'a> {
    Paging {
        keyring: &api.keyring,
        entropy: &*api.entropy,
        project: context.project,
        list: "courier_messages",
        bounds: BOUNDS,
    }
}

/// The id in a path.
pub(super) fn message_id(text: &str) -> Result<MessageId, ApiError> {
    text.parse().map_err(|_| ApiError::bad_request("The message id in the path must be a UUID."))
}

pub(super) fn no_such_message() -> ApiError {
    ApiError::not_found("There is no message with this id.")
}

fn body<'a>(api: &CourierApi, opened: &'a OpenedMessage) -> MessageBody<'a> {
    let content = match api.visibility {
        Visibility::Redacted => None,
        Visibility::Open => opened.content.as_ref(),
    };
    MessageBody::new(&opened.message, content, api.sms_type)
}
