//! `GET /admin/clients`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::page::{PageBounds, Paging};
use orrery_web::{ApiError, Context, Pairs, response};

use super::client_answer::{Reader, shown};
use crate::OAuth2Service;
use crate::store::ClientFilter;

/// Rows of one page.
const PAGE: PageBounds = PageBounds { default: 100, max: 500 };

pub(super) async fn list(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    let given = |name: &str| query.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let filter = ClientFilter { name: given("client_name"), owner: given("owner") };
    let paging = Paging {
        keyring: &service.keyring,
        entropy: &*service.entropy,
        project: context.project,
        list: "clients",
        bounds: PAGE,
    };
    let asked = paging.request(&query)?;
    let page = service.clients.client_list(context.project, &filter, &asked).await?;
    let items: Vec<_> = page.items.iter().map(|record| shown(&record.client, Reader::Administrator)).collect();
    let mut answer = response::ok(&items)?;
    // Older clients leave out `/admin`; links always have it.
    paging.write(answer.headers_mut(), "/admin/clients", &query, &asked, &page);
    Ok(answer)
}
