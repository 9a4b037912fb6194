//! A client in an answer.

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderValue, IF_MATCH, LOCATION};
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use crate::client::create::Registered;
use crate::client::document::document;
use crate::client::version::{MeantFor, entity_tag};
use crate::client::{Client, ClientId, ClientRecord};
use crate::config::Config;

/// What a path segment may contain unescaped (RFC 3986 section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a client that registered itself does not learn: what only administrators set.
const HIDDEN: [&str; 5] = ["metadata", "owner", "skip_consent", "skip_logout_consent", "access_token_strategy"];

/// Whom the answer is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Sees everything but secrets.
    Administrator,
    /// Sees what it may set.
    Itself,
}

/// The client alone.
pub(super) fn shown(client: &Client, reader: Reader) -> Map<String, Value> {
    let mut document = document(client);
    if reader == Reader::Itself {
        document.retain(|name, value| {
            !HIDDEN.contains(&name.as_str()) && !name.ends_with("_lifespan") && !is_unset(name, value)
        });
    }
    document
}

/// What the client has not set. Administrators are shown it as their contract has it; a client takes what it is shown for
/// its own metadata (RFC 7591 section 3.2.1), an empty text for an address and `none` for a signature to insist on.
fn is_unset(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty() || (name == "userinfo_signed_response_alg" && text == "none"),
        Value::Object(members) => members.is_empty(),
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
    }
}

/// The client with what is told once.
pub(super) fn registered(
    status: StatusCode,
    config: &Config,
    registered: &Registered,
    reader: Reader,
) -> Result<HttpResponse, ApiError> {
    let client = &registered.record.client;
    let mut document = shown(client, reader);
    if let Some(secret) = &registered.secret {
        document.insert("client_secret".to_owned(), json!(secret.expose_secret()));
    }
    if let Some(token) = &registered.registration_token {
        document.insert("registration_access_token".to_owned(), json!(token.expose_secret()));
        document.insert("registration_client_uri".to_owned(), json!(registration_uri(config, &client.id)));
    }
    let mut answer = response::json(status, &document)?;
    if reader == Reader::Administrator {
        tag(&mut answer, &registered.record)?;
    }
    Ok(answer)
}

/// A client as it is, for an administrator.
pub(super) fn read(record: &ClientRecord) -> Result<HttpResponse, ApiError> {
    let mut answer = response::ok(&shown(&record.client, Reader::Administrator))?;
    tag(&mut answer, record)?;
    Ok(answer)
}

fn tag(answer: &mut HttpResponse, record: &ClientRecord) -> Result<(), ApiError> {
    let tag = HeaderValue::from_str(&entity_tag(record)).map_err(ApiError::internal)?;
    answer.headers_mut().insert(ETAG, tag);
    Ok(())
}

/// Which version of the client a request means, by its `If-Match`. Weak tags fit none (RFC 9110 section 13.1.1).
pub(super) fn meant_for(request: &HttpRequest) -> MeantFor {
    let mut sent = request.headers().get_all(IF_MATCH).peekable();
    if sent.peek().is_none() {
        return MeantFor::Any;
    }
    let texts = sent.map(|value| value.to_str().unwrap_or_default());
    let tags: Vec<_> = texts.flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned()).collect();
    if tags.iter().any(|tag| tag == "*") { MeantFor::Any } else { MeantFor::Only(tags) }
}

/// Where a client looks after itself (RFC 7592 section 3).
pub(super) fn registration_uri(config: &Config, id: &ClientId) -> String {
    config.endpoint(&format!("/oauth2/register/{}", segment(id)))
}

/// The id as a path segment.
pub(super) fn segment(id: &ClientId) -> String {
    utf8_percent_encode(id.as_str(), SEGMENT).to_string()
}

/// Adds where the new client is.
pub(super) fn located(mut answer: HttpResponse, location: &str) -> Result<HttpResponse, ApiError> {
    answer.headers_mut().insert(LOCATION, HeaderValue::from_str(location).map_err(ApiError::internal)?);
    Ok(answer)
}
