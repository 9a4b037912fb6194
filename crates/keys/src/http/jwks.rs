//! `/.well-known/jwks.json`.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, EntityTag, Header, HeaderValue, IfNoneMatch, VARY};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Context};

use crate::manager::KeyManager;

pub(super) async fn show(
    manager: Data<KeyManager>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let document = manager.public_jwks(context.project, context.now).await?;
    let known = IfNoneMatch::parse(&request).is_ok_and(|condition| match condition {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => {
            let current = EntityTag::new_strong(document.etag.clone());
            tags.iter().any(|tag| tag.weak_eq(&current))
        }
    });
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    let max_age = manager.config().jwks_max_age.as_secs();
    response.insert_header((CACHE_CONTROL, format!("public, max-age={max_age}")));
    response.insert_header((ETAG, EntityTag::new_strong(document.etag.clone())));
    // The same for everybody: without this the edge would say that it depends on the cookie.
    response.insert_header((VARY, HeaderValue::from_static("Accept-Encoding")));
    if known {
        return Ok(response.finish());
    }
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")));
    Ok(response.body(document.body.clone()))
}
