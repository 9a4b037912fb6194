//! Clients as they are: with a cookie jar, or native without one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use orrery_testkit::{Call, TestServer};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use url::Url;

use super::world::node;

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Value>,
}

impl Answer {
    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#?}", self.body);
        self.body.unwrap_or_default()
    }

    /// Where a redirect of this status leads.
    #[track_caller]
    pub(crate) fn location(self, status: u16) -> String {
        assert_eq!(self.status, status, "{:#?}", self.body);
        self.headers.get("location").and_then(|value| value.to_str().ok()).expect("a location").to_owned()
    }

    /// The error id of a refusal with this status.
    #[track_caller]
    pub(crate) fn error_id(self, status: u16) -> String {
        let body = self.expect(status);
        assert_eq!(body["error"]["code"], status);
        body["error"]["id"].as_str().unwrap_or_default().to_owned()
    }
}

/// Somebody who asks.
pub(crate) struct Client<'s> {
    server: &'s TestServer,
    accept: Option<&'static str>,
    header: Option<(HeaderName, String)>,
    pub(crate) jar: Rc<RefCell<BTreeMap<String, String>>>,
}

impl<'s> Client<'s> {
    pub(crate) fn new(server: &'s TestServer, accept: Option<&'static str>) -> Self {
        Self { server, accept, header: None, jar: Rc::default() }
    }

    /// The same browser, asking for something else.
    pub(crate) fn accepting(&self, accept: &'static str) -> Self {
        Self { accept: Some(accept), header: None, jar: Rc::clone(&self.jar), ..*self }
    }

    /// The same client with one more header on every request.
    pub(crate) fn sending(&self, name: &'static str, value: &str) -> Self {
        let header = Some((HeaderName::from_static(name), value.to_owned()));
        Self { header, jar: Rc::clone(&self.jar), ..*self }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, |request| request).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, |request| request).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, |request| request.json(body)).await
    }

    pub(crate) async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        self.post_raw(path, "application/x-www-form-urlencoded", body.finish().as_bytes()).await
    }

    pub(crate) async fn post_raw(&self, path: &str, content_type: &str, body: &[u8]) -> Answer {
        let body = body.to_vec();
        self.send(Method::POST, path, |request| request.header("content-type", content_type).body(body)).await
    }

    /// Submits JSON to a flow, with the flow's own anti-CSRF token unless the body brings one.
    pub(crate) async fn submit(&self, flow: &Value, mut body: Value) -> Answer {
        if body.get("csrf_token").is_none() {
            body["csrf_token"] = json!(csrf_token(flow));
        }
        self.post_json(&action(flow), &body).await
    }

    /// Submits a form to a flow, with the flow's own anti-CSRF token.
    pub(crate) async fn submit_form(&self, flow: &Value, fields: &[(&str, &str)]) -> Answer {
        let token = csrf_token(flow);
        let mut fields = fields.to_vec();
        fields.push(("csrf_token", &token));
        self.post_form(&action(flow), &fields).await
    }

    /// Begins a flow in this browser and reads it as a page's script would.
    pub(crate) async fn begin(&self, kind: &str, query: &str) -> Value {
        let path = format!("/self-service/{kind}/browser{query}");
        self.accepting("application/json").get(&path).await.expect(200)
    }

    async fn send(&self, method: Method, path: &str, complete: impl FnOnce(Call) -> Call) -> Answer {
        let mut request = self.server.api().request(method, self.server.public(path));
        if let Some(accept) = self.accept {
            request = request.header("accept", accept);
        }
        if let Some((name, value)) = &self.header {
            request = request.header(name, value);
        }
        let cookies: Vec<_> = self.jar.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let answer = complete(request).send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        for cookie in headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()) {
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            self.jar.borrow_mut().insert(name.to_owned(), value.to_owned());
        }
        Answer { status, headers, body: answer.json().await.ok() }
    }
}

/// The path and query that a flow is submitted to.
pub(crate) fn action(flow: &Value) -> String {
    let action = Url::parse(flow["ui"]["action"].as_str().expect("an action")).expect("a URL");
    format!("{}?{}", action.path(), action.query().unwrap_or_default())
}

/// The token in a flow's form.
pub(crate) fn csrf_token(flow: &Value) -> String {
    node(flow, "csrf_token")["attributes"]["value"].as_str().expect("a token").to_owned()
}
