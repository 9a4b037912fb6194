//! A client of the admin API of a running server: what `orrery identities`, `orrery sessions` and their like share.

mod call;
mod problem;
mod public;
mod table;

use anyhow::Context as _;
use orrery_core::outbound::OutboundResponse;
use orrery_web::Listener;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use self::call::Body;
use super::say;
use crate::cli;

pub(super) use call::{Caller, Path};
pub(super) use problem::Problem;
pub(super) use public::PublicClient;
pub(super) use table::{Column, Printer, local_time, plain, text};

/// How often a read is tried again while the server says that it is busy.
const TRIES: u32 = 5;

/// Talks to one admin listener.
pub(super) struct AdminClient {
    caller: Caller,
    token: Option<SecretString>,
}

impl AdminClient {
    /// A client of the server that the flags name. Nothing is sent yet.
    ///
    /// # Errors
    /// When the address cannot be one.
    pub(super) fn new(server: &cli::Client) -> anyhow::Result<Self> {
        Ok(Self { caller: Caller::new(&server.endpoint, Listener::Admin)?, token: server.token.clone() })
    }

    /// Reads. Tried again while the server is busy, because reading twice does no harm.
    ///
    /// # Errors
    /// [`Problem`], in words for a person.
    pub(super) async fn get(&self, path: Path<'_>, query: &[(&str, &str)]) -> Result<Value, Problem> {
        self.caller.value(&self.read(path, query).await?)
    }

    /// Sends a body, or none, with any method.
    ///
    /// # Errors
    /// [`Problem`], in words for a person.
    pub(super) async fn send(&self, method: &str, path: Path<'_>, body: Option<&Value>) -> Result<Value, Problem> {
        self.caller.value(&self.call(method, path, &[], body.map_or(Body::None, Body::Json)).await?)
    }

    /// Posts a form.
    ///
    /// # Errors
    /// [`Problem`], in words for a person.
    pub(super) async fn post_form(&self, path: Path<'_>, fields: &[(&str, &str)]) -> Result<Value, Problem> {
        self.caller.value(&self.call("POST", path, &[], Body::Form(fields)).await?)
    }

    /// A list, page by page.
    pub(super) fn pages<'a>(&'a self, path: Path<'a>, query: Vec<(&'a str, String)>) -> Pages<'a> {
        Pages { client: self, path, query, token: Some(String::new()) }
    }

    /// Prints a list as it comes. `largest` is the most rows that the server sends at once.
    ///
    /// # Errors
    /// What the server refuses, or when standard output fails.
    pub(super) async fn list(
        &self,
        path: Path<'_>,
        mut query: Vec<(&str, String)>,
        largest: usize,
        listing: &cli::Listing,
        columns: &'static [Column],
    ) -> anyhow::Result<()> {
        query.push(("page_size", listing.limit.map_or(largest, |limit| limit.clamp(1, largest)).to_string()));
        let mut pages = self.pages(path, query);
        let mut printer = Printer::new(listing.format, columns, listing.limit);
        while let Some(rows) = pages.next().await? {
            if printer.rows(&rows)?.is_break() {
                break;
            }
        }
        printer.end()
    }

    /// Deletes each of a kind, and tells each.
    ///
    /// # Errors
    /// How many failed.
    pub(super) async fn delete_each(&self, kind: &str, ids: &[String]) -> anyhow::Result<()> {
        to_each(ids, async |id| {
            self.send("DELETE", &["admin", kind, id], None).await?;
            say(&format!("deleted {id}"))
        })
        .await
    }

    async fn read(&self, path: Path<'_>, query: &[(&str, &str)]) -> Result<OutboundResponse, Problem> {
        let mut tries = 1;
        loop {
            match self.call("GET", path, query, Body::None).await {
                Err(Problem::Busy { retry_after, .. }) if tries < TRIES => tokio::time::sleep(retry_after).await,
                outcome => return outcome,
            }
            tries += 1;
        }
    }

    async fn call(
        &self,
        method: &str,
        path: Path<'_>,
        query: &[(&str, &str)],
        body: Body<'_>,
    ) -> Result<OutboundResponse, Problem> {
        let token = self.token.as_ref().map(|token| format!("Bearer {}", token.expose_secret()));
        self.caller.call(method, path, query, token, body).await
    }
}

/// The rest of a list.
pub(super) struct Pages<'a> {
    client: &'a AdminClient,
    path: Path<'a>,
    query: Vec<(&'a str, String)>,
    /// Empty before the first page, none after the last.
    token: Option<String>,
}

impl Pages<'_> {
    /// The rows of the next page; none after the last.
    ///
    /// # Errors
    /// [`Problem`], in words for a person.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Value>>, Problem> {
        let Some(token) = self.token.take() else { return Ok(None) };
        let mut query: Vec<_> = self.query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if !token.is_empty() {
            query.push(("page_token", &token));
        }
        let answer = self.client.read(self.path, &query).await?;
        let link = answer.headers.iter().find(|(name, _)| name == "link");
        self.token = link.and_then(|(_, link)| next_token(link));
        match self.client.caller.value(&answer)? {
            Value::Array(rows) => Ok(Some(rows)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                Err(Problem::NoAnswerOfOurs { listener: Listener::Admin })
            }
        }
    }
}

/// The token in the link to the next page (RFC 8288). Its address may be relative: only the token counts.
fn next_token(link: &str) -> Option<String> {
    let next = link.split(',').find(|link| link.contains("rel=\"next\""))?;
    let target = next.trim_start().strip_prefix('<')?.split('>').next()?;
    let base = Url::parse("http://localhost/").ok()?;
    let url = base.join(target).ok()?;
    url.query_pairs().find(|(name, _)| name == "page_token").map(|(_, token)| token.into_owned())
}

/// Does the same to each, tells each outcome as it comes, and fails at the end when any failed.
///
/// # Errors
/// How many failed.
#[expect(clippy::print_stderr, reason = "each failure is told when it happens")]
pub(super) async fn to_each<'a>(
    ids: &'a [String],
    action: impl AsyncFn(&'a str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut failed = 0;
    for id in ids {
        if let Err(why) = action(id).await.with_context(|| id.clone()) {
            if ids.len() == 1 {
                return Err(why);
            }
            eprintln!("orrery: {why:#}");
            failed += 1;
        }
    }
    if failed == 0 { Ok(()) } else { Err(anyhow::anyhow!("{failed} of {} failed", ids.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_in_relative_and_absolute_links() {
        for link in [
            "</admin/identities?page_size=2&page_token=>; rel=\"first\",</admin/identities?page_size=2&page_token=a%2Bb>; rel=\"next\"",
            "<https://elsewhere.example/x?page_token=a%2Bb>; rel=\"next\"",
        ] {
            assert_eq!(next_token(link).as_deref(), Some("a+b"), "{link}");
        }
        assert_eq!(next_token("</x?page_token=a>; rel=\"first\""), None);
        assert_eq!(next_token("nonsense rel=\"next\""), None);
    }
}
