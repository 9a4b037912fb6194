//! Pages of a list: what the caller asks for, and the `Link` and `X-Total-Count` headers of the answer.
//!
//! Two families of parameters are accepted everywhere: `page_size` and `page_token` (fast at any depth) and, for
//! older clients, `page` (from zero) and `per_page`.

use std::fmt::Write as _;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::secret::Purpose;
use orrery_core::{Entropy, Keyring, Page, PageRequest, ProjectId};
use url::form_urlencoded;

use crate::{ApiError, Pairs};

/// Total number of rows, on numbered pages.
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");
/// Furthest row that a numbered page may start at. Counting past rows costs the database the same as reading them.
const MAX_OFFSET: u64 = 100_000;
/// The parameters that this module owns; all others are filters and stay in links.
const OWN: [&str; 4] = ["page", "per_page", "page_size", "page_token"];

/// How many rows a page has.
#[derive(Debug, Clone, Copy)]
pub struct PageBounds {
    /// When the caller says nothing.
    pub default: u32,
    /// At most; a larger wish is cut to this.
    pub max: u32,
}

/// Reads and writes the pages of one list.
pub struct Paging<'a> {
    /// Seals page tokens, so that they stay opaque and cannot be made up.
    pub keyring: &'a Keyring,
    /// For sealing.
    pub entropy: &'a dyn Entropy,
    /// A token of another project is refused.
    pub project: ProjectId,
    /// Name of the list; a token of another list is refused.
    pub list: &'static str,
    /// How many rows a page has.
    pub bounds: PageBounds,
}

