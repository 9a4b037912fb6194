//! An authenticator app.

use data_encoding::BASE32_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{CredentialKind, Import, refused};
use crate::credentials::sealed::Vault;
use crate::identity::ChangeError;

/// Longest address of an authenticator app, in bytes.
const MAX_URL: usize = 1024;
/// The shared secret, in bytes: RFC 4226 section 4 demands sixteen; older apps were given ten.
const SECRET: std::ops::RangeInclusive<usize> = 10..=64;
/// The only parameters that apps agree on, and what sign-in computes (RFC 6238).
const FIXED: [(&str, &str); 3] = [("algorithm", "SHA1"), ("digits", "6"), ("period", "30")];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportedTotp {
    totp_url: SecretString,
}

impl ImportedTotp {
    pub(super) fn apply(&self, import: &mut Import<'_>) -> Result<(), ChangeError> {
        let url = self.totp_url.expose_secret();
        check(url).map_err(|reason| refused(CredentialKind::Totp, "totp_url", reason))?;
        let (service, owner) = (import.service, import.identity.id);
        let vault = Vault::new(&service.keyring, owner, CredentialKind::Totp);
        let config = vault.seal_all(json!({"totp_url": url}), &*service.entropy);
        import.identity.set_credential(CredentialKind::Totp, config, import.context.now, &*service.entropy);
        if let Some(credential) = import.identity.credentials.get_mut(&CredentialKind::Totp) {
            credential.identifiers = vec![owner.to_string()];
        }
        Ok(())
    }
}

/// Whether codes can be computed from this `otpauth://totp/…?secret=…`.
fn check(text: &str) -> Result<(), &'static str> {
    const SHAPE: &str = "use otpauth://totp/NAME?secret=BASE32";
    if text.len() > MAX_URL {
        return Err("too long");
    }
    let url = Url::parse(text).map_err(|_| SHAPE)?;
    if url.scheme() != "otpauth" || url.host_str() != Some("totp") {
        return Err(SHAPE);
    }
    let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let secret = parameter("secret").ok_or(SHAPE)?.trim_end_matches('=').to_ascii_uppercase();
    let secret = BASE32_NOPAD.decode(secret.as_bytes()).map_err(|_| "the secret is not Base32 (RFC 4648)")?;
    if !SECRET.contains(&secret.len()) {
        return Err("the secret must have 10 to 64 bytes");
    }
    let other = |(name, only): &(&str, &str)| parameter(name).is_some_and(|value| !value.eq_ignore_ascii_case(only));
    if FIXED.iter().any(other) {
        return Err("only SHA1, 6 digits and a period of 30 seconds are supported");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_codes_can_be_computed_from_is_accepted() {
        for good in [
            "otpauth://totp/Example:ada@example.org?secret=JBSWY3DPEHPK3PXP&issuer=Example",
            "otpauth://totp/x?algorithm=sha1&digits=6&period=30&secret=jbswy3dpehpk3pxp",
            "otpauth://totp/x?secret=MFRGGZDFMZTWQ2LKNNWG23TPOA%3D%3D%3D%3D%3D%3D",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let long = format!("otpauth://totp/{}?secret=JBSWY3DPEHPK3PXP", "x".repeat(MAX_URL));
        for bad in [
            "",
            "JBSWY3DPEHPK3PXP",
            "https://totp/x?secret=JBSWY3DPEHPK3PXP",
            "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP&counter=1",
            "otpauth://totp/x",
            "otpauth://totp/x?secret=",
            "otpauth://totp/x?secret=JBSWY3DP",
            "otpauth://totp/x?secret=JBSWY3DPEHPK3PX1",
            "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&digits=8",
            "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&algorithm=SHA256",
            "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=60",
            &long,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
