//! Security keys and passkeys: public keys, in the form in which they are stored and shown.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{CredentialKind, Import, refused};
use crate::identity::ChangeError;

/// Most keys of one identity.
const MAX_KEYS: usize = 100;
/// Largest value of one member, in bytes: an id has at most 1023 (WebAuthn section 4), keys of RSA some hundreds.
const MAX_BYTES: usize = 4096;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportedKeys {
    #[serde(default)]
    credentials: Vec<Map<String, Value>>,
    #[serde(default)]
    user_handle: Option<String>,
}

impl ImportedKeys {
    pub(super) fn apply(&self, kind: CredentialKind, import: &mut Import<'_>) -> Result<(), ChangeError> {
        if self.credentials.len() > MAX_KEYS {
            return Err(refused(kind, "credentials", format!("more than {MAX_KEYS} entries")));
        }
        for (index, key) in self.credentials.iter().enumerate() {
            for member in ["id", "public_key"] {
                let bytes = key.get(member).and_then(Value::as_str).and_then(decode);
                if !bytes.is_some_and(|bytes| (1..=MAX_BYTES).contains(&bytes.len())) {
                    let member = format!("credentials[{index}].{member}");
                    return Err(refused(kind, &member, "must be some bytes in Base64"));
                }
            }
            if key.get("is_passwordless").is_some_and(|value| !value.is_boolean()) {
                let member = format!("credentials[{index}].is_passwordless");
                return Err(refused(kind, &member, "must be true or false"));
            }
        }
        let handle = self.user_handle.as_deref().filter(|handle| !handle.is_empty());
        let bytes = match handle {
            // WebAuthn section 5.4.3: at most 64 bytes.
            Some(handle) => decode(handle)
                .filter(|bytes| bytes.len() <= 64)
                .ok_or_else(|| refused(kind, "user_handle", "must be at most 64 bytes in Base64"))?,
            None if kind == CredentialKind::Passkey => {
                return Err(refused(kind, "user_handle", "a passkey is found by its user handle"));
            }
            // What authenticators were given before there were handles.
            None => import.identity.id.as_uuid().as_bytes().to_vec(),
        };
        let handle = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let config = json!({"credentials": self.credentials, "user_handle": handle});
        import.identity.set_credential(kind, config, import.context.now, &*import.service.entropy);
        if let (Some(credential), CredentialKind::Passkey) = (import.identity.credentials.get_mut(&kind), kind) {
            credential.identifiers = vec![handle_identifier(&bytes)];
        }
        Ok(())
    }
}

/// What a passkey is found by: its user handle, which is text wherever Kratos or Orrery made it.
fn handle_identifier(handle: &[u8]) -> String {
    String::from_utf8(handle.to_vec())
        .unwrap_or_else(|_| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(handle))
}

/// Base64 of either alphabet, padded or not: Kratos and browsers differ.
fn decode(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    GeneralPurpose::new(&alphabet, config).decode(text).ok()
}
