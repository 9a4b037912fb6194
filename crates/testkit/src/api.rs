//! A program as caller, whose every answer is held against the contracts.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Client, Method, Request, RequestBuilder, Response, ResponseBuilderExt as _, redirect};
use serde::Serialize;
use serde_json::Value;

use crate::contract::{Generation, assert_response};

/// A caller that keeps no cookies and follows no redirect.
#[derive(Clone)]
pub struct Api(Client);

impl Default for Api {
    fn default() -> Self {
        Self(Client::builder().redirect(redirect::Policy::none()).no_proxy().build().expect("a client"))
    }
}

impl Api {
    /// Begins a GET.
    pub fn get(&self, url: impl AsRef<str>) -> Call {
        self.request(Method::GET, url)
    }

    /// Begins a POST.
    pub fn post(&self, url: impl AsRef<str>) -> Call {
        self.request(Method::POST, url)
    }

    /// Begins a PUT.
    pub fn put(&self, url: impl AsRef<str>) -> Call {
        self.request(Method::PUT, url)
    }

    /// Begins a PATCH.
    pub fn patch(&self, url: impl AsRef<str>) -> Call {
        self.request(Method::PATCH, url)
    }

    /// Begins a DELETE.
    pub fn delete(&self, url: impl AsRef<str>) -> Call {
        self.request(Method::DELETE, url)
    }

    /// Begins a request with any method.
    pub fn request(&self, method: Method, url: impl AsRef<str>) -> Call {
        Call(self.0.request(method, url.as_ref()))
    }
}

/// A request that is not sent yet.
#[must_use = "nothing is sent before `send`"]
pub struct Call(pub(crate) RequestBuilder);

impl Call {
    /// Adds a header.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        HeaderName: TryFrom<N>,
        <HeaderName as TryFrom<N>>::Error: Into<http::Error>,
        HeaderValue: TryFrom<V>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        Self(self.0.header(name, value))
    }

    /// Adds headers.
    pub fn headers(self, headers: HeaderMap) -> Self {
        Self(self.0.headers(headers))
    }

    /// Adds `Authorization: Bearer …`.
    pub fn bearer_auth(self, token: impl std::fmt::Display) -> Self {
        Self(self.0.bearer_auth(token))
    }

    /// Sends this as `application/json`.
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        Self(self.0.json(body))
    }

    /// Sends this as `application/x-www-form-urlencoded`.
    pub fn form(self, pairs: &(impl Serialize + ?Sized)) -> Self {
        Self(self.0.form(pairs))
    }

    /// Sends these bytes.
    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.body(body))
    }

    /// Sends the request.
    ///
    /// # Errors
    /// When no answer came.
    ///
    /// # Panics
    /// When the answer breaks the contract of its operation.
    pub async fn send(self) -> reqwest::Result<Response> {
        let (client, request) = self.0.build_split();
        judged(&client, request?).await
    }
}

/// Sends a request and judges the answer for the generation that the request names itself.
async fn judged(client: &Client, request: Request) -> reqwest::Result<Response> {
    let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let generation = if agent.starts_with("OpenAPI-Generator/") { Generation::V0alpha2 } else { Generation::Current };
    let (method, url) = (request.method().clone(), request.url().clone());

    let answer = client.execute(request).await?;
    let mut copy = http::Response::builder().status(answer.status()).version(answer.version()).url(url.clone());
    if let Some(headers) = copy.headers_mut() {
        headers.clone_from(answer.headers());
    }
    let status = answer.status().as_u16();
    // The contracts know the claims, and not the JWT that a client may have asked for in their place.
    let signed = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().ends_with(b"jwt"));
    let bytes = answer.bytes().await?.to_vec();
    let body: Option<Value> = serde_json::from_slice(&bytes).ok();
    if !signed {
        assert_response(generation, method.as_str(), url.path(), status, body.as_ref());
    }
    Ok(copy.body(bytes).expect("the parts of an answer").into())
}
