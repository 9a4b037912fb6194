//! A hook as it is configured: checked once, so that calling it cannot fail for what is written there.

use std::fmt;
use std::sync::Arc;

use orrery_courier::call::check_header;
use orrery_courier::config::AuthConfig;
use url::Url;

use crate::config::{HookMode, WebHook};

/// Why a hook cannot be called as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidHook(pub String);

impl WebHook {
    /// A hook called `name`, which is its place in the configuration.
    ///
    /// # Errors
    /// When the call could not be made.
    pub fn new(
        name: String,
        method: &str,
        url: &Url,
        headers: impl IntoIterator<Item = (String, String)>,
        auth: Option<&AuthConfig>,
        body: Option<Arc<str>>,
        mode: HookMode,
    ) -> Result<Self, InvalidHook> {
        let refuse = |why: &str| Err(InvalidHook(why.to_owned()));
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return refuse("url must begin with http:// or https://");
        }
        let method = method.to_ascii_uppercase();
        if !matches!(method.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "TRACE" | "HEAD" | "OPTIONS") {
            return refuse("method must be one that HTTP has");
        }
        let headers: Vec<_> = headers.into_iter().collect();
        for (name, value) in &headers {
            check_header(name, value).map_err(InvalidHook)?;
        }
        let secret_header = auth.map(AuthConfig::header).transpose().map_err(InvalidHook)?;
        Ok(Self { name, method, url: url.clone(), headers, secret_header, body, mode })
    }
}

// URL, headers and program may hold secrets.
impl fmt::Debug for WebHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebHook").field("name", &self.name).field("mode", &self.mode).finish_non_exhaustive()
    }
}

// The place in the configuration is what a hook is.
impl PartialEq for WebHook {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for WebHook {}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(method: &str, url: &str, header: (&str, &str)) -> Result<WebHook, InvalidHook> {
        let headers = [(header.0.to_owned(), header.1.to_owned())];
        let url = Url::parse(url).expect("a URL");
        WebHook::new("here".to_owned(), method, &url, headers, None, None, HookMode::Awaited)
    }

    #[test]
    fn what_could_never_be_called_is_refused() {
        assert!(hook("post", "https://hooks.example/x", ("X-Key", "1")).is_ok_and(|hook| hook.method == "POST"));
        assert!(hook("POST", "file:///etc/passwd", ("X-Key", "1")).is_err());
        assert!(hook("POST X", "https://hooks.example/x", ("X-Key", "1")).is_err());
        assert!(hook("POST", "https://hooks.example/x", ("X Key", "1")).is_err());
        assert!(hook("POST", "https://hooks.example/x", ("X-Key", "1\r\nX-Evil: 1")).is_err());
    }

    #[test]
    fn secrets_do_not_print() {
        let hook = hook("POST", "https://hooks.example/?token=hunter2", ("X-Key", "hunter2")).expect("a hook");
        assert!(!format!("{hook:?}").contains("hunter2"));
    }
}