impl Paging<'_> {
    /// What part of the list the query asks for.
    ///
    /// `page` asks for a numbered page; so does `per_page` alone. Otherwise the page is by token.
    ///
    /// # Errors
    /// 400, naming the parameter.
    pub fn request(&self, query: &Pairs) -> Result<PageRequest, ApiError> {
        let page = number(query, "page")?;
        let per_page = number(query, "per_page")?;
        let page_size = number(query, "page_size")?;
        let token = query.get("page_token").filter(|token| !token.is_empty());
        let alone = per_page.is_some() && page_size.is_none() && token.is_none();
        if page.is_some() || alone {
            let (page, size) = (page.unwrap_or(0), self.size(per_page.or(page_size)));
            if u64::from(page) * u64::from(size) > MAX_OFFSET {
                return Err(ApiError::bad_request(format!(
                    "The parameter \"page\" points beyond row {MAX_OFFSET}; walk the list with page_token instead."
                )));
            }
            return Ok(PageRequest::Numbered { page, size });
        }
        let size = self.size(page_size.or(per_page));
        // Older contracts name "1" as the default token.
        let after = token.filter(|token| *token != "1").map(|token| self.open(token)).transpose()?;
        Ok(PageRequest::Keyset { size, after: after.filter(|key| !key.is_empty()) })
    }

    /// Adds `Link`, and `X-Total-Count` when the rows were counted. `path` is the path of the list as the caller
    /// sees it; links are relative to the host.
    pub fn write<T>(&self, headers: &mut HeaderMap, path: &str, query: &Pairs, asked: &PageRequest, page: &Page<T>) {
        if let Some(total) = page.total {
            headers.insert(TOTAL, HeaderValue::from(total));
        }
        let mut links = String::new();
        match asked {
            PageRequest::Keyset { size, .. } => {
                self.link(&mut links, path, query, "first", None, *size, Some(""));
                if let Some(next) = &page.next {
                    self.link(&mut links, path, query, "next", None, *size, Some(next));
                }
            }
            PageRequest::Numbered { page: number, size } => {
                let rows = page.total.unwrap_or(0);
                let last = u32::try_from(rows.saturating_sub(1) / u64::from((*size).max(1))).unwrap_or(u32::MAX);
                self.link(&mut links, path, query, "first", Some(0), *size, Some(""));
                if *number < last || page.next.is_some() {
                    self.link(&mut links, path, query, "next", Some(number + 1), *size, page.next.as_deref());
                }
                if *number > 0 {
                    self.link(&mut links, path, query, "prev", Some(number - 1), *size, None);
                }
                if page.total.is_some() {
                    self.link(&mut links, path, query, "last", Some(last), *size, None);
                }
            }
        }
        if let Ok(value) = HeaderValue::from_str(&links) {
            headers.insert(LINK, value);
        }
    }

    fn size(&self, wished: Option<u32>) -> u32 {
        match wished {
            None | Some(0) => self.bounds.default,
            Some(size) => size.min(self.bounds.max),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one private helper that writes one link")]
    fn link(
        &self,
        links: &mut String,
        path: &str,
        query: &Pairs,
        rel: &str,
        number: Option<u32>,
        size: u32,
        key: Option<&str>,
    ) {
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        encoded.extend_pairs(query.iter().filter(|(name, _)| !OWN.contains(name)));
        if let Some(number) = number {
            encoded.append_pair("page", &number.to_string()).append_pair("per_page", &size.to_string());
        }
        encoded.append_pair("page_size", &size.to_string());
        if let Some(key) = key {
            encoded.append_pair("page_token", &self.seal(key));
        }
        let comma = if links.is_empty() { "" } else { "," };
        // Writing to a string cannot fail.
        let _: std::fmt::Result = write!(links, "{comma}<{path}?{}>; rel=\"{rel}\"", encoded.finish());
    }

    fn seal(&self, key: &str) -> String {
        let sealed = self.keyring.seal(Purpose::PageToken, &self.context(), key.as_bytes(), self.entropy);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    fn open(&self, token: &str) -> Result<String, ApiError> {
        let bad = || ApiError::bad_request("The parameter \"page_token\" is not one that this list gave out.");
        let sealed = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad())?;
        let key = self.keyring.open(Purpose::PageToken, &self.context(), &sealed).map_err(|_| bad())?;
        String::from_utf8(key).map_err(|_| bad())
    }

    fn context(&self) -> Vec<u8> {
        [self.project.as_uuid().as_bytes(), self.list.as_bytes()].concat()
    }
}

fn number(query: &Pairs, name: &str) -> Result<Option<u32>, ApiError> {
    let Some(text) = query.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse()
        .map(Some)
        .map_err(|_| ApiError::bad_request(format!("The parameter \"{name}\" must be a number from zero up.")))
}

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;
    use proptest::prelude::*;

    use super::*;

    fn with<R>(list: &'static str, test: impl FnOnce(&Paging<'_>) -> R) -> R {
        let keyring = Keyring::new(&["a secret of some length".into()]).expect("long enough");
        let entropy = SystemEntropy::default();
        let bounds = PageBounds { default: 250, max: 500 };
        test(&Paging { keyring: &keyring, entropy: &entropy, project: ProjectId::DEFAULT, list, bounds })
    }

    fn asked(query: &str) -> Result<PageRequest, ApiError> {
        with("identities", |paging| paging.request(&Pairs::parse(query.as_bytes()).expect("valid")))
    }

    fn keyset(size: u32) -> PageRequest {
        PageRequest::Keyset { size, after: None }
    }

    #[test]
    fn both_families_are_understood_and_bounded() {
        for (query, expected) in [
            ("", keyset(250)),
            ("page_size=10", keyset(10)),
            ("page_size=0", keyset(250)),
            ("page_size=9999", keyset(500)),
            ("page_token=1&page_size=250&per_page=250", keyset(250)),
            ("per_page=20", PageRequest::Numbered { page: 0, size: 20 }),
            ("page=2&per_page=20", PageRequest::Numbered { page: 2, size: 20 }),
            ("page=0", PageRequest::Numbered { page: 0, size: 250 }),
        ] {
            assert_eq!(asked(query).expect("valid"), expected, "{query}");
        }
        for bad in ["page=-1", "page_size=x", "page_size=99999999999", "page=4294967295&per_page=500", "page_token=xyz"]
        {
            assert_eq!(asked(bad).expect_err("refused").status().as_u16(), 400, "{bad}");
        }
    }

    fn links(query: &str, asked: &PageRequest, page: &Page<()>) -> String {
        let mut headers = HeaderMap::new();
        let query = Pairs::parse(query.as_bytes()).expect("valid");
        with("identities", |paging| paging.write(&mut headers, "/admin/identities", &query, asked, page));
        headers.get(LINK).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    #[test]
    fn the_next_link_leads_to_the_next_page_and_keeps_filters() {
        let page = Page { items: vec![()], next: Some("key".to_owned()), total: None };
        let links = links("page_size=10&credentials_identifier=a%26b", &keyset(10), &page);
        assert!(
            links.starts_with("</admin/identities?credentials_identifier=a%26b&page_size=10&page_token="),
            "{links}"
        );
        let next = links.split(',').find(|link| link.contains("rel=\"next\"")).expect("a next link");
        let query = next.split(['?', '>']).nth(1).expect("a query");
        assert_eq!(asked(query).expect("valid"), PageRequest::Keyset { size: 10, after: Some("key".to_owned()) });
        let first = links.split(',').next().expect("a first link").split(['?', '>']).nth(1).expect("a query");
        assert_eq!(asked(first).expect("valid"), keyset(10));
    }

    #[test]
    fn the_last_page_has_no_next() {
        let page = Page { items: vec![()], next: None, total: None };
        assert!(!links("", &keyset(10), &page).contains("next"));
        let page = Page { items: vec![()], next: None, total: Some(21) };
        let numbered = links("", &PageRequest::Numbered { page: 2, size: 10 }, &page);
        assert!(!numbered.contains("\"next\"") && numbered.contains("page=1&per_page=10"), "{numbered}");
        let middle = links("", &PageRequest::Numbered { page: 1, size: 10 }, &page);
        for rel in ["first", "next", "prev", "last"] {
            assert!(middle.contains(rel), "{middle}");
        }
    }

    #[test]
    fn a_token_of_another_list_is_refused() {
        let token = with("sessions", |paging| paging.seal("key"));
        assert!(asked(&format!("page_token={token}")).is_err());
    }

    proptest! {
        #[test]
        fn no_query_breaks_it(query in "(page|per_page|page_size|page_token)=[ -~]{0,40}(&page=[0-9]{0,12})?") {
            let Ok(pairs) = Pairs::parse(query.as_bytes()) else { return Ok(()) };
            let _: Result<PageRequest, ApiError> = with("identities", |paging| paging.request(&pairs));
        }
    }
}
