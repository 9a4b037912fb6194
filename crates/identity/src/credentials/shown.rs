//! What administrators see of a credential's data (`include_credential`): for each kind the members that are listed here,
//! and nothing else. So whatever is sealed in a credential stays in it until somebody decides otherwise in this place.

use serde_json::{Map, Value};

use super::CredentialKind;

/// The members of `config` that may leave the server.
#[must_use]
pub fn shown(kind: CredentialKind, config: &Value) -> Value {
    match kind {
        // The hash is what a migration away from here needs, and is what Kratos shows.
        CredentialKind::Password => only(config, &["hashed_password", "use_password_migration_hook"]),
        // Without the provider's tokens.
        CredentialKind::Oidc | CredentialKind::Saml => {
            list(config, "providers", &["provider", "subject", "organization", "use_auto_link"])
        }
        // Whoever reads the secret can compute the codes.
        CredentialKind::Totp => only(config, &[]),
        // Which are used up, not what they are.
        CredentialKind::LookupSecret => list(config, "recovery_codes", &["used_at"]),
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
    fn no_secret_leaves_with_a_credential_whatever_its_kind() {
        let everything = json!({
            "hashed_password": "$2y$", "totp_url": "SECRET", "totp_secret": "SECRET", "secret": "SECRET",
            "recovery_codes": [{"code": "SECRET", "used_at": null}, {"code": "SECRET", "used_at": "2026-01-01T00:00:00Z"}],
            "providers": [{
                "provider": "google", "subject": "s", "initial_id_token": "SECRET", "initial_access_token": "SECRET",
                "initial_refresh_token": "SECRET",
            }],
            "credentials": [{"id": "AQ", "public_key": "pub"}], "user_handle": "AQ", "addresses": [],
        });
        for kind in CredentialKind::ALL {
            let shown = shown(kind, &everything).to_string();
            assert!(!shown.contains("SECRET"), "{kind}: {shown}");
            assert_eq!(shown.contains("$2y$"), kind == CredentialKind::Password, "{kind}: {shown}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown_and_what_is_missing_stays_missing() {
        let config = json!({"providers": [{"provider": "google", "subject": "s", "initial_id_token": "t"}]});
        let expected = json!({"providers": [{"provider": "google", "subject": "s"}]});
        assert_eq!(shown(CredentialKind::Oidc, &config), expected);
        let used = json!({"recovery_codes": [{"code": "c", "used_at": "2026-01-01T00:00:00Z"}]});
        let expected = json!({"recovery_codes": [{"used_at": "2026-01-01T00:00:00Z"}]});
        assert_eq!(shown(CredentialKind::LookupSecret, &used), expected);
        for kind in CredentialKind::ALL {
            assert_eq!(shown(kind, &json!({})), json!({}), "{kind}");
        }
    }
}
