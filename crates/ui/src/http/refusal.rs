//! What a person reads where a program would get an error as JSON.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest as _, HttpRequest, web};
use orrery_web::Context;
use orrery_web::negotiate::wants_json;

use super::Visit;
use super::message;
use crate::frontend::Trouble;
use crate::page::Pages;

/// The middleware: a browser that navigates gets a page instead of JSON where nobody can show one later: too many
/// requests, an outage, an address that leads nowhere. Status and headers stay. To be wrapped around the edge.
///
/// # Errors
/// Only what a middleware further inside fails with.
pub async fn for_people<B: MessageBody>(
    pages: Option<web::Data<Pages>>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let answered = next.call(request).await?;
    let Some((pages, trouble)) = pages.zip(trouble(&answered)) else { return Ok(answered.map_into_left_body()) };
    let Ok(context) = Context::extract(answered.request()).await else { return Ok(answered.map_into_left_body()) };
    let status = answered.status();
    let visit = Visit::new(&pages, answered.request(), &context);
    let mut page = message::trouble(&visit, trouble, None);
    *page.status_mut() = status;
    for (name, value) in answered.headers().iter().filter(|(name, _)| !matches!(**name, CONTENT_TYPE | CONTENT_LENGTH))
    {
        if !page.headers().contains_key(name) {
            page.headers_mut().append(name.clone(), value.clone());
        }
    }
    Ok(answered.into_response(page).map_into_right_body())
}

/// What a person has to be told, if one asked and nothing did yet.
fn trouble<B>(answered: &ServiceResponse<B>) -> Option<Trouble> {
    let told = answered.headers().get(CONTENT_TYPE)?.as_bytes().starts_with(b"text/html");
    if told || !is_navigation(answered.request()) {
        return None;
    }
    match answered.status() {
        StatusCode::NOT_FOUND if answered.request().match_pattern().is_none() => Some(Trouble::NotFound),
        StatusCode::TOO_MANY_REQUESTS => Some(Trouble::TooMany { retry_after: seconds(answered.headers()) }),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Some(Trouble::Unavailable)
        }
        status if status.is_server_error() => Some(Trouble::Internal),
        _ => None,
    }
}

/// Names HTML and does not prefer JSON: programs that take anything get what they always got.
fn is_navigation(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.contains("text/html") && !wants_json(request)
}

fn seconds(headers: &HeaderMap) -> u32 {
    headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(60)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_who_names_html_gets_a_page() {
        let accepts =
            |accept: &str| is_navigation(&TestRequest::get().insert_header((ACCEPT, accept)).to_http_request());
        assert!(accepts("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(!accepts("*/*") && !accepts("application/json") && !accepts("application/json, text/html;q=0.5"));
        assert!(!is_navigation(&TestRequest::get().to_http_request()));
    }
}
