//! Hooks: their lists by flow and method, and the settings of `web_hook`.

use std::collections::BTreeMap;

use orrery_courier::config::AuthConfig;
use serde::Deserialize;
use url::Url;

use super::{After, Before, Flows, Hook, HookKind};

/// The settings of a `web_hook`, as Kratos documents them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebHookConfig {
    /// A name for logs; its place in the configuration when unset.
    #[serde(default)]
    pub id: Option<String>,
    /// Where.
    pub url: Url,
    /// The HTTP method.
    pub method: String,
    /// Further headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The Jsonnet program that makes the body: `file://…`, `https://…` or `base64://…`. Everything is sent when unset.
    #[serde(default)]
    pub body: Option<String>,
    /// How the call is authenticated.
    #[serde(default)]
    pub auth: Option<AuthConfig>,
    /// The older name of `response.parse`.
    #[serde(default)]
    pub can_interrupt: bool,
    /// What becomes of the answer.
    #[serde(default)]
    pub response: WebHookResponse,
    /// Accepted and ignored.
    #[serde(default, rename = "emit_analytics_event")]
    _emit_analytics_event: Option<bool>,
}

/// What becomes of the answer of a hook.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebHookResponse {
    /// Nothing: it is called afterwards.
    pub ignore: bool,
    /// It may object, and change an identity.
    pub parse: bool,
}

impl Hook {
    /// The settings of a `web_hook`; none for other hooks.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn web_hook(&self) -> Result<Option<WebHookConfig>, String> {
        if self.hook != HookKind::WebHook {
            return Ok(None);
        }
        let config = self.config.as_ref().ok_or("the hook web_hook needs a `config` with url and method")?;
        let value = serde_json::Value::Object(config.0.clone());
        let parsed: WebHookConfig = serde_path_to_error::deserialize(value)
            .map_err(|error| format!("config.{}: {}", error.path().clone(), error.into_inner()))?;
        if parsed.response.ignore && (parsed.response.parse || parsed.can_interrupt) {
            return Err(
                "an answer that is ignored cannot be parsed: set one of response.ignore and response.parse".into()
            );
        }
        Ok(Some(parsed))
    }
}

/// When the hooks of a list are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookMoment {
    /// Before the flow.
    Before,
    /// After it.
    After,
}

/// A list of hooks.
#[derive(Debug)]
pub struct HookList<'a> {
    /// The flow.
    pub flow: &'static str,
    /// When.
    pub moment: HookMoment,
    /// After which method; none for all that have no list of their own.
    pub method: Option<&'static str>,
    /// The key of the list.
    pub key: String,
    /// The hooks.
    pub hooks: &'a [Hook],
}

impl After {
    /// What happens after single methods, by their names.
    #[must_use]
    pub fn methods(&self) -> [(&'static str, Option<&super::AfterMethod>); 8] {
        [
            ("password", self.password.as_ref()),
            ("code", self.code.as_ref()),
            ("oidc", self.oidc.as_ref()),
            ("webauthn", self.webauthn.as_ref()),
            ("passkey", self.passkey.as_ref()),
            ("totp", self.totp.as_ref()),
            ("lookup_secret", self.lookup_secret.as_ref()),
            ("profile", self.profile.as_ref()),
        ]
    }
}

impl Flows {
    /// Every list of hooks.
    #[must_use]
    pub fn hook_lists(&self) -> Vec<HookList<'_>> {
        let flows: [(&'static str, &Before, &After); 5] = [
            ("login", &self.login.before, &self.login.after),
            ("registration", &self.registration.before, &self.registration.after),
            ("settings", &self.settings.before, &self.settings.after),
            ("recovery", &self.recovery.before, &self.recovery.after),
            ("verification", &self.verification.before, &self.verification.after),
        ];
        let mut lists = Vec::new();
        for (flow, before, after) in flows {
            let key = |part: &str| format!("identity.selfservice.flows.{flow}.{part}hooks");
            let mut list = |moment, method, key, hooks| lists.push(HookList { flow, moment, method, key, hooks });
            list(HookMoment::Before, None, key("before."), before.hooks.as_slice());
            list(HookMoment::After, None, key("after."), &after.hooks);
            for (name, method) in after.methods() {
                if let Some(method) = method {
                    list(HookMoment::After, Some(name), key(&format!("after.{name}.")), &method.hooks);
                }
            }
        }
        lists
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn web_hook(config: serde_json::Value) -> Result<Option<WebHookConfig>, String> {
        let hook: Hook = serde_json::from_value(json!({"hook": "web_hook", "config": config})).expect("a hook");
        hook.web_hook()
    }

    #[test]
    fn the_documented_settings_are_understood() {
        let parsed = web_hook(json!({
            "id": "crm", "url": "https://hooks.example/x", "method": "POST", "headers": {"X-A": "1"},
            "body": "base64://e30=", "can_interrupt": true, "emit_analytics_event": false,
            "auth": {"type": "api_key", "config": {"name": "X-Key", "value": "s", "in": "header"}},
            "response": {"ignore": false, "parse": true},
        }));
        assert!(parsed.is_ok_and(|parsed| parsed.is_some_and(|parsed| parsed.response.parse)));
    }

    #[test]
    fn mistakes_are_named() {
        for (config, named) in [
            (json!({"method": "POST"}), "url"),
            (json!({"url": "https://x.example", "method": "POST", "respones": {}}), "respones"),
            (
                json!({"url": "https://x.example", "method": "POST", "response": {"ignore": true, "parse": true}}),
                "ignore",
            ),
            (
                json!({"url": "https://x.example", "method": "POST", "response": {"ignore": true}, "can_interrupt": true}),
                "ignore",
            ),
        ] {
            let why = web_hook(config).expect_err("refused");
            assert!(why.contains(named), "{why}");
        }
    }
}
