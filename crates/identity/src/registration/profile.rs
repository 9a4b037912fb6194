//! The two pages of a registration: traits first, then how to sign in.

use serde_json::{Map, Value};

use super::submit::show;
use super::{Registered, Registering, Screen};
use crate::flow::steps::again;
use crate::flow::{Flow, FlowError, FlowMethod, Submitted, catalogue};
use crate::schema::{IdentitySchema, TraitError};

/// Checks the traits and goes to the second page.
pub(super) async fn submit(
    registering: Registering<'_>,
    mut flow: Flow,
    schema: &IdentitySchema,
    mut traits: Map<String, Value>,
) -> Result<Submitted<Registered>, FlowError> {
    flow.active = Some(FlowMethod::Profile);
    let (screen, mut messages) = match schema.check(&mut traits) {
        Ok(_) => (Screen::Credentials, vec![catalogue::REGISTRATION_CHOOSE_CREDENTIAL.message().on_form()]),
        Err(errors) => (Screen::Profile, errors.into_iter().map(TraitError::placed).collect()),
    };
    show(&mut flow, screen, &mut messages);
    again(registering.service, registering.context, flow, messages, None).await
}

/// Goes back to the first page, with everything that was typed.
pub(super) async fn back(registering: Registering<'_>, mut flow: Flow) -> Result<Submitted<Registered>, FlowError> {
    flow.active = Some(FlowMethod::Profile);
    let mut messages = Vec::new();
    show(&mut flow, Screen::Profile, &mut messages);
    again(registering.service, registering.context, flow, messages, None).await
}
