//! Registering with a password: everything is checked, the password hashed, and nothing written yet.

use serde_json::{Map, Value, json};

use super::submit::show;
use super::{Registered, Registering, Screen, complete};
use crate::credentials::CredentialKind;
use crate::flow::steps::again;
use crate::flow::{Flow, FlowError, FlowMethod, Submitted, new_password};
use crate::identity::Identity;
use crate::schema::{IdentitySchema, TraitError};
use crate::session::{Aal, AuthenticationMethod, UsedMethod};

/// Registers somebody with these traits and this password.
pub(super) async fn submit(
    registering: Registering<'_>,
    mut flow: Flow,
    schema: &IdentitySchema,
    traits: Map<String, Value>,
) -> Result<Submitted<Registered>, FlowError> {
    let Registering { service, context, config, submitted, .. } = registering;
    flow.active = Some(FlowMethod::Password);
    let mut identity = Identity::new(schema.id(), context.now, &*service.entropy);
    let refused = match identity.set_traits(schema, traits, context.now, &*service.entropy) {
        Err(errors) => Err((Screen::Profile, errors.into_iter().map(TraitError::placed).collect())),
        Ok(()) => {
            let typed = submitted.secret("password");
            let accepted = new_password::acceptable(service, context, config, identifiers(&identity), typed).await?;
            accepted.map_err(|message| {
                // What is wrong with the password is said where it is typed.
                let screen = if message.node.is_some() { Screen::Credentials } else { Screen::Profile };
                (screen, vec![message])
            })
        }
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
    let used = UsedMethod::now(AuthenticationMethod::Password, Aal::Aal1, context.now);
    let chosen = complete::Chosen { method: FlowMethod::Password, used, code: None };
    complete::complete(registering, flow, identity, chosen).await
}

/// What the account is signed in to with.
fn identifiers(identity: &Identity) -> &[String] {
    identity.credentials.get(&CredentialKind::Password).map_or(&[], |credential| &credential.identifiers)
}
