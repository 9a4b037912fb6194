//! The development inbox: what the courier would have sent. Absent unless it is switched on.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::value::Serde;
use minijinja::{Value, context};
use orrery_core::id::MessageId;
use orrery_web::Context;

use crate::account::moment;
use crate::frontend::{InboxMessage, Trouble};
use crate::http::{Look, Visit};
use crate::inbox::parts;
use crate::page::Pages;

/// `/ui/inbox`: the newest messages.
pub(crate) async fn list(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    let visit = Visit::new(&pages, &request, &context);
    if !pages.config.inbox {
        return visit.trouble(Trouble::NotFound, None);
    }
    match pages.frontend.inbox(&context).await {
        Ok(messages) => {
            let messages: Vec<_> = messages.iter().map(|message| view(&pages, message)).collect();
            let title = pages.text(visit.language, "inbox-title");
            visit.page(StatusCode::OK, "inbox.html", Look::Wide, context! { title, messages })
        }
        Err(trouble) => visit.trouble(trouble, None),
    }
}

/// `/ui/inbox/{id}`: one message.
pub(crate) async fn show(
    pages: web::Data<Pages>,
    request: HttpRequest,
    context: Context,
    id: web::Path<String>,
) -> HttpResponse {
    let visit = Visit::new(&pages, &request, &context);
    let Some(id) = id.parse::<MessageId>().ok().filter(|_| pages.config.inbox) else {
        return visit.trouble(Trouble::NotFound, None);
    };
    match pages.frontend.inbox_message(&context, id).await {
        Ok(message) => {
            let values = context! { title => message.subject.clone(), message => view(&pages, &message) };
            visit.page(StatusCode::OK, "inbox_message.html", Look::Wide, values)
        }
        Err(trouble) => visit.trouble(trouble, None),
    }
}

fn view(pages: &Pages, message: &InboxMessage) -> Value {
    // A text message has no subject: its beginning stands for it.
    let beginning: String = message.text.chars().take(60).collect();
    context! {
        id => message.id.to_string(),
        recipient => message.recipient.clone(),
        subject => if message.subject.is_empty() { &beginning } else { &message.subject },
        status => message.status.clone(),
        created_at => message.created_at.clone(),
        created_text => moment(&message.created_at),
        parts => Serde(parts(&message.text, pages.config.base())),
    }
}
