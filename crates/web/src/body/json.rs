//! JSON bodies into types, with errors that name the field.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;

use super::{MAX_DEPTH, media_type, read};
use crate::ApiError;

/// Longest part of a caller's text that an error repeats, in characters.
const MAX_QUOTED: usize = 300;

/// A JSON body as `T`. An unknown member is refused where `T` denies unknown fields.
///
/// The content type must be JSON: a page on another site can make a browser post a form or plain text here, but
/// not JSON without being asked first.
#[derive(Debug, Clone)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let media_type = media_type(&request);
            if media_type != "application/json" && !media_type.ends_with("+json") {
                return Err(ApiError::unsupported_media_type("application/json"));
            }
            let body = read(&request, &mut payload).await?;
            parse(&body).map(Self)
        })
    }
}

/// A JSON body of the admin listener as `T`, whatever its content type says: the contracts' servers do not look at it, and programs
/// leave it out. No page of a browser gets that far: the listener refuses whatever has an `Origin` and no token.
#[derive(Debug, Clone)]
pub struct AdminJsonBody<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for AdminJsonBody<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move { parse(&read(&request, &mut payload).await?).map(Self) })
    }
}

/// Parses JSON text.
///
/// # Errors
/// 400, naming the member that is wrong and never repeating its value.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(ApiError::bad_request("The request body is empty; send a JSON value."));
    }
    let text = std::str::from_utf8(body).map_err(|_| ApiError::bad_request("The request body is not UTF-8."))?;
    if depth(text) > MAX_DEPTH {
        return Err(ApiError::bad_request(format!("The request body is nested deeper than {MAX_DEPTH} levels.")));
    }
    if holds_null_character(text) {
        return Err(ApiError::bad_request("The request body contains the character U+0000."));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        bad_json(Some(&path).filter(|path| *path != "."), error.inner())
    })?;
    deserializer.end().map_err(|error| bad_json(None, &error))?;
    Ok(value)
}

fn bad_json(path: Option<&String>, error: &serde_json::Error) -> ApiError {
    if !error.is_data() {
        let (line, column) = (error.line(), error.column());
        return ApiError::bad_request(format!("The request body is not valid JSON (line {line}, column {column})."));
    }
    let what = cut(&without_value(&error.to_string()));
    ApiError::bad_request(path.map_or_else(
        || format!("The request body is not as expected: {what}."),
        |path| format!("The member \"{}\" is not as expected: {what}.", cut(path)),
    ))
}

/// Member names are the caller's too, and can be as long as the body.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(MAX_QUOTED).collect()
}

/// serde repeats the offending value, which may be a password, and a position that the path already gives.
fn without_value(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let names_value = message.starts_with("invalid type: ") || message.starts_with("invalid value: ");
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if names_value => format!("expected {expected}"),
        Some(_) | None => message.to_owned(),
    }
}

/// The deepest nesting of brackets outside strings. Counting first keeps every parser after it shallow.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Whether a string holds U+0000, which JSON can only write as an escape and PostgreSQL cannot store.
fn holds_null_character(text: &str) -> bool {
    // After an odd number of backslashes the last one is itself escaped, and what follows is ordinary text.
    let escaped = |at: usize| text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
    text.match_indices("\\u0000").any(|(at, _)| !escaped(at))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;
    use crate::body::BodyLimit;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[expect(dead_code, reason = "only its parsing matters")]
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its parsing matters")]
        count: u8,
    }

    fn reason<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> String {
        let error = parse::<T>(body.as_bytes()).expect_err("refused");
        assert_eq!(error.status().as_u16(), 400);
        error.reason().unwrap_or_default().to_owned()
    }

    #[test]
    fn the_null_character_is_refused_however_it_is_written() {
        for body in [r#"{"a":"\u0000"}"#, r#"{"a":["x\\\u0000"]}"#, r#"{"\u0000":1}"#] {
            assert!(reason::<Value>(body).contains("U+0000"), "{body}");
        }
        assert!(parse::<Value>(br#"{"a":"\\u0000"}"#).is_ok(), "a backslash and five characters");
    }

    #[test]
    fn the_wrong_field_is_named_and_its_value_is_not() {
        let text = reason::<Body>(r#"{"inner":{"count":"hunter2"}}"#);
        assert!(text.contains("inner.count") && !text.contains("hunter2"), "{text}");
        assert!(reason::<Body>(r#"{"inner":{"count":1,"extra":2}}"#).contains("extra"));
        assert!(reason::<Body>(r#"{"inner":{"count":1}} x"#).contains("not valid JSON"));
        assert!(reason::<Body>(" ").contains("empty"));
    }

    #[test]
    fn a_long_member_name_is_not_repeated_in_full() {
        let body = format!(r#"{{"inner":{{"{}":1}}}}"#, "x".repeat(1_000_000));
        assert!(reason::<Body>(&body).len() < 1_000);
    }

    #[test]
    fn deep_nesting_is_refused_before_parsing() {
        for unit in ["[", r#"{"a":"#] {
            assert!(reason::<Value>(&unit.repeat(100_000)).contains("nested"), "{unit}");
        }
        let brackets_in_text = format!("\"{}\\\"{}\"", "[".repeat(500), "{".repeat(500));
        assert!(parse::<Value>(brackets_in_text.as_bytes()).is_ok());
    }

    #[test]
    fn bad_utf8_is_refused() {
        assert!(parse::<Value>(b"\"\xff\"").is_err());
    }

    async fn status(request: TestRequest) -> u16 {
        let (request, mut payload) = request.to_http_parts();
        JsonBody::<Value>::from_request(&request, &mut payload)
            .await
            .map_or_else(|error| error.status().as_u16(), |_| 200)
    }

    #[actix_web::test]
    async fn a_cross_site_simple_request_is_refused() {
        let typed = |value: &'static str| TestRequest::post().insert_header(("Content-Type", value)).set_payload("{}");
        assert_eq!(status(typed("application/json; charset=utf-8")).await, 200);
        assert_eq!(status(typed("application/json-patch+json")).await, 200);
        for simple in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            assert_eq!(status(typed(simple)).await, 415, "{simple}");
        }
        assert_eq!(status(TestRequest::post().set_payload("{}")).await, 415);
    }

    #[actix_web::test]
    async fn a_large_body_is_refused_announced_or_not() {
        let large = || {
            TestRequest::post()
                .app_data(BodyLimit(10))
                .insert_header(("Content-Type", "application/json"))
                .set_payload("[1,2,3,4,5,6,7]")
        };
        assert_eq!(status(large()).await, 413);
        assert_eq!(status(large().insert_header(("Content-Length", "99999999999"))).await, 413);
    }
}
