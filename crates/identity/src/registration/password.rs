//! Registering with a password: everything is checked, the password hashed, and nothing written yet.

use orrery_core::RequestContext;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::submit::show;
use super::{Registered, Screen, complete};
use crate::IdentityService;
use crate::config::Config;
use crate::credentials::CredentialKind;
use crate::credentials::password::{PolicyViolation, check};
use crate::flow::steps::again;
use crate::flow::{BrowserSecrets, Flow, FlowError, FlowMethod, Message, PlacedMessage, Submitted, catalogue};
use crate::identity::Identity;
use crate::schema::{IdentitySchema, TraitError};

/// Longer passwords only cost time.
const MAX_BYTES: usize = 4096;

/// Registers somebody with these traits and this password.
pub(super) async fn submit(
    service: &IdentityService,
    context: &RequestContext,
    mut flow: Flow,
    schema: &IdentitySchema,
    traits: Map<String, Value>,
    password: Option<SecretString>,
    browser: Option<BrowserSecrets>,
) -> Result<Submitted<Registered>, FlowError> {
    let config = service.config.load();
    flow.active = Some(FlowMethod::Password);
    let mut identity = Identity::new(schema.id(), context.now, &*service.entropy);
    let refused = match identity.set_traits(schema, traits, context.now, &*service.entropy) {
        Err(errors) => Err((Screen::Profile, errors.into_iter().map(TraitError::placed).collect())),
        Ok(()) => acceptable(&config, &identity, password).map_err(|(screen, message)| (screen, vec![message])),
    };
    let password = match refused {
        Ok(password) => password,
        Err((screen, mut messages)) => {
            show(&mut flow, screen, &mut messages);
            return again(service, context, flow, messages, None).await;
        }
    };
    let hash = service.hasher.hash(config.hasher.algorithm, password, &*service.entropy).await?;
    let secret = json!({"hashed_password": hash.encode()});
    identity.set_credential(CredentialKind::Password, secret, context.now, &*service.entropy);
    complete::complete(service, context, flow, identity, browser).await
}

/// The password, if this identity can sign in with it; else what to correct, and on which page.
fn acceptable(
    config: &Config,
    identity: &Identity,
    password: Option<SecretString>,
) -> Result<SecretString, (Screen, PlacedMessage)> {
    let identifiers = identity.credentials.get(&CredentialKind::Password).map_or(&[][..], |it| &it.identifiers);
    if identifiers.is_empty() {
        return Err((Screen::Profile, catalogue::NO_IDENTIFIER.message().on_form()));
    }
    let on_password = |message: Message| (Screen::Credentials, message.on_node("password"));
    let Some(password) = password else {
        return Err(on_password(catalogue::REQUIRED.with([("property", json!("password"))])));
    };
    let length = secrecy::ExposeSecret::expose_secret(&password).len();
    if length > MAX_BYTES {
        return Err(on_password(broken_rule(PolicyViolation::TooLong {
            max_length: MAX_BYTES,
            actual_length: length,
        })));
    }
    match check(&config.password, config.hasher.algorithm, &password, identifiers) {
        Ok(()) => Ok(password),
        Err(violation) => Err(on_password(broken_rule(violation))),
    }
}

fn broken_rule(violation: PolicyViolation) -> Message {
    match violation {
        PolicyViolation::TooShort { min_length, actual_length } => catalogue::PASSWORD_TOO_SHORT
            .with([("min_length", json!(min_length)), ("actual_length", json!(actual_length))]),
        PolicyViolation::TooLong { max_length, actual_length } => catalogue::PASSWORD_TOO_LONG
            .with([("max_length", json!(max_length)), ("actual_length", json!(actual_length))]),
        PolicyViolation::TooSimilar => catalogue::PASSWORD_SIMILAR.message(),
    }
}
