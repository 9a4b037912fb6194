//! Setting a password.

use serde_json::json;

use super::Outcome;
use super::complete::{TRIES, Written, contended, store};
use super::submit::Change;
use crate::credentials::CredentialKind;
use crate::credentials::password::PasswordHash;
use crate::flow::steps::again;
use crate::flow::{Flow, FlowError, FlowMethod, Submitted, catalogue, new_password};
use crate::identity::{Identity, every_credential};

/// Replaces the password, or sets the first one.
pub(super) async fn submit(change: Change<'_>, mut flow: Flow) -> Result<Submitted<Outcome>, FlowError> {
    let (service, context, config) = (change.service, change.context, change.config);
    flow.active = Some(FlowMethod::Password);
    change.privileged(&flow)?;
    let mut hash = None;
    for _ in 0..TRIES {
        let id = change.current.identity.id;
        let found = service.identities.identity_by_id(context.project, id, &every_credential()).await?;
        let before = found.ok_or(FlowError::SessionInactive)?;
        let identifiers = before.credentials.get(&CredentialKind::Password).map_or(&[][..], |it| &it.identifiers);
        let hash = match &hash {
            Some(hash) => hash,
            None => {
                let typed = change.submitted.secret("password");
                let password = match new_password::acceptable(service, context, config, identifiers, typed).await? {
                    Ok(password) => password,
                    Err(message) => return again(service, context, flow, vec![message], None).await,
                };
                if let Some(old) = present(&before)
                    && service.hasher.verify(old, password.clone()).await?
                {
                    let same = vec![catalogue::PASSWORD_UNCHANGED.message().on_node("password")];
                    return again(service, context, flow, same, None).await;
                }
                hash.insert(service.hasher.hash(config.hasher.algorithm, password, &*service.entropy).await?)
            }
        };
        let mut after = before.clone();
        let secret = json!({"hashed_password": hash.encode()});
        after.set_credential(CredentialKind::Password, secret, context.now, &*service.entropy);
        if let Written::Answer(answer) = store(&change, &flow, FlowMethod::Password, &before, after).await? {
            return Ok(answer);
        }
    }
    again(service, context, flow, vec![contended()], None).await
}

/// The hash of the present password, unless there is none that can be checked.
fn present(identity: &Identity) -> Option<PasswordHash> {
    identity.credentials.get(&CredentialKind::Password)?.config.get("hashed_password")?.as_str()?.parse().ok()
}
