//! From a hook and its occasion to the call.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use orrery_core::EntropyExt;
use orrery_core::jsonnet::{JsonnetError, Program};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{Caller, HookError, Occasion};
use crate::IdentityService;
use crate::config::{Config, WebHook};
use crate::flow::form::{Generation, Reader};
use crate::flow::{Flow, FlowKind, catalogue};
use crate::identity::Identity;
use crate::identity::json::IdentityJson;
use crate::session::json::SessionJson;
use crate::{login, recovery, registration, settings, verification};

/// A call, complete.
pub(super) struct Prepared {
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// What `Authorization` says of a user and a password.
pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// The call of a hook; none when its program calls it off (an `error` whose text contains `cancel`).
pub(super) async fn prepare(
    caller: Caller<'_>,
    hook: &WebHook,
    occasion: &Occasion<'_>,
) -> Result<Option<Prepared>, HookError> {
    let Caller { service, context, .. } = caller;
    let mut headers = hook.headers.clone();
    let body = if matches!(hook.method.as_str(), "GET" | "TRACE" | "HEAD") {
        String::new()
    } else {
        let told = ctx(caller, occasion);
        let value = match &hook.body {
            None => told,
            Some(source) => {
                let arguments = Map::from_iter([("ctx".to_owned(), told)]);
                let program = Program { source: source.clone(), arguments, variables: Map::new() };
                match service.jsonnet.evaluate(program).await {
                    Ok(value) => value,
                    Err(JsonnetError::Failed(text)) if text.contains("cancel") => return Ok(None),
                    Err(why) => return Err(HookError::Body { hook: hook.name.clone(), why }),
                }
            }
        };
        let given = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let form = given.is_some_and(|(_, value)| value.starts_with("application/x-www-form-urlencoded"));
        if given.is_none() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        if form { as_form(&value) } else { value.to_string() }
    };
    headers.push(("Ory-Webhook-Request-ID".to_owned(), context.request_id.clone()));
    // The same for every attempt, so that the recipient recognises a call that it has answered already.
    headers.push(("Ory-Webhook-Trigger-ID".to_owned(), service.entropy.uuid().to_string()));
    if let Some((name, value)) = &hook.secret_header {
        headers.push((name.clone(), value.expose_secret().to_owned()));
    }
    Ok(Some(Prepared { headers, body }))
}

/// The members of an object as fields of a form; whatever is no text is written as JSON.
fn as_form(value: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in value.as_object().into_iter().flatten() {
        form.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    form.finish()
}

/// What programs call `ctx`.
fn ctx(caller: Caller<'_>, occasion: &Occasion<'_>) -> Value {
    let Caller { service, context, config } = caller;
    let mut ctx = json!({"flow": shown(service, config, occasion.flow, occasion.identity)});
    if let Some(request) = &context.caused_by {
        ctx["request_headers"] = json!(request.headers);
        ctx["request_method"] = json!(request.method);
        ctx["request_url"] = json!(request.url);
        ctx["request_cookies"] = json!(request.cookies);
    }
    if let Some(identity) = occasion.identity {
        ctx["identity"] = json!(IdentityJson::admin(identity, &config.public_url));
        if let Some(session) = occasion.session {
            ctx["session"] = json!(SessionJson::of(session, identity, &config.public_url, context.now));
        }
    }
    ctx
}

/// The flow as its client reads it, without the token that guards the browser's form.
fn shown(service: &IdentityService, config: &Config, flow: &Flow, identity: Option<&Identity>) -> Value {
    let reader = Reader { csrf_token: "", generation: Generation::Current };
    let schemas = service.schemas.load();
    match flow.kind {
        FlowKind::Login => {
            json!(login::render::render(flow, config, catalogue::LABEL_IDENTIFIER.message(), reader))
        }
        FlowKind::Registration => {
            let schema = flow.schema_id.as_deref().and_then(|id| schemas.get(id));
            schema.map_or(Value::Null, |schema| json!(registration::render::render(flow, config, schema, reader)))
        }
        FlowKind::Settings => {
            let found = identity.and_then(|identity| Some((identity, schemas.get(&identity.schema_id)?)));
            found.map_or(Value::Null, |(identity, schema)| {
                json!(settings::render::render(flow, identity, config, schema, reader))
            })
        }
        FlowKind::Recovery => json!(recovery::render::render(flow, config, reader)),
        FlowKind::Verification => json!(verification::render::render(flow, config, &service.keyring, reader)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_texts_as_they_are_and_the_rest_as_json() {
        let form = as_form(&json!({"age": 7, "mail": "a&b=c@d", "tags": ["x"]}));
        assert_eq!(form, "age=7&mail=a%26b%3Dc%40d&tags=%5B%22x%22%5D");
        assert_eq!(as_form(&json!("no object")), "");
    }
}
