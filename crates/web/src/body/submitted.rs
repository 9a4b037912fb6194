//! What a form or a script submitted to a self-service flow.

use std::future::Future;
use std::pin::Pin;

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{json, media_type, nested, read};
use crate::{ApiError, Pairs};

/// A submitted body in one of the three accepted types.
///
/// Values of a form are text; the flow turns them into numbers and booleans where its schema says so.
#[derive(Clone)]
pub enum Submitted {
    /// `application/json`: an object.
    Json(Map<String, Value>),
    /// `application/x-www-form-urlencoded` or `multipart/form-data`.
    Form(Pairs),
}

// A body may hold a password.
impl std::fmt::Debug for Submitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Json(_) => "Submitted::Json(…)",
            Self::Form(_) => "Submitted::Form(…)",
        })
    }
}

impl Submitted {
    /// The body as one object, with dotted keys nested and the last of repeated keys kept.
    ///
    /// # Errors
    /// 400 when keys contradict each other or nest too deeply.
    pub fn into_object(self) -> Result<Map<String, Value>, ApiError> {
        match self {
            Self::Json(object) => nested::expand(object),
            Self::Form(pairs) => {
                let mut object = Map::new();
                for (name, value) in pairs.iter() {
                    nested::insert(&mut object, name, Value::String(value.to_owned()))?;
                }
                Ok(object)
            }
        }
    }

    /// The pairs of a form.
    ///
    /// # Errors
    /// 415 for JSON.
    pub fn into_form(self) -> Result<Pairs, ApiError> {
        match self {
            Self::Form(pairs) => Ok(pairs),
            Self::Json(_) => Err(ApiError::unsupported_media_type("application/x-www-form-urlencoded")),
        }
    }

    /// The body as a type; members that the type does not know are ignored unless it denies them.
    ///
    /// # Errors
    /// 400, naming the member that is wrong.
    pub fn parse<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        let object = Value::Object(self.into_object()?);
        serde_path_to_error::deserialize(object).map_err(|error| {
            let path = json::cut(&error.path().to_string());
            ApiError::bad_request(format!("The member \"{path}\" is missing or has the wrong type."))
        })
    }
}

impl FromRequest for Submitted {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            // Links and resumed sign-ins come as GET: their fields stand in the query.
            if request.method() == actix_web::http::Method::GET {
                return Pairs::of_query(&request).map(Self::Form);
            }
            if request.headers().get(CONTENT_LENGTH).is_some_and(|length| length == "0") {
                return Err(empty());
            }
            match media_type(&request).as_str() {
                "application/json" => {
                    let body = read(&request, &mut payload).await?;
                    match json::parse(&body)? {
                        Value::Object(object) => Ok(Self::Json(object)),
                        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                            Err(ApiError::bad_request("The request body must be a JSON object."))
                        }
                    }
                }
                "application/x-www-form-urlencoded" => {
                    let pairs = Pairs::parse(&read(&request, &mut payload).await?)?;
                    if pairs.is_empty() { Err(empty()) } else { Ok(Self::Form(pairs)) }
                }
                "multipart/form-data" => {
                    let body = read(&request, &mut payload).await?;
                    multipart(&request, body).await.map(Self::Form)
                }
                _ => Err(ApiError::bad_request(
                    "The Content-Type must be application/json, application/x-www-form-urlencoded or multipart/form-data.",
                )),
            }
        })
    }
}

fn empty() -> ApiError {
    ApiError::bad_request("The request body is empty; send the fields of the flow.")
}

/// The text fields of a multipart body that is already in memory and bounded. Files have no place in a flow.
pub(super) async fn multipart(request: &HttpRequest, body: Bytes) -> Result<Pairs, ApiError> {
    let bad = || ApiError::bad_request("The multipart body is not well formed.");
    let whole = stream::once(async move { Ok::<_, actix_web::error::PayloadError>(body) });
    let mut fields = Multipart::new(request.headers(), whole.boxed_local());
    let mut pairs = Pairs::default();
    while let Some(field) = fields.try_next().await.map_err(|_| bad())? {
        let name = field.name().ok_or_else(bad)?.to_owned();
        if field.content_disposition().is_some_and(|disposition| disposition.get_filename().is_some()) {
            return Err(ApiError::bad_request(format!("The field \"{name}\" is a file; send text.")));
        }
        let value: Vec<u8> = field
            .try_fold(Vec::new(), |mut value, chunk| async move {
                value.extend_from_slice(&chunk);
                Ok(value)
            })
            .await
            .map_err(|_| bad())?;
        let value = String::from_utf8(value)
            .map_err(|_| ApiError::bad_request(format!("The field \"{name}\" is not UTF-8.")))?;
        pairs.push(name, value)?;
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::json;

    use super::*;

    async fn submit(content_type: &'static str, body: &'static [u8]) -> Result<Value, u16> {
        let request = TestRequest::post().insert_header(("Content-Type", content_type)).set_payload(body);
        let (request, mut payload) = request.to_http_parts();
        let submitted = Submitted::from_request(&request, &mut payload).await;
        let object = submitted.and_then(Submitted::into_object);
        object.map(Value::Object).map_err(|error| error.status().as_u16())
    }

    const MULTIPART: &[u8] = b"--x\r\nContent-Disposition: form-data; name=\"traits.email\"\r\n\r\na@b\r\n--x\r\n\
        Content-Disposition: form-data; name=\"method\"\r\n\r\npassword\r\n--x--\r\n";

    #[actix_web::test]
    async fn all_three_types_mean_the_same() {
        let expected = Ok(json!({"traits": {"email": "a@b"}, "method": "password"}));
        assert_eq!(submit("application/json", br#"{"traits":{"email":"a@b"},"method":"password"}"#).await, expected);
        assert_eq!(submit("application/json", br#"{"traits.email":"a@b","method":"password"}"#).await, expected);
        assert_eq!(submit("application/x-www-form-urlencoded", b"traits.email=a%40b&method=password").await, expected);
        assert_eq!(submit("multipart/form-data; boundary=x", MULTIPART).await, expected);
    }

    #[actix_web::test]
    async fn a_ticked_box_overrides_its_hidden_field() {
        let form = submit("application/x-www-form-urlencoded", b"traits.news=false&traits.news=true").await;
        assert_eq!(form, Ok(json!({"traits": {"news": "true"}})));
    }

    #[actix_web::test]
    async fn hostile_bodies_are_refused() {
        assert_eq!(submit("application/json", b"[1]").await, Err(400));
        assert_eq!(submit("application/json", b"").await, Err(400));
        assert_eq!(submit("application/json", b"{\"a\":\"\xff\"}").await, Err(400));
        assert_eq!(submit("application/x-www-form-urlencoded", b"").await, Err(400));
        assert_eq!(submit("application/x-www-form-urlencoded", b"a=%ff").await, Err(400));
        assert_eq!(submit("application/x-www-form-urlencoded", b"a=%00").await, Err(400));
        assert_eq!(submit("application/json", br#"{"a":"\u0000"}"#).await, Err(400));
        assert_eq!(submit("text/xml", b"<a/>").await, Err(400));
        assert_eq!(submit("multipart/form-data", b"--x").await, Err(400));
        assert_eq!(submit("multipart/form-data; boundary=x", b"--x\r\nbroken").await, Err(400));
        let file = b"--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nx\r\n--x--\r\n";
        assert_eq!(submit("multipart/form-data; boundary=x", file).await, Err(400));
    }
}
