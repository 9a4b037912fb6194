//! Traits become part of an identity, and with them everything that follows from them.

use orrery_core::id::{AddressId, CredentialId, IdentityId};
use orrery_core::{Entropy, Timestamp};
use serde_json::{Map, Value, json};

use super::{AddressStatus, Identity, IdentityState, RecoveryAddress, VerifiableAddress, Via};
use crate::credentials::code::{self, CodeAddress};
use crate::credentials::{Credential, CredentialKind};
use crate::schema::{Derived, IdentitySchema, TraitError};
use crate::session::factor;

impl Identity {
    /// An active identity without traits; [`Identity::set_traits`] comes next.
    #[must_use]
    pub fn new(schema_id: &str, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            id: IdentityId::generate(entropy),
            external_id: None,
            schema_id: schema_id.to_owned(),
            state: IdentityState::Active,
            state_changed_at: now,
            traits: Map::new(),
            metadata_public: None,
            metadata_admin: None,
            organization_id: None,
            factors: [].into(),
            credentials: [].into(),
            verifiable_addresses: Vec::new(),
            recovery_addresses: Vec::new(),
            version: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// Replaces the traits when the schema accepts them, and recomputes identifiers and addresses.
    ///
    /// An address whose value and channel stay the same keeps its id and what was proven about it. Identifiers reserve
    /// a sign-in name even before there is a password. Every credential must have been loaded, or one that was not
    /// would be taken for missing.
    ///
    /// # Errors
    /// Everything that is wrong with the traits; the identity is then unchanged.
    pub fn set_traits(
        &mut self,
        schema: &IdentitySchema,
        mut traits: Map<String, Value>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<(), Vec<TraitError>> {
        let derived = schema.check(&mut traits)?;
        schema.id().clone_into(&mut self.schema_id);
        self.traits = traits;
        self.set_identifiers(&derived, now, entropy);
        self.verifiable_addresses =
            derived.verifiable.into_iter().map(|(via, value)| self.verifiable(via, value, now, entropy)).collect();
        self.recovery_addresses =
            derived.recovery.into_iter().map(|(via, value)| self.recovery(via, value, now, entropy)).collect();
        self.recompute_factors();
        self.updated_at = now;
        Ok(())
    }

    /// Replaces the data of a credential, keeping its identifiers, and recomputes the factors.
    pub fn set_credential(&mut self, kind: CredentialKind, config: Value, now: Timestamp, entropy: &dyn Entropy) {
        let credential = self.credentials.entry(kind).or_insert_with(|| empty(kind, now, entropy));
        if credential.config != config {
            credential.config = config;
            credential.updated_at = now;
        }
        self.recompute_factors();
    }

    /// Recomputes what the credentials are good for.
    pub(crate) fn recompute_factors(&mut self) {
        self.factors = factor::usable(&self.credentials);
    }

    fn set_identifiers(&mut self, derived: &Derived, now: Timestamp, entropy: &dyn Entropy) {
        for kind in [CredentialKind::Password, CredentialKind::Code, CredentialKind::Webauthn] {
            let identifiers = derived.identifiers.get(&kind).cloned().unwrap_or_default();
            // A security key is only ever added by its owner; the others exist as soon as there is a name for them.
            let wanted = !identifiers.is_empty() && kind != CredentialKind::Webauthn;
            if !wanted && !self.credentials.contains_key(&kind) {
                continue;
            }
            let credential = self.credentials.entry(kind).or_insert_with(|| empty(kind, now, entropy));
            if credential.identifiers != identifiers {
                credential.identifiers = identifiers;
                credential.updated_at = now;
            }
            if kind == CredentialKind::Code {
                let addresses = derived.code_addresses.iter();
                let addresses: Vec<_> = addresses.map(|(via, value)| CodeAddress::new(*via, value)).collect();
                credential.config = code::config(&addresses);
            }
            let has_secret = credential.config.as_object().is_some_and(|config| !config.is_empty());
            if credential.identifiers.is_empty() && (kind == CredentialKind::Code || !has_secret) {
                self.credentials.remove(&kind);
            }
        }
    }

    fn verifiable(&self, via: Via, value: String, now: Timestamp, entropy: &dyn Entropy) -> VerifiableAddress {
        let known = self.verifiable_addresses.iter().find(|known| known.via == via && known.value == value);
        known.cloned().unwrap_or_else(|| VerifiableAddress {
            id: AddressId::generate(entropy),
            value,
            via,
            verified: false,
            status: AddressStatus::Pending,
            verified_at: None,
            created_at: now,
            updated_at: now,
        })
    }

    fn recovery(&self, via: Via, value: String, now: Timestamp, entropy: &dyn Entropy) -> RecoveryAddress {
        let known = self.recovery_addresses.iter().find(|known| known.via == via && known.value == value);
        known.cloned().unwrap_or_else(|| RecoveryAddress {
            id: AddressId::generate(entropy),
            value,
            via,
            created_at: now,
            updated_at: now,
        })
    }
}

fn empty(kind: CredentialKind, now: Timestamp, entropy: &dyn Entropy) -> Credential {
    Credential {
        id: CredentialId::generate(entropy),
        kind,
        identifiers: Vec::new(),
        config: json!({}),
        version: 0,
        created_at: now,
        updated_at: now,
    }
}

#[cfg(test)]
mod tests {
    use orrery_core::entropy::SeededEntropy;

    use super::*;

    const SCHEMA: &str = r#"{"properties": {"traits": {"properties": {
        "email": {"type": "string", "format": "email", "ory.sh/kratos": {
            "credentials": {"password": {"identifier": true}, "code": {"identifier": true}},
            "verification": {"via": "email"}, "recovery": {"via": "email"}}},
        "backup": {"type": "string", "format": "email", "ory.sh/kratos": {"verification": {"via": "email"}}}
    }}}}"#;

    fn traits(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn what_was_proven_stays_proven_while_the_address_stays() {
        let (schema, entropy) = (IdentitySchema::parse("x", SCHEMA).expect("valid"), SeededEntropy::new(1));
        let mut set = {
            let mut identity = Identity::new("x", Timestamp::EPOCH, &entropy);
            move |now: i64, value: Value| {
                let result = identity.set_traits(&schema, traits(value), Timestamp::from_seconds(now), &entropy);
                if now == 1 {
                    identity.verifiable_addresses[0].verified = true;
                }
                (result, identity.clone())
            }
        };
        let (_, first) = set(1, json!({"email": "a@example.org"}));
        let (_, same) = set(2, json!({"backup": "A@example.org", "email": "b@example.org"}));
        assert_eq!(same.verifiable_addresses.len(), 2);
        let moved = same.verifiable_addresses.iter().find(|address| address.value == "a@example.org").expect("kept");
        assert!(moved.verified && moved.id == first.verifiable_addresses[0].id);
        let (_, gone) = set(3, json!({"email": "c@example.org"}));
        let (_, back) = set(4, json!({"email": "a@example.org"}));
        assert!(!gone.verifiable_addresses[0].verified && !back.verifiable_addresses[0].verified);
    }

    #[test]
    fn a_sign_in_name_is_reserved_before_there_is_a_password_and_freed_with_its_trait() {
        let (schema, entropy) = (IdentitySchema::parse("x", SCHEMA).expect("valid"), SeededEntropy::new(1));
        let mut identity = Identity::new("x", Timestamp::EPOCH, &entropy);
        let set =
            |identity: &mut Identity, value| identity.set_traits(&schema, traits(value), Timestamp::EPOCH, &entropy);
        assert!(set(&mut identity, json!({"email": "A@Example.org"})).is_ok());
        assert_eq!(identity.credentials[&CredentialKind::Password].identifiers, ["a@example.org"]);
        assert_eq!(
            identity.credentials[&CredentialKind::Code].config,
            json!({"addresses": [{"channel": "email", "address": "a@example.org"}]})
        );
        assert!(set(&mut identity, json!({})).is_ok());
        assert!(identity.credentials.is_empty());
        assert!(set(&mut identity, json!({"email": "a@example.org"})).is_ok());
        identity.set_credential(CredentialKind::Password, json!({"hashed_password": "x"}), Timestamp::EPOCH, &entropy);
        assert!(set(&mut identity, json!({})).is_ok());
        let password = &identity.credentials[&CredentialKind::Password];
        assert_eq!((password.identifiers.len(), &password.config), (0, &json!({"hashed_password": "x"})));
    }

    #[test]
    fn refused_traits_change_nothing() {
        let (schema, entropy) = (IdentitySchema::parse("x", SCHEMA).expect("valid"), SeededEntropy::new(1));
        let mut identity = Identity::new("x", Timestamp::EPOCH, &entropy);
        let before = identity.clone();
        let bad = traits(json!({"email": "nonsense"}));
        assert!(identity.set_traits(&schema, bad, Timestamp::from_seconds(1), &entropy).is_err());
        assert_eq!(identity, before);
    }
}
