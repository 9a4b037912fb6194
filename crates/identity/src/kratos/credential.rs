//! Credentials.

use orrery_core::id::{CredentialId, IdentityId};
use orrery_core::moving::{Row, Unreadable};
use orrery_core::{Entropy, Keyring, Timestamp};
use serde_json::{Map, Value, json};

use super::ciphers::ProviderCiphers;
use crate::credentials::code::{self, CodeAddress};
use crate::credentials::password::PasswordHash;
use crate::credentials::sealed::{PROVIDER_TOKENS, Vault};
use crate::credentials::{Credential, CredentialKind};
use crate::identity::Via;
use crate::schema::normalize::normalize;

/// What opens and seals secrets on the way.
#[derive(Clone, Copy)]
pub(super) struct Tools<'a> {
    pub(super) keyring: &'a Keyring,
    pub(super) ciphers: Option<&'a ProviderCiphers>,
    pub(super) entropy: &'a dyn Entropy,
}

/// A credential, and what was lost on the way.
pub(super) struct Translated {
    pub(super) credential: Credential,
    /// Why its secret is not there any more, if so; the names that it reserves are.
    pub(super) lost: Option<&'static str>,
    /// Tokens of providers that nobody could open.
    pub(super) lost_tokens: usize,
}

/// The credential of a row and its identifiers.
///
/// # Errors
/// When a column that is needed cannot be understood.
pub(super) fn translate(
    row: &Row,
    kind: CredentialKind,
    identifiers: &[Row],
    owner: IdentityId,
    tools: Tools<'_>,
) -> Result<Translated, Unreadable> {
    let given = row.document("config")?.unwrap_or_else(|| json!({}));
    let named: Vec<&str> = identifiers.iter().filter_map(|row| row.text("identifier")).collect();
    let mut data = Data { config: json!({}), lost: None, lost_tokens: 0 };
    match kind {
        CredentialKind::Password => data.password(&given),
        CredentialKind::Totp => data.totp(&given),
        CredentialKind::LookupSecret => data.lookup(&given),
        CredentialKind::Webauthn | CredentialKind::Passkey => data.keys(&given, owner),
        CredentialKind::Oidc | CredentialKind::Saml => data.providers(&given, tools.ciphers),
        CredentialKind::Code => data.config = code::config(&code_addresses(&given, &named)),
        CredentialKind::LinkRecovery | CredentialKind::CodeRecovery => {}
    }
    let mut identifiers: Vec<String> = match kind {
        // Compared as people type them.
        CredentialKind::Password | CredentialKind::Webauthn | CredentialKind::Code => {
            named.iter().map(|identifier| normalize(identifier)).collect()
        }
        CredentialKind::Totp | CredentialKind::LookupSecret => vec![owner.to_string()],
        CredentialKind::Oidc
        | CredentialKind::Saml
        | CredentialKind::Passkey
        | CredentialKind::LinkRecovery
        | CredentialKind::CodeRecovery => named.iter().map(|identifier| (*identifier).to_owned()).collect(),
    };
    identifiers.sort_unstable();
    identifiers.dedup();
    let created_at = row.needed_moment("created_at")?;
    let credential = Credential {
        id: CredentialId::from_uuid(row.needed_id("id")?),
        kind,
        identifiers,
        config: Vault::new(tools.keyring, owner, kind).seal_all(data.config, tools.entropy),
        version: 0,
        created_at,
        updated_at: row.moment("updated_at")?.unwrap_or(created_at),
    };
    Ok(Translated { credential, lost: data.lost, lost_tokens: data.lost_tokens })
}

/// A credential's data on the way from their layout to ours, not sealed yet.
struct Data {
    config: Value,
    lost: Option<&'static str>,
    lost_tokens: usize,
}

