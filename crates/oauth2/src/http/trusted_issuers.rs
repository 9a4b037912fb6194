//! `/admin/trust/grants/jwt-bearer/issuers`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::PageRequest;
use orrery_core::id::TrustedIssuerId;
use orrery_web::page::{PageBounds, Paging};
use orrery_web::response::{json, no_content, ok};
use orrery_web::{AdminJsonBody, ApiError, Context, Pairs};
use serde_json::{Value, json as value};

use super::client_answer::located;
use crate::OAuth2Service;
use crate::error::{ErrorCode, OAuth2Error};
use crate::trust::TrustedIssuer;
use crate::trust::add::{NewTrustedIssuer, add};

pub(super) const PATH: &str = "/admin/trust/grants/jwt-bearer/issuers";

/// Rows of one page.
const PAGE: PageBounds = PageBounds { default: 100, max: 500 };

pub(super) async fn trust(
    service: Data<OAuth2Service>,
    context: Context,
    AdminJsonBody(body): AdminJsonBody<NewTrustedIssuer>,
) -> Result<HttpResponse, ApiError> {
    let trusted = add(&service, &context, body).await?;
    located(json(StatusCode::CREATED, &shown(&trusted))?, &format!("{PATH}/{}", trusted.id))
}

pub(super) async fn list(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    let paging = Paging {
        keyring: &service.keyring,
        entropy: &*service.entropy,
        project: context.project,
        list: "trusted-issuers",
        bounds: PAGE,
    };
    let asked = match by_offset(&query) {
        Some(asked) => asked,
        None => paging.request(&query)?,
    };
    let issuer = query.get("issuer").filter(|issuer| !issuer.is_empty());
    let page = service.trusted_issuers.trusted_issuer_list(context.project, issuer, &asked).await?;
    let mut answer = ok(&page.items.iter().map(shown).collect::<Vec<_>>())?;
    paging.write(answer.headers_mut(), PATH, &query, &asked, &page);
    Ok(answer)
}

pub(super) async fn read(
    service: Data<OAuth2Service>,
    context: Context,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let found = service.trusted_issuers.trusted_issuer_by_id(context.project, id(&path)?).await?;
    ok(&shown(&found.ok_or_else(unknown)?))
}

pub(super) async fn delete(
    service: Data<OAuth2Service>,
    context: Context,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let deleted = service.trusted_issuers.trusted_issuer_delete(context.project, id(&path)?).await?;
    if deleted { Ok(no_content()) } else { Err(unknown().into()) }
}

/// `limit` and `offset` of the older contract, where they fall on a page; its clients send them without meaning it.
fn by_offset(query: &Pairs) -> Option<PageRequest> {
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<u32>().ok());
    let (limit, offset) = (number("limit").filter(|limit| *limit > 0)?, number("offset").unwrap_or(0));
    let size = limit.min(PAGE.max);
    (offset % size == 0).then_some(PageRequest::Numbered { page: offset / size, size })
}

/// Schema `trustedOAuth2JwtGrantIssuer` of both contracts.
fn shown(trusted: &TrustedIssuer) -> Value {
    value!({
        "id": trusted.id,
        "issuer": trusted.issuer,
        "subject": trusted.subject.as_deref().unwrap_or_default(),
        "allow_any_subject": trusted.subject.is_none(),
        "scope": trusted.scope,
        "public_key": { "set": trusted.issuer, "kid": trusted.kid },
        "created_at": trusted.created_at,
        "expires_at": trusted.expires_at,
    })
}

fn id(path: &str) -> Result<TrustedIssuerId, ApiError> {
    path.parse().map_err(|_| ApiError::bad_request("The id in the path must be a UUID."))
}

fn unknown() -> OAuth2Error {
    OAuth2Error::new(ErrorCode::NotFound, "There is no trusted issuer with this id.")
}
