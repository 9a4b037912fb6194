//! Style sheets and the mark. Their addresses carry a version, so that browsers may keep them for ever.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use crate::page::{MARK, Pages, STYLE};

/// The style sheet of every page.
pub(crate) async fn style() -> HttpResponse {
    asset("text/css; charset=utf-8", STYLE.to_owned())
}

/// The operator's theme.
pub(crate) async fn theme(pages: web::Data<Pages>) -> HttpResponse {
    asset("text/css; charset=utf-8", pages.config.theme_css())
}

/// The built-in mark, also as the favicon.
pub(crate) async fn mark() -> HttpResponse {
    asset("image/svg+xml", MARK.to_owned())
}

fn asset(kind: &'static str, body: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(body)
}
