//! Changing traits: the complete object replaces the old one.

use std::collections::BTreeSet;

use orrery_core::StoreError;
use serde_json::Value;

use super::Outcome;
use super::complete::{TRIES, Written, contended, store};
use super::submit::Change;
use crate::credentials::CredentialKind;
use crate::flow::steps::{again, required};
use crate::flow::{Flow, FlowError, FlowMethod, Submitted, traits};
use crate::identity::{Identity, Via, every_credential};
use crate::schema::TraitError;

/// Replaces the traits and everything that follows from them.
pub(super) async fn submit(change: Change<'_>, mut flow: Flow) -> Result<Submitted<Outcome>, FlowError> {
    let (service, context) = (change.service, change.context);
    flow.active = Some(FlowMethod::Profile);
    let schemas = service.schemas.load_full();
    for _ in 0..TRIES {
        let id = change.current.identity.id;
        let found = service.identities.identity_by_id(context.project, id, &every_credential()).await?;
        let before = found.ok_or(FlowError::SessionInactive)?;
        let schema = schemas.get(&before.schema_id).ok_or_else(|| unknown_schema(&before))?;
        let typed = match traits::submitted(schema, change.submitted) {
            Ok(Some(typed)) => typed,
            Ok(None) => return again(service, context, flow, vec![required("traits")], None).await,
            Err(message) => return again(service, context, flow, vec![message], None).await,
        };
        flow.values.insert("traits".to_owned(), Value::Object(typed.clone()));
        let mut after = before.clone();
        if let Err(errors) = after.set_traits(schema, typed, context.now, &*service.entropy) {
            let messages = errors.into_iter().map(TraitError::placed).collect();
            return again(service, context, flow, messages, None).await;
        }
        if ways_in(&before) != ways_in(&after) {
            change.privileged(&flow)?;
        }
        if let Written::Answer(answer) = store(&change, &flow, FlowMethod::Profile, &before, after).await? {
            return Ok(answer);
        }
    }
    again(service, context, flow, vec![contended()], None).await
}

/// What leads into an account.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Way<'a> {
    Name(CredentialKind, &'a str),
    Verifiable(Via, &'a str),
    Recovery(Via, &'a str),
}

/// Every way into an account: changing one needs a fresh sign-in.
fn ways_in(identity: &Identity) -> BTreeSet<Way<'_>> {
    let credentials = identity.credentials.values();
    let names = credentials.flat_map(|it| it.identifiers.iter().map(|name| Way::Name(it.kind, name)));
    let verifiable = identity.verifiable_addresses.iter().map(|it| Way::Verifiable(it.via, &it.value));
    names
        .chain(verifiable)
        .chain(identity.recovery_addresses.iter().map(|it| Way::Recovery(it.via, &it.value)))
        .collect()
}

fn unknown_schema(identity: &Identity) -> StoreError {
    StoreError::internal(format!("identity schema {} is not configured", identity.schema_id))
}
