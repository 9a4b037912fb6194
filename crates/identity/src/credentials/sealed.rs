//! Secrets inside a credential's data that must be readable again: TOTP secrets, backup codes, tokens of providers.
//!
//! Each is sealed by itself, bound to its owner and to the kind of credential, so that it is of no use in another row.
//! Which members of `config` are secrets is said here, once for everybody who writes or reads them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::id::IdentityId;
use orrery_core::secret::Purpose;
use orrery_core::{Entropy, Keyring};
use secrecy::SecretString;
use serde_json::Value;

use super::CredentialKind;

/// What providers gave when the link was made.
pub const PROVIDER_TOKENS: [&str; 3] = ["initial_id_token", "initial_access_token", "initial_refresh_token"];

/// Seals and opens the secrets of one credential.
#[derive(Clone, Copy)]
pub struct Vault<'a> {
    keyring: &'a Keyring,
    owner: IdentityId,
    kind: CredentialKind,
}

impl<'a> Vault<'a> {
    /// For the credential of this kind that belongs to `owner`.
    #[must_use]
    pub const fn new(keyring: &'a Keyring, owner: IdentityId, kind: CredentialKind) -> Self {
        Self { keyring, owner, kind }
    }

    /// What stands in the data instead of the text.
    #[must_use]
    pub fn seal(&self, plain: &str, entropy: &dyn Entropy) -> String {
        let sealed = self.keyring.seal(Purpose::CredentialSecret, &self.context(), plain.as_bytes(), entropy);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// The text that was sealed; none when no configured secret fits, or it was sealed for another credential.
    #[must_use]
    pub fn open(&self, sealed: &str) -> Option<SecretString> {
        self.opened(sealed).map(SecretString::from)
    }

    /// The data with every secret in it sealed.
    #[must_use]
    pub fn seal_all(&self, mut config: Value, entropy: &dyn Entropy) -> Value {
        each_secret(self.kind, &mut config, |text| self.seal(text, entropy));
        config
    }

    /// The data with every secret in it readable. What cannot be opened is an empty text, as in Kratos.
    #[must_use]
    pub fn open_all(&self, mut config: Value) -> Value {
        each_secret(self.kind, &mut config, |text| self.opened(text).unwrap_or_default());
        config
    }

    fn opened(&self, sealed: &str) -> Option<String> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let plain = self.keyring.open(Purpose::CredentialSecret, &self.context(), &sealed).ok()?;
        String::from_utf8(plain).ok()
    }

    fn context(&self) -> Vec<u8> {
        [self.owner.as_uuid().as_bytes(), self.kind.as_str().as_bytes()].concat()
    }
}

/// Changes every secret member of a credential's data. An empty text is no secret: it stands for "none".
fn each_secret(kind: CredentialKind, config: &mut Value, change: impl Fn(&str) -> String) {
    let (list, members): (Option<&str>, &[&str]) = match kind {
        CredentialKind::Totp => (None, &["totp_url"]),
        CredentialKind::LookupSecret => (Some("recovery_codes"), &["code"]),
        CredentialKind::Oidc | CredentialKind::Saml => (Some("providers"), &PROVIDER_TOKENS),
        CredentialKind::Password
        | CredentialKind::Webauthn
        | CredentialKind::Passkey
        | CredentialKind::Code
        | CredentialKind::LinkRecovery
        | CredentialKind::CodeRecovery => return,
    };
    let entries = match list {
        None => std::slice::from_mut(config),
        Some(list) => config.get_mut(list).and_then(Value::as_array_mut).map_or(&mut [][..], Vec::as_mut_slice),
    };
    for entry in entries {
        for member in members {
            if let Some(Value::String(text)) = entry.get_mut(*member)
                && !text.is_empty()
            {
                *text = change(text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use orrery_core::entropy::SeededEntropy;
    use serde_json::json;

    use super::*;
    use crate::test_values::keyring;

    fn data() -> [(CredentialKind, Value); 3] {
        let tokens = json!({
            "provider": "google", "subject": "s", "initial_id_token": "SECRET", "initial_access_token": "SECRET",
            "initial_refresh_token": "",
        });
        [
            (CredentialKind::Totp, json!({"totp_url": "otpauth://totp/x?secret=SECRET"})),
            (CredentialKind::LookupSecret, json!({"recovery_codes": [{"code": "SECRET", "used_at": null}]})),
            (CredentialKind::Oidc, json!({"providers": [tokens]})),
        ]
    }

    #[test]
    fn secrets_are_sealed_and_the_rest_stays_readable() {
        let (keyring, entropy) = (keyring(), SeededEntropy::new(1));
        for (kind, config) in data() {
            let vault = Vault::new(&keyring, IdentityId::generate(&entropy), kind);
            let sealed = vault.seal_all(config.clone(), &entropy);
            assert!(!sealed.to_string().contains("SECRET"), "{kind}: {sealed}");
            assert_eq!(vault.open_all(sealed), config, "{kind}");
        }
    }

    #[test]
    fn a_secret_is_of_no_use_to_anybody_else() {
        let (keyring, entropy) = (keyring(), SeededEntropy::new(1));
        let (owner, thief) = (IdentityId::generate(&entropy), IdentityId::generate(&entropy));
        let sealed = Vault::new(&keyring, owner, CredentialKind::Totp).seal("x", &entropy);
        assert!(Vault::new(&keyring, owner, CredentialKind::Totp).open(&sealed).is_some());
        for (owner, kind) in [(thief, CredentialKind::Totp), (owner, CredentialKind::LookupSecret)] {
            assert!(Vault::new(&keyring, owner, kind).open(&sealed).is_none());
        }
    }
}
