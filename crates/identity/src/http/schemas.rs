//! Identity schemas for everybody: answered from memory.

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use orrery_core::{Page, PageRequest};
use orrery_web::page::{PageBounds, Paging};
use orrery_web::{ApiError, Context, Listener, Pairs, Routes, response};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::IdentityService;
use crate::schema::{IdentitySchema, Schemas};

/// Rows of one page of the list.
const PAGE: PageBounds = PageBounds { default: 250, max: 500 };

/// The routes of this file.
#[must_use]
pub fn routes(surface: &'static str) -> Routes {
    // On both listeners: the contracts count these operations among those that administrators' clients call.
    let on = |listener| {
        Routes::new(listener, surface).get("/schemas", Some("listIdentitySchemas"), list).get(
            "/schemas/{id}",
            Some("getIdentitySchema"),
            get,
        )
    };
    on(Listener::Public).and(on(Listener::Admin))
}

#[derive(Serialize)]
struct SchemaContainer<'a> {
    id: &'a str,
    schema: &'a RawValue,
}

async fn list(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    let paging = Paging {
        keyring: &service.keyring,
        entropy: &*service.entropy,
        project: context.project,
        list: "schemas",
        bounds: PAGE,
    };
    let asked = paging.request(&query)?;
    let schemas = service.schemas.load();
    let page = page(&schemas, &asked);
    let bodies: Vec<_> =
        page.items.iter().map(|schema| SchemaContainer { id: schema.id(), schema: schema.raw() }).collect();
    let mut answer = response::ok(&bodies)?;
    paging.write(answer.headers_mut(), request.path(), &query, &asked, &page);
    Ok(answer)
}

fn page<'a>(schemas: &'a Schemas, asked: &PageRequest) -> Page<&'a IdentitySchema> {
    let size = usize::try_from(asked.size()).unwrap_or(usize::MAX);
    let start = match asked {
        PageRequest::Keyset { after, .. } => after.as_deref().and_then(|key| key.parse().ok()).unwrap_or(0),
        PageRequest::Numbered { page, .. } => usize::try_from(*page).unwrap_or(usize::MAX).saturating_mul(size),
    };
    let items: Vec<_> = schemas.iter().map(AsRef::as_ref).skip(start).take(size).collect();
    let end = start.saturating_add(items.len());
    let next = (end < schemas.iter().len()).then(|| end.to_string());
    Page { items, next, total: u64::try_from(schemas.iter().len()).ok() }
}

async fn get(service: Data<IdentityService>, path: Path<String>) -> Result<HttpResponse, ApiError> {
    let schemas = service.schemas.load();
    let schema =
        find(&schemas, &path).ok_or_else(|| ApiError::not_found("There is no identity schema with this id."))?;
    let mut answer = HttpResponse::Ok().body(schema.document().to_owned());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    Ok(answer)
}

/// By its id, or by its id in base64url, as `schema_url` spells it.
fn find<'a>(schemas: &'a Schemas, id: &str) -> Option<&'a IdentitySchema> {
    let decoded = || {
        let bytes = URL_SAFE_NO_PAD.decode(id).or_else(|_| URL_SAFE.decode(id)).ok()?;
        String::from_utf8(bytes).ok()
    };
    schemas.get(id).or_else(|| schemas.get(&decoded()?)).map(AsRef::as_ref)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemas() -> Schemas {
        let document = r#"{"properties": {"traits": {"properties": {"a": {"type": "string"}}}}}"#;
        Schemas::new(["a", "b/ü", "c"].into_iter().filter_map(|id| IdentitySchema::parse(id, document).ok()).collect())
    }

    #[test]
    fn a_schema_is_found_by_both_spellings_of_its_id() {
        let schemas = schemas();
        let encoded = [URL_SAFE_NO_PAD.encode("b/ü"), URL_SAFE.encode("b/ü")];
        for id in ["b/ü", &encoded[0], &encoded[1]] {
            assert_eq!(find(&schemas, id).map(IdentitySchema::id), Some("b/ü"), "{id}");
        }
        for id in ["", "zzz", "%%%", "..", "_____"] {
            assert!(find(&schemas, id).is_none(), "{id}");
        }
    }

    #[test]
    fn pages_cover_every_schema_once() {
        let schemas = schemas();
        let ids = |asked| page(&schemas, &asked).items.iter().map(|schema| schema.id()).collect::<Vec<_>>();
        let first = page(&schemas, &PageRequest::Keyset { size: 2, after: None });
        assert_eq!(first.next.as_deref(), Some("2"));
        assert_eq!(ids(PageRequest::Keyset { size: 2, after: first.next }), ["c"]);
        assert_eq!(ids(PageRequest::Numbered { page: 1, size: 2 }), ["c"]);
        assert!(ids(PageRequest::Numbered { page: u32::MAX, size: 500 }).is_empty());
    }
}
