//! Links to social and enterprise sign-in, with the tokens that the provider gave when the link was made.

use orrery_core::id::OrganizationId;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{CredentialKind, Import, refused};
use crate::credentials::sealed::{PROVIDER_TOKENS, Vault};
use crate::identity::ChangeError;

/// Most providers of one identity.
const MAX_PROVIDERS: usize = 100;
/// Longest provider or subject, in bytes: both become one identifier.
const MAX_NAME: usize = 1024;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportedProviders {
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
    organization: Option<OrganizationId>,
    #[serde(default)]
    initial_id_token: Option<SecretString>,
    #[serde(default)]
    initial_access_token: Option<SecretString>,
    #[serde(default)]
    initial_refresh_token: Option<SecretString>,
}

impl ImportedProvider {
    fn data(&self) -> Value {
        let tokens = [&self.initial_id_token, &self.initial_access_token, &self.initial_refresh_token];
        let tokens = PROVIDER_TOKENS.into_iter().zip(tokens);
        let tokens = tokens.filter_map(|(name, token)| Some((name.to_owned(), json!(token.as_ref()?.expose_secret()))));
        let link = [
            ("provider".to_owned(), json!(self.provider)),
            ("subject".to_owned(), json!(self.subject)),
            ("use_auto_link".to_owned(), json!(self.use_auto_link)),
            ("organization".to_owned(), json!(self.organization)),
        ];
        Value::Object(link.into_iter().chain(tokens).collect::<Map<_, _>>())
    }
}

impl ImportedProviders {
    pub(super) fn apply(&self, kind: CredentialKind, import: &mut Import<'_>) -> Result<(), ChangeError> {
        if self.providers.len() > MAX_PROVIDERS {
            return Err(refused(kind, "providers", format!("more than {MAX_PROVIDERS} entries")));
        }
        let named = |name: &str| (1..=MAX_NAME).contains(&name.len());
        if !self.providers.iter().all(|link| named(&link.provider) && named(&link.subject)) {
            let reason = format!("each entry needs a provider and a subject, of at most {MAX_NAME} bytes");
            return Err(refused(kind, "providers", reason));
        }
        let (service, now) = (import.service, import.context.now);
        let data = json!({"providers": self.providers.iter().map(ImportedProvider::data).collect::<Vec<_>>()});
        let vault = Vault::new(&service.keyring, import.identity.id, kind);
        let data = vault.seal_all(data, &*service.entropy);
        import.identity.set_credential(kind, data, now, &*service.entropy);
        if let Some(credential) = import.identity.credentials.get_mut(&kind) {
            credential.identifiers =
                self.providers.iter().map(|link| format!("{}:{}", link.provider, link.subject)).collect();
        }
        Ok(())
    }
}
