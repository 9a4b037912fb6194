//! From a hook and its occasion to the call.

use orrery_core::EntropyExt;
use orrery_core::jsonnet::{JsonnetError, Program};
use orrery_courier::call;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

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

/// The call of a hook; none when its program calls it off (an `error` whose text contains `cancel`).
pub(super) async fn prepare(
    caller: Caller<'_>,
    hook: &WebHook,
    occasion: &Occasion<'_>,
) -> Result<Option<Prepared>, HookError> {
    let Caller { service, context, .. } = caller;
    let mut headers = hook.headers.clone();
    let mut body = String::new();
    if call::has_body(&hook.method) {
        let failed = |why| HookError::Body { hook: hook.name.clone(), why };
        let told = ctx(caller, occasion);
        let value = match &hook.body {
            None => told,
            Some(source) => {
                let arguments = Map::from_iter([("ctx".to_owned(), told)]);
                let program = Program { source: source.clone(), arguments, variables: Map::new() };
                match service.jsonnet.evaluate(program).await {
                    Ok(value) => value,
                    Err(JsonnetError::Failed(text)) if text.contains("cancel") => return Ok(None),
                    Err(why) => return Err(failed(why)),
                }
            }
        };
        body = call::body(&value, &mut headers).map_err(|why| failed(JsonnetError::Failed(why.to_string())))?;
    }
    headers.push(("Ory-Webhook-Request-ID".to_owned(), context.request_id.clone()));
    // The same for every attempt, so that the recipient recognises a call that it has answered already.
    headers.push(("Ory-Webhook-Trigger-ID".to_owned(), service.entropy.uuid().to_string()));
    if let Some((name, value)) = &hook.secret_header {
        headers.push((name.clone(), value.expose_secret().to_owned()));
    }
    Ok(Some(Prepared { headers, body }))
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
