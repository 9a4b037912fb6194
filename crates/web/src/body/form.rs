//! Forms of protocol endpoints: names and values, never JSON.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::submitted::multipart;
use super::{media_type, read};
use crate::{ApiError, Pairs};

/// A body of `application/x-www-form-urlencoded` or `multipart/form-data`, as RFC 6749 section 3.2 has it. An empty one
/// is refused.
#[derive(Debug, Clone)]
pub struct FormBody(pub Pairs);

impl FromRequest for FormBody {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = read(&request, &mut payload).await?;
            let pairs = match media_type(&request).as_str() {
                "application/x-www-form-urlencoded" => Pairs::parse(&body)?,
                "multipart/form-data" if !body.is_empty() => multipart(&request, body).await?,
                _ if body.is_empty() => Pairs::default(),
                _ => {
                    return Err(ApiError::bad_request("The Content-Type must be application/x-www-form-urlencoded."));
                }
            };
            if pairs.is_empty() {
                return Err(ApiError::bad_request("The request body is empty; send the parameters as a form."));
            }
            Ok(Self(pairs))
        })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::CONTENT_TYPE;
    use actix_web::test::TestRequest;

    use super::*;

    async fn form(kind: &str, body: &'static str) -> Result<Pairs, u16> {
        let request = TestRequest::post().insert_header((CONTENT_TYPE, kind)).set_payload(body);
        let (request, mut payload) = request.to_http_parts();
        let read = FormBody::from_request(&request, &mut payload).await;
        read.map(|form| form.0).map_err(|error| error.status().as_u16())
    }

    #[actix_web::test]
    async fn forms_are_read_and_nothing_else() {
        let urlencoded = "application/x-www-form-urlencoded; charset=utf-8";
        assert_eq!(form(urlencoded, "a=1&b=x+y").await.expect("a form").get("b"), Some("x y"));
        let multipart = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n";
        assert_eq!(form("multipart/form-data; boundary=x", multipart).await.expect("a form").get("a"), Some("1"));
        for (kind, body) in
            [("application/json", "{}"), (urlencoded, ""), ("", ""), (urlencoded, "a=%ff"), ("text/plain", "a=1")]
        {
            assert_eq!(form(kind, body).await, Err(400), "{kind} {body}");
        }
    }
}
