//! Backup codes.

use orrery_core::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{CredentialKind, Import, refused};
use crate::credentials::sealed::Vault;
use crate::identity::ChangeError;

/// Most codes of one identity.
const MAX_CODES: usize = 100;
/// Longest code, in bytes.
const MAX_CODE: usize = 64;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportedCodes {
    /// `codes` when they are imported, `recovery_codes` when they are shown.
    #[serde(alias = "recovery_codes")]
    codes: Vec<ImportedCode>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportedCode {
    code: SecretString,
    #[serde(default)]
    used_at: Option<Timestamp>,
}

impl ImportedCodes {
    pub(super) fn apply(&self, import: &mut Import<'_>) -> Result<(), ChangeError> {
        const KIND: CredentialKind = CredentialKind::LookupSecret;
        if self.codes.len() > MAX_CODES {
            return Err(refused(KIND, "codes", format!("more than {MAX_CODES} entries")));
        }
        if !self.codes.iter().all(|code| (1..=MAX_CODE).contains(&code.code.expose_secret().len())) {
            return Err(refused(KIND, "codes", format!("each entry needs a code of at most {MAX_CODE} bytes")));
        }
        let (service, owner) = (import.service, import.identity.id);
        let codes: Vec<Value> =
            self.codes.iter().map(|code| json!({"code": code.code.expose_secret(), "used_at": code.used_at})).collect();
        let vault = Vault::new(&service.keyring, owner, KIND);
        let config = vault.seal_all(json!({"recovery_codes": codes}), &*service.entropy);
        import.identity.set_credential(KIND, config, import.context.now, &*service.entropy);
        if let Some(credential) = import.identity.credentials.get_mut(&KIND) {
            credential.identifiers = vec![owner.to_string()];
        }
        Ok(())
    }
}
