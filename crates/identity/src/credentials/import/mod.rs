//! Credentials that an administrator brings along.
//!
//! The contract names passwords and links to providers; the other kinds are what its description promises
//! ("multifactor methods"), in the form in which `include_credential` shows them. One file for each form.

mod keys;
mod lookup;
mod password;
mod providers;
mod totp;

use orrery_core::RequestContext;
use serde::Deserialize;

use self::keys::ImportedKeys;
use self::lookup::ImportedCodes;
use self::password::ImportedPassword;
use self::providers::ImportedProviders;
use self::totp::ImportedTotp;
use super::CredentialKind;
use crate::IdentityService;
use crate::identity::{ChangeError, Identity};
use crate::schema::IdentitySchema;

/// The `credentials` member of a create or update request. Unknown members are refused, so that a misspelt credential
/// is not silently lost.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImportedCredentials {
    password: Option<Imported<ImportedPassword>>,
    oidc: Option<Imported<ImportedProviders>>,
    saml: Option<Imported<ImportedProviders>>,
    totp: Option<Imported<ImportedTotp>>,
    lookup_secret: Option<Imported<ImportedCodes>>,
    webauthn: Option<Imported<ImportedKeys>>,
    passkey: Option<Imported<ImportedKeys>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Imported<T> {
    config: Option<T>,
}

/// Whom an import is for, and when.
struct Import<'a> {
    service: &'a IdentityService,
    context: &'a RequestContext,
    identity: &'a mut Identity,
}

impl ImportedCredentials {
    /// Whether a password in clear has to be hashed.
    #[must_use]
    pub fn has_clear_password(&self) -> bool {
        config(&self.password).is_some_and(ImportedPassword::is_clear)
    }

    /// Makes the credentials part of an identity whose traits are set. Passwords in clear are hashed here, before
    /// anything is stored; the password policy does not apply to what an administrator brings along.
    ///
    /// # Errors
    /// Names the member that cannot be accepted; [`ChangeError::Overloaded`] when too many passwords are waiting.
    pub(crate) async fn apply(
        &self,
        service: &IdentityService,
        context: &RequestContext,
        schema: &IdentitySchema,
        identity: &mut Identity,
    ) -> Result<(), ChangeError> {
        // Whatever is refused is refused before a password costs its time.
        let mut import = Import { service, context, identity };
        for (kind, given) in [(CredentialKind::Oidc, &self.oidc), (CredentialKind::Saml, &self.saml)] {
            if let Some(providers) = config(given) {
                providers.apply(kind, &mut import)?;
            }
        }
        if let Some(totp) = config(&self.totp) {
            totp.apply(&mut import)?;
        }
        if let Some(codes) = config(&self.lookup_secret) {
            codes.apply(&mut import)?;
        }
        for (kind, given) in [(CredentialKind::Webauthn, &self.webauthn), (CredentialKind::Passkey, &self.passkey)] {
            if let Some(keys) = config(given) {
                keys.apply(kind, &mut import)?;
            }
        }
        if let Some(password) = config(&self.password) {
            password.apply(&mut import).await?;
        }
        if config(&self.webauthn).is_some() {
            // The names that security keys sign in with follow from the traits.
            let traits = identity.traits.clone();
            identity.set_traits(schema, traits, context.now, &*service.entropy).map_err(ChangeError::Traits)?;
        }
        identity.recompute_factors();
        Ok(())
    }
}

fn config<T>(given: &Option<Imported<T>>) -> Option<&T> {
    given.as_ref()?.config.as_ref()
}

/// The member that cannot be accepted.
fn refused(kind: CredentialKind, member: &str, reason: impl Into<String>) -> ChangeError {
    ChangeError::invalid(format!("credentials.{kind}.config.{member}"), reason)
}
