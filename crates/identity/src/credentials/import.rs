//! Credentials that an administrator brings along: passwords in clear or hashed, and links to social sign-in.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::CredentialKind;
use super::password::PasswordHash;
use crate::IdentityService;
use crate::config::HashAlgorithm;
use crate::identity::{ChangeError, Identity};

/// Longest password in clear, in bytes: hashing more would only waste time.
const MAX_PASSWORD: usize = 4096;
/// Where bcrypt stops reading.
const MAX_BCRYPT: usize = 72;
/// Most providers of one identity.
const MAX_PROVIDERS: usize = 100;

/// The `credentials` member of a create or update request. Unknown members are refused, so that a misspelt credential
/// is not silently lost.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImportedCredentials {
    password: Option<Imported<ImportedPassword>>,
    oidc: Option<Imported<ImportedProviders>>,
    saml: Option<Imported<ImportedProviders>>,
    totp: Option<Value>,
    lookup_secret: Option<Value>,
    webauthn: Option<Value>,
    passkey: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Imported<T> {
    config: Option<T>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ImportedPassword {
    password: Option<SecretString>,
    hashed_password: Option<SecretString>,
    use_password_migration_hook: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportedProviders {
    #[serde(default)]
    providers: Vec<ImportedProvider>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportedProvider {
    provider: String,
    subject: String,
    #[serde(default)]
    use_auto_link: bool,
    #[serde(default)]
    organization: Option<String>,
}

impl ImportedCredentials {
    /// Whether a password in clear has to be hashed.
    #[must_use]
    pub fn has_clear_password(&self) -> bool {
        self.password_config().is_some_and(|config| config.hashed_password.is_none() && config.password.is_some())
    }

    fn password_config(&self) -> Option<&ImportedPassword> {
        self.password.as_ref()?.config.as_ref()
    }

    /// Makes the credentials part of an identity whose traits are set. Passwords in clear are hashed here, before
    /// anything is stored; the password policy does not apply to what an administrator brings along.
    ///
    /// # Errors
    /// Names the member that cannot be accepted; [`ChangeError::Overloaded`] when too many passwords are waiting.
    pub(crate) async fn apply(
        &self,
        service: &IdentityService,
        identity: &mut Identity,
        now: orrery_core::Timestamp,
    ) -> Result<(), ChangeError> {
        for (kind, given) in [
            (CredentialKind::Totp, &self.totp),
            (CredentialKind::LookupSecret, &self.lookup_secret),
            (CredentialKind::Webauthn, &self.webauthn),
            (CredentialKind::Passkey, &self.passkey),
        ] {
            if given.as_ref().is_some_and(|given| !given.is_null()) {
                return Err(ChangeError::invalid(format!("credentials.{kind}"), "cannot be imported yet"));
            }
        }
        let hash = match self.password_config() {
            Some(config) => config.hash(service).await?,
            None => None,
        };
        if let Some(hash) = hash {
            let config = json!({"hashed_password": hash.encode()});
            identity.set_credential(CredentialKind::Password, config, now, &*service.entropy);
        }
        for (kind, given) in [(CredentialKind::Oidc, &self.oidc), (CredentialKind::Saml, &self.saml)] {
            if let Some(providers) = given.as_ref().and_then(|given| given.config.as_ref()) {
                providers.apply(kind, identity, now, service)?;
            }
        }
        Ok(())
    }
}

impl ImportedPassword {
    async fn hash(&self, service: &IdentityService) -> Result<Option<PasswordHash>, ChangeError> {
        const FIELD: &str = "credentials.password.config";
        if self.use_password_migration_hook {
            let reason = "no password migration hook is configured";
            return Err(ChangeError::invalid(format!("{FIELD}.use_password_migration_hook"), reason));
        }
        if let Some(hashed) = self.hashed_password.as_ref().filter(|hashed| !hashed.expose_secret().is_empty()) {
            let hash = hashed.expose_secret().parse();
            return hash.map(Some).map_err(|_| {
                let reason = "not a password hash of an accepted format, or one that is too costly to check";
                ChangeError::invalid(format!("{FIELD}.hashed_password"), reason)
            });
        }
        let Some(password) = self.password.as_ref().filter(|password| !password.expose_secret().is_empty()) else {
            return Ok(None);
        };
        let algorithm = service.config.load().hasher.algorithm;
        let limit = match algorithm {
            HashAlgorithm::Argon2id { .. } => MAX_PASSWORD,
            HashAlgorithm::Bcrypt { .. } => MAX_BCRYPT,
        };
        if password.expose_secret().len() > limit {
            return Err(ChangeError::invalid(format!("{FIELD}.password"), format!("longer than {limit} bytes")));
        }
        let hash = service.hasher.hash(algorithm, password.clone(), &*service.entropy).await;
        hash.map(Some).map_err(|_| ChangeError::Overloaded)
    }
}

impl ImportedProviders {
    fn apply(
        &self,
        kind: CredentialKind,
        identity: &mut Identity,
        now: orrery_core::Timestamp,
        service: &IdentityService,
    ) -> Result<(), ChangeError> {
        let field = || format!("credentials.{kind}.config.providers");
        if self.providers.len() > MAX_PROVIDERS {
            return Err(ChangeError::invalid(field(), format!("more than {MAX_PROVIDERS} entries")));
        }
        if self.providers.iter().any(|link| link.provider.is_empty() || link.subject.is_empty()) {
            return Err(ChangeError::invalid(field(), "each entry needs a provider and a subject"));
        }
        let links: Vec<_> = self
            .providers
            .iter()
            .map(|link| {
                json!({
                    "provider": link.provider, "subject": link.subject,
                    "use_auto_link": link.use_auto_link, "organization": link.organization,
                })
            })
            .collect();
        identity.set_credential(kind, json!({"providers": links}), now, &*service.entropy);
        if let Some(credential) = identity.credentials.get_mut(&kind) {
            credential.identifiers =
                self.providers.iter().map(|link| format!("{}:{}", link.provider, link.subject)).collect();
        }
        identity.recompute_level();
        Ok(())
    }
}