impl Data {
    fn password(&mut self, given: &Value) {
        let text = given.get("hashed_password").and_then(Value::as_str).filter(|text| !text.is_empty());
        match text.map(str::parse::<PasswordHash>) {
            Some(Ok(hash)) => self.config = json!({"hashed_password": hash.encode()}),
            Some(Err(_)) => self.lost = Some("the password hash is of no accepted format, or too costly to check"),
            None if given.get("use_password_migration_hook") == Some(&json!(true)) => {
                self.config = json!({"use_password_migration_hook": true});
            }
            // A name that is only reserved.
            None => {}
        }
    }

    fn totp(&mut self, given: &Value) {
        match given.get("totp_url").and_then(Value::as_str).filter(|url| url.starts_with("otpauth://")) {
            Some(url) => self.config = json!({"totp_url": url}),
            None => self.lost = Some("the authenticator app has no address"),
        }
    }

    fn lookup(&mut self, given: &Value) {
        let Some(codes) = given.get("recovery_codes").and_then(Value::as_array) else {
            self.lost = Some("there are no backup codes");
            return;
        };
        let codes = codes.iter().filter_map(|entry| {
            let code = entry.get("code").and_then(Value::as_str).filter(|code| !code.is_empty())?;
            let used_at = entry.get("used_at").and_then(Value::as_str);
            // Go writes a moment that never was as the first of the year one.
            let used_at = used_at.and_then(|text| Timestamp::parse_rfc3339(text).ok());
            let used_at = used_at.filter(|moment| *moment > Timestamp::EPOCH);
            Some(json!({"code": code, "used_at": used_at}))
        });
        self.config = json!({"recovery_codes": codes.collect::<Vec<_>>()});
    }

    fn keys(&mut self, given: &Value, owner: IdentityId) {
        let Some(keys) = given.get("credentials").and_then(Value::as_array) else {
            self.lost = Some("there are no keys");
            return;
        };
        let handle = given.get("user_handle").and_then(Value::as_str).filter(|handle| !handle.is_empty());
        // What authenticators were given before there were handles.
        let handle = handle.map_or_else(|| base64(owner.as_uuid().as_bytes()), str::to_owned);
        self.config = json!({"credentials": keys, "user_handle": handle});
    }

    fn providers(&mut self, given: &Value, ciphers: Option<&ProviderCiphers>) {
        let links = given.get("providers").and_then(Value::as_array).cloned().unwrap_or_default();
        let links = links.iter().filter_map(|link| {
            let text = |member: &str| link.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
            let mut ours = Map::from_iter([
                ("provider".to_owned(), json!(text("provider")?)),
                ("subject".to_owned(), json!(text("subject")?)),
                ("use_auto_link".to_owned(), json!(link.get("use_auto_link") == Some(&json!(true)))),
                ("organization".to_owned(), json!(text("organization"))),
            ]);
            for member in PROVIDER_TOKENS {
                let Some(sealed) = text(member) else { continue };
                let token = ciphers.and_then(|ciphers| ciphers.open(sealed));
                self.lost_tokens += usize::from(token.is_none());
                ours.insert(member.to_owned(), json!(token.unwrap_or_default()));
            }
            Some(Value::Object(ours))
        });
        let links: Vec<Value> = links.collect();
        if links.is_empty() {
            self.lost = Some("there is no link to a provider");
        }
        self.config = json!({"providers": links});
    }
}

/// Where codes go: as it is said, or as older installations had it, wherever somebody signs in as.
fn code_addresses(given: &Value, named: &[&str]) -> Vec<CodeAddress> {
    let listed = given.get("addresses").cloned().and_then(|listed| serde_json::from_value(listed).ok());
    let mut addresses: Vec<CodeAddress> = listed.unwrap_or_else(|| {
        let via = |name: &str| if name.contains('@') { Via::Email } else { Via::Sms };
        named.iter().map(|name| CodeAddress::new(via(name), *name)).collect()
    });
    for address in &mut addresses {
        address.value = normalize(&address.value);
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn base64(bytes: &[u8]) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
}
