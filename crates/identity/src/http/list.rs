//! Lists: what part is asked for, and the answer with its links.

use actix_web::{HttpRequest, HttpResponse};
use orrery_core::{Page, PageRequest, RequestContext};
use orrery_web::page::{PageBounds, Paging};
use orrery_web::{ApiError, Pairs, response};
use serde::Serialize;

use crate::IdentityService;

/// One request for a page of a list.
pub(super) struct List<'a> {
    pub(super) service: &'a IdentityService,
    pub(super) context: &'a RequestContext,
    pub(super) request: &'a HttpRequest,
    pub(super) query: &'a Pairs,
    /// Its name: a page token of another list is refused.
    pub(super) name: &'static str,
    pub(super) bounds: PageBounds,
}

impl List<'_> {
    /// What part of the list is asked for.
    ///
    /// # Errors
    /// 400, naming the parameter.
    pub(super) fn asked(&self) -> Result<PageRequest, ApiError> {
        self.paging().request(self.query)
    }

    /// Answers with the items of a page, and the way to the next.
    ///
    /// # Errors
    /// 500 when they cannot be written, which they always can.
    pub(super) fn answer<T, B: Serialize>(
        &self,
        asked: &PageRequest,
        page: &Page<T>,
        items: impl Iterator<Item = B>,
    ) -> Result<HttpResponse, ApiError> {
        let mut answer = response::ok(&items.collect::<Vec<_>>())?;
        self.paging().write(answer.headers_mut(), self.request.path(), self.query, asked, page);
        Ok(answer)
    }

    fn paging(&self) -> Paging<'_> {
        Paging {
            keyring: &self.service.keyring,
            entropy: &*self.service.entropy,
            project: self.context.project,
            list: self.name,
            bounds: self.bounds,
        }
    }
}
