//! What administrators see of a credential's data (`include_credential`): for each kind the members that are listed here,
//! and nothing else. Secrets that are sealed are opened on the way, as the contract has it; whatever else a method keeps in
//! its data stays there until somebody decides otherwise in this place.

use orrery_core::Keyring;
use orrery_core::id::IdentityId;
use serde_json::{Map, Value};

use super::sealed::Vault;
use super::{Credential, CredentialKind};

/// The members of `config` that may leave the server, readable.
#[must_use]
pub fn shown(credential: &Credential, owner: IdentityId, keyring: &Keyring) -> Value {
    Vault::new(keyring, owner, credential.kind).open_all(listed(credential.kind, &credential.config))
}

fn listed(kind: CredentialKind, config: &Value) -> Value {
    match kind {
        // The hash is what a migration away from here needs, and is what Kratos shows.
        CredentialKind::Password => only(config, &["hashed_password", "use_password_migration_hook"]),
        CredentialKind::Oidc | CredentialKind::Saml => list(
            config,
            "providers",
            &[
                "provider",
                "subject",
                "organization",
                "use_auto_link",
                "initial_id_token",
                "initial_access_token",
                "initial_refresh_token",
            ],
        ),
        CredentialKind::Totp => only(config, &["totp_url"]),
        CredentialKind::LookupSecret => list(config, "recovery_codes", &["code", "used_at"]),
        // Public keys.
        CredentialKind::Webauthn | CredentialKind::Passkey => only(config, &["credentials", "user_handle"]),
        CredentialKind::Code => only(config, &["addresses"]),
        CredentialKind::LinkRecovery | CredentialKind::CodeRecovery => only(config, &[]),
    }
}

fn only(config: &Value, members: &[&str]) -> Value {
    let kept = members.iter().filter_map(|name| Some(((*name).to_owned(), config.get(*name)?.clone())));
    Value::Object(kept.collect::<Map<_, _>>())
}

/// A list with these members of each of its entries.
fn list(config: &Value, name: &str, members: &[&str]) -> Value {
    let entries = config.get(name).and_then(Value::as_array);
    let kept = entries.map(|entries| (name.to_owned(), entries.iter().map(|entry| only(entry, members)).collect()));
    Value::Object(kept.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_leaves_that_is_not_listed() {
        let everything = json!({
            "hashed_password": "$2y$", "totp_secret": "SECRET", "last_step": "SECRET", "secret": "SECRET",
            "recovery_codes": [{"code": "c", "used_at": null, "salt": "SECRET"}],
            "providers": [{"provider": "google", "subject": "s", "current_token": "SECRET"}],
            "credentials": [{"id": "AQ", "public_key": "pub"}], "user_handle": "AQ", "addresses": [],
        });
        for kind in CredentialKind::ALL {
            let shown = listed(kind, &everything).to_string();
            assert!(!shown.contains("SECRET"), "{kind}: {shown}");
            assert_eq!(shown.contains("$2y$"), kind == CredentialKind::Password, "{kind}: {shown}");
        }
    }

    #[test]
    fn what_is_missing_stays_missing() {
        let config = json!({"providers": [{"provider": "google", "subject": "s", "other": "t"}]});
        let expected = json!({"providers": [{"provider": "google", "subject": "s"}]});
        assert_eq!(listed(CredentialKind::Oidc, &config), expected);
        for kind in CredentialKind::ALL {
            assert_eq!(listed(kind, &json!({})), json!({}), "{kind}");
        }
    }
}
