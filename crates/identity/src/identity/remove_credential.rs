//! Taking a credential away from an identity, as an administrator.

use orrery_core::RequestContext;
use orrery_core::id::IdentityId;
use serde_json::{Value, json};

use super::Identity;
use super::change::{ChangeError, change};
use crate::IdentityService;
use crate::config::CodeSignIn;
use crate::credentials::CredentialKind;
use crate::session::{Aal, factor};

/// Removes a credential, or of social sign-in the link that `identifier` (`provider:subject`) names.
///
/// # Errors
/// [`ChangeError::Unknown`] when the identity or the credential does not exist; [`ChangeError::Invalid`] for the last way
/// to sign in and for kinds that follow from traits.
pub async fn remove_credential(
    service: &IdentityService,
    context: &RequestContext,
    id: IdentityId,
    kind: CredentialKind,
    identifier: Option<&str>,
) -> Result<Identity, ChangeError> {
    change(service, context, id, async |identity: &mut Identity| {
        match kind {
            CredentialKind::Totp | CredentialKind::LookupSecret => {
                identity.credentials.remove(&kind).ok_or(ChangeError::Unknown)?;
            }
            CredentialKind::Password => remove_password(identity)?,
            CredentialKind::Webauthn => remove_second_factor_keys(identity)?,
            CredentialKind::Oidc | CredentialKind::Saml => unlink(identity, kind, identifier)?,
            CredentialKind::Passkey
            | CredentialKind::Code
            | CredentialKind::LinkRecovery
            | CredentialKind::CodeRecovery => {
                return Err(ChangeError::invalid("type", format!("a credential of type {kind} cannot be removed")));
            }
        }
        identity.recompute_factors();
        Ok(())
    })
    .await
}

/// The sign-in name stays reserved, because the trait that it comes from stays.
fn remove_password(identity: &mut Identity) -> Result<(), ChangeError> {
    let credential = identity.credentials.get_mut(&CredentialKind::Password).ok_or(ChangeError::Unknown)?;
    credential.config.get("hashed_password").ok_or(ChangeError::Unknown)?;
    credential.config = json!({});
    keep_a_way_in(identity)
}

fn remove_second_factor_keys(identity: &mut Identity) -> Result<(), ChangeError> {
    let credential = identity.credentials.get_mut(&CredentialKind::Webauthn).ok_or(ChangeError::Unknown)?;
    let keys = credential.config.get_mut("credentials").and_then(Value::as_array_mut).ok_or(ChangeError::Unknown)?;
    let before = keys.len();
    keys.retain(|key| key.get("is_passwordless").and_then(Value::as_bool).unwrap_or(false));
    if keys.len() == before {
        return Err(ChangeError::invalid("type", "the identity has no security key that serves as second factor"));
    }
    if keys.is_empty() {
        identity.credentials.remove(&CredentialKind::Webauthn);
    }
    Ok(())
}

fn unlink(identity: &mut Identity, kind: CredentialKind, identifier: Option<&str>) -> Result<(), ChangeError> {
    let identifier = identifier.filter(|identifier| !identifier.is_empty());
    let identifier =
        identifier.ok_or_else(|| ChangeError::invalid("identifier", "name the link as provider:subject"))?;
    let credential = identity.credentials.get_mut(&kind).ok_or(ChangeError::Unknown)?;
    let before = credential.identifiers.len();
    credential.identifiers.retain(|known| known != identifier);
    if credential.identifiers.len() == before {
        return Err(ChangeError::Unknown);
    }
    if let Some(links) = credential.config.get_mut("providers").and_then(Value::as_array_mut) {
        let text = |link: &Value, name: &str| link.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        links.retain(|link| format!("{}:{}", text(link, "provider"), text(link, "subject")) != identifier);
    }
    if credential.identifiers.is_empty() {
        identity.credentials.remove(&kind);
    }
    keep_a_way_in(identity)
}

fn keep_a_way_in(identity: &mut Identity) -> Result<(), ChangeError> {
    identity.recompute_factors();
    if factor::highest(&identity.factors, CodeSignIn::FirstFactor) == Aal::Aal0 {
        return Err(ChangeError::invalid("type", "this is the last way to sign in; add another first"));
    }
    Ok(())
}
