//! What happens before and after flows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::flow::FlowKind;

/// What happens after a flow.
#[derive(Debug, Clone, Default)]
pub struct After {
    /// Where the browser goes, by method (`password`), then in general.
    pub return_urls: BTreeMap<String, Url>,
    /// Where the browser goes when the method has no URL of its own.
    pub return_url: Option<Url>,
    /// What to do besides, in order.
    pub hooks: Vec<Hook>,
    /// What to do besides after one method, instead of [`After::hooks`].
    pub method_hooks: BTreeMap<String, Vec<Hook>>,
}

impl After {
    /// Where the browser goes after `method`, if this says.
    #[must_use]
    pub fn return_url(&self, method: &str) -> Option<&Url> {
        self.return_urls.get(method).or(self.return_url.as_ref())
    }

    /// What to do besides after `method`: its own list replaces the general one.
    #[must_use]
    pub fn hooks(&self, method: &str) -> &[Hook] {
        self.method_hooks.get(method).filter(|own| !own.is_empty()).unwrap_or(&self.hooks)
    }
}

/// Calls before flows begin, in order.
#[derive(Debug, Clone, Default)]
pub struct Before {
    /// By flow.
    pub hooks: BTreeMap<FlowKind, Vec<Arc<WebHook>>>,
}

impl Before {
    /// The calls before a flow of this kind.
    #[must_use]
    pub fn of(&self, kind: FlowKind) -> &[Arc<WebHook>] {
        self.hooks.get(&kind).map_or(&[], Vec::as_slice)
    }
}

/// What all calls of hooks have in common.
#[derive(Debug, Clone)]
pub struct WebHooks {
    /// Whether anybody hears of requests, a hook or the HTTP service of a channel: otherwise nothing is collected for them.
    pub heard: bool,
    /// How long a hook is waited for, repetitions included.
    pub timeout: Duration,
    /// Request headers that others are told.
    pub header_allowlist: Vec<String>,
    /// How long events are kept.
    pub retention: Duration,
}

/// A call to another server; see [`WebHook::new`](crate::hooks).
#[derive(Clone)]
pub struct WebHook {
    /// Its place in the configuration.
    pub name: String,
    /// Upper-case HTTP method.
    pub(crate) method: String,
    /// Where.
    pub(crate) url: Url,
    /// Further headers.
    pub(crate) headers: Vec<(String, String)>,
    /// The header that authenticates the call.
    pub(crate) secret_header: Option<(String, SecretString)>,
    /// The Jsonnet program that makes the body; without one everything is sent.
    pub(crate) body: Option<Arc<str>>,
    /// What becomes of its answer.
    pub(crate) mode: HookMode,
}

/// What becomes of the answer of a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookMode {
    /// Nothing: it is called afterwards (`response.ignore`).
    Ignored,
    /// The flow goes on when it is a success.
    Awaited,
    /// It may object, and change an identity (`response.parse`).
    Heard,
}

/// What can be done after a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// Registration: sign in at once.
    Session,
    /// Tell the client about the verification flow.
    ShowVerificationUi,
    /// Login, settings, recovery: end all other sessions.
    RevokeActiveSessions,
    /// Login: refuse accounts without a proven address.
    RequireVerifiedAddress,
    /// Settings: a new address becomes part of the account only once it is proven.
    VerifyNewAddress,
    /// Login: send to an address that nothing was sent to yet. After registration and settings that happens by itself.
    Verification,
    /// Call another server.
    WebHook(Arc<WebHook>),
}
