//! Identifiers and addresses out of traits: the traits are the source of truth, everything else follows.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::errors::{TraitError, quoted};
use super::normalize::{is_email, normalize, phone};
use super::walk::{Rule, Step};
use crate::credentials::CredentialKind;
use crate::flow::catalogue;
use crate::identity::Via;

/// Longest identifier or address, in bytes: PostgreSQL indexes none of more than a third of a page.
const MAX_LENGTH: usize = 1024;
/// Most values that rules may apply to: each is a row or two, and a schema need not bound its lists.
const MAX_VALUES: usize = 100;

/// What traits say about an identity. Every value is normalised, and there only once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Derived {
    /// Sign-in names by kind of credential (password, security key, code).
    pub identifiers: BTreeMap<CredentialKind, Vec<String>>,
    /// Where sign-in codes go.
    pub code_addresses: Vec<(Via, String)>,
    /// Addresses to be proven.
    pub verifiable: Vec<(Via, String)>,
    /// Addresses for recovery.
    pub recovery: Vec<(Via, String)>,
    /// The name that a passkey is stored under.
    pub passkey_display_name: Option<String>,
    /// The name that an authenticator app shows.
    pub totp_account_name: Option<String>,
}

/// Applies the rules to traits that the schema accepts. Phone numbers are rewritten in the traits themselves.
pub(super) fn derive(rules: &[Rule], traits: &mut Map<String, Value>) -> Result<Derived, Vec<TraitError>> {
    let mut derived = Derived::default();
    let mut errors = Vec::new();
    let mut root = Value::Object(std::mem::take(traits));
    let mut values = 0;
    for rule in rules {
        each(&mut root, &rule.path, &mut "/traits".to_owned(), &mut |pointer, value| {
            values += 1;
            if values > MAX_VALUES {
                return;
            }
            if let Err(error) = apply(rule, pointer, value, &mut derived) {
                errors.push(error);
            }
        });
    }
    if let Value::Object(object) = root {
        *traits = object;
    }
    if values > MAX_VALUES {
        let message =
            catalogue::TOO_MANY_ITEMS.with([("max_items", json!(MAX_VALUES)), ("actual_items", json!(values))]);
        errors.push(TraitError::new("/traits", "maxItems", message));
    }
    if errors.is_empty() { Ok(derived) } else { Err(errors) }
}

/// Calls `visit` with every text that a path leads to, and its pointer. A rule on a list is about its items.
fn each(value: &mut Value, path: &[Step], pointer: &mut String, visit: &mut impl FnMut(&str, &mut String)) {
    let length = pointer.len();
    match (path.split_first(), value) {
        (None, Value::String(text)) => visit(pointer, text),
        (Some((Step::Member(member), rest)), Value::Object(object)) => {
            if let Some(value) = object.get_mut(member) {
                pointer.push('/');
                pointer.push_str(&member.replace('~', "~0").replace('/', "~1"));
                each(value, rest, pointer, visit);
            }
        }
        (Some((Step::Items, _)) | None, Value::Array(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                pointer.truncate(length);
                pointer.push_str(&format!("/{index}"));
                let rest = path.split_first().map_or(path, |(_, rest)| rest);
                each(item, rest, pointer, visit);
            }
        }
        (Some(_) | None, _) => {}
    }
    pointer.truncate(length);
}

fn apply(rule: &Rule, pointer: &str, value: &mut String, derived: &mut Derived) -> Result<(), TraitError> {
    let extension = &rule.extension;
    let format = rule.format.as_deref();
    if value.trim().is_empty() {
        return Ok(());
    }
    let code_via =
        extension.credentials.code.identifier.then(|| {
            extension.credentials.code.via.unwrap_or(if format == Some("tel") { Via::Sms } else { Via::Email })
        });
    let channels =
        [extension.verification.as_ref().map(|c| c.via), extension.recovery.as_ref().map(|c| c.via), code_via];
    let is_phone = format == Some("tel") || channels.contains(&Some(Via::Sms));
    if is_phone && let Some(number) = phone(value) {
        *value = number;
    }
    let normal = normalize(value);
    if normal.len() > MAX_LENGTH {
        let limits = [("max_length", json!(MAX_LENGTH)), ("actual_length", json!(normal.len()))];
        return Err(TraitError::new(pointer, "maxLength", catalogue::TOO_LONG.with(limits)));
    }
    let lenient = format == Some("no-validate");
    for via in channels.into_iter().flatten() {
        match via {
            Via::Email if !lenient && !is_email(&normal) => {
                let message = catalogue::INVALID_EMAIL.with([("value", quoted(&json!(value)))]);
                return Err(TraitError::new(pointer, "format", message));
            }
            Via::Sms if !lenient && phone(&normal).is_none() => {
                let message = catalogue::INVALID_PHONE.with([("value", quoted(&json!(value)))]);
                return Err(TraitError::new(pointer, "format", message));
            }
            Via::Email | Via::Sms => {}
        }
    }
    let credentials = &extension.credentials;
    for (kind, is_identifier) in [
        (CredentialKind::Password, credentials.password.identifier),
        (CredentialKind::Webauthn, credentials.webauthn.identifier),
        (CredentialKind::Code, credentials.code.identifier),
    ] {
        if is_identifier {
            add(derived.identifiers.entry(kind).or_default(), normal.clone());
        }
    }
    if let Some(via) = code_via {
        add(&mut derived.code_addresses, (via, normal.clone()));
    }
    if let Some(channel) = &extension.verification {
        add(&mut derived.verifiable, (channel.via, normal.clone()));
    }
    if let Some(channel) = &extension.recovery {
        add(&mut derived.recovery, (channel.via, normal));
    }
    if credentials.passkey.display_name {
        derived.passkey_display_name.get_or_insert_with(|| value.clone());
    }
    if credentials.totp.account_name {
        derived.totp_account_name.get_or_insert_with(|| value.clone());
    }
    Ok(())
}

fn add<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        list.push(value);
    }
}
