//! A browser as caller.

use std::sync::Arc;

use reqwest::cookie::{CookieStore as _, Jar};
use reqwest::{Client, RequestBuilder, Response, redirect};
use url::Url;

use crate::api::Call;

/// A browser: keeps cookies, asks for pages, and follows redirects only when told to.
pub struct Browser {
    client: Client,
    jar: Arc<Jar>,
}

impl Default for Browser {
    fn default() -> Self {
        let jar = Arc::new(Jar::default());
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .cookie_provider(Arc::clone(&jar))
            .build()
            .expect("a client");
        Self { client, jar }
    }
}

impl Browser {
    /// Navigates.
    pub async fn get(&self, url: impl AsRef<str>) -> Response {
        self.navigation(self.client.get(url.as_ref())).await
    }

    /// Submits a form.
    pub async fn post(&self, url: impl AsRef<str>, form: &[(&str, &str)]) -> Response {
        self.navigation(self.client.post(url.as_ref()).form(form)).await
    }

    /// Navigates, and goes where redirects lead, ten at most.
    pub async fn follow(&self, url: impl AsRef<str>) -> Response {
        let mut answer = self.get(url).await;
        for _ in 0..10 {
            let Some(location) = answer.headers().get("location") else { return answer };
            let location = location.to_str().expect("a readable address");
            let next = answer.url().join(location).expect("an address");
            answer = self.get(next).await;
        }
        panic!("more than ten redirects, the last one to {}", answer.url());
    }

    /// What a script of the page asks with: cookies and `Accept: application/json`.
    /// The answer is held against the contracts.
    pub fn script(&self, method: reqwest::Method, url: impl AsRef<str>) -> Call {
        Call(self.client.request(method, url.as_ref()).header("accept", "application/json"))
    }

    /// The `Cookie` header that it would send there.
    #[must_use]
    pub fn cookies(&self, url: &str) -> Option<String> {
        let url = Url::parse(url).expect("a URL");
        self.jar.cookies(&url).map(|cookies| String::from_utf8_lossy(cookies.as_bytes()).into_owned())
    }

    async fn navigation(&self, request: RequestBuilder) -> Response {
        request.header("accept", "text/html,application/xhtml+xml,*/*;q=0.8").send().await.expect("an answer")
    }
}
