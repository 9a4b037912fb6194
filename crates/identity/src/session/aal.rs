//! Which level the used methods reach, and which level an identity could reach.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Aal, AuthenticationMethod, UsedMethod};
use crate::config::CodeSignIn;
use crate::credentials::{Credential, CredentialKind};

/// The level that the methods of a session reach together: one first factor makes `aal1`, a first and a second factor
/// `aal2`. A second factor alone reaches nothing.
#[must_use]
pub fn reached(methods: &[UsedMethod]) -> Aal {
    let first = methods.iter().any(is_first_factor);
    let second = methods.iter().any(|used| used.aal == Aal::Aal2);
    match (first, second) {
        (true, true) => Aal::Aal2,
        (true, false) => Aal::Aal1,
        (false, true | false) => Aal::Aal0,
    }
}

/// Whether the use of a method can begin a session.
fn is_first_factor(used: &UsedMethod) -> bool {
    match used.method {
        AuthenticationMethod::Password
        | AuthenticationMethod::Passkey
        | AuthenticationMethod::LinkRecovery
        | AuthenticationMethod::CodeRecovery
        // A provider that vouches for two factors vouches for the first one too.
        | AuthenticationMethod::Oidc
        | AuthenticationMethod::Saml => true,
        AuthenticationMethod::Webauthn | AuthenticationMethod::Code => used.aal == Aal::Aal1,
        AuthenticationMethod::Totp | AuthenticationMethod::LookupSecret => false,
    }
}

/// The highest level that an identity with these credentials can reach, by what codes are good for: kept in
/// `Identity::available_aal` and `Identity::available_aal_mfa`.
#[must_use]
pub fn available(credentials: &BTreeMap<CredentialKind, Credential>, codes: CodeSignIn) -> Aal {
    let usable = |kind, test: fn(&Credential) -> bool| credentials.get(&kind).is_some_and(test);
    let security_keys = |passwordless: bool| {
        credentials.get(&CredentialKind::Webauthn).is_some_and(|credential| has_key(&credential.config, passwordless))
    };
    let has_password = |credential: &Credential| {
        !credential.identifiers.is_empty() && credential.config.get("hashed_password").is_some()
    };
    let takes_codes = usable(CredentialKind::Code, |credential| !is_empty(&credential.config, "addresses"));
    let first = usable(CredentialKind::Password, has_password)
        || usable(CredentialKind::Oidc, |credential| !credential.identifiers.is_empty())
        || usable(CredentialKind::Saml, |credential| !credential.identifiers.is_empty())
        || usable(CredentialKind::Passkey, |credential| !is_empty(&credential.config, "credentials"))
        || (takes_codes && codes == CodeSignIn::FirstFactor)
        || security_keys(true);
    let second = usable(CredentialKind::Totp, |credential| credential.config.get("totp_url").is_some())
        || usable(CredentialKind::LookupSecret, |credential| !is_empty(&credential.config, "recovery_codes"))
        || (takes_codes && codes == CodeSignIn::SecondFactor)
        || security_keys(false);
    match (first, second) {
        (true, true) => Aal::Aal2,
        (true, false) => Aal::Aal1,
        (false, true | false) => Aal::Aal0,
    }
}

fn is_empty(config: &Value, list: &str) -> bool {
    config.get(list).and_then(Value::as_array).is_none_or(Vec::is_empty)
}

fn has_key(config: &Value, passwordless: bool) -> bool {
    let keys = config.get("credentials").and_then(Value::as_array);
    keys.is_some_and(|keys| {
        keys.iter().any(|key| key.get("is_passwordless").and_then(Value::as_bool).unwrap_or(false) == passwordless)
    })
}

#[cfg(test)]
mod tests {
    use orrery_core::Timestamp;
    use orrery_core::entropy::SeededEntropy;
    use orrery_core::id::CredentialId;
    use serde_json::json;

    use super::*;
    use crate::config::RequiredAal;

    fn level(methods: &[(AuthenticationMethod, Aal)]) -> Aal {
        let methods: Vec<_> = methods
            .iter()
            .map(|(method, aal)| UsedMethod {
                method: *method,
                aal: *aal,
                completed_at: Timestamp::EPOCH,
                provider: None,
                organization: None,
            })
            .collect();
        reached(&methods)
    }

    fn highest(credentials: &[(CredentialKind, Value)]) -> Aal {
        highest_where(CodeSignIn::FirstFactor, credentials)
    }

    fn highest_where(codes: CodeSignIn, credentials: &[(CredentialKind, Value)]) -> Aal {
        let credentials = credentials.iter().map(|(kind, config)| {
            let credential = Credential {
                id: CredentialId::generate(&SeededEntropy::new(1)),
                kind: *kind,
                identifiers: vec!["ada@example.org".to_owned()],
                config: config.clone(),
                version: 0,
                created_at: Timestamp::EPOCH,
                updated_at: Timestamp::EPOCH,
            };
            (*kind, credential)
        });
        available(&credentials.collect(), codes)
    }

    #[test]
    fn a_second_factor_counts_only_after_a_first_one() {
        use AuthenticationMethod as M;
        assert_eq!(level(&[]), Aal::Aal0);
        assert_eq!(level(&[(M::Totp, Aal::Aal2)]), Aal::Aal0);
        assert_eq!(level(&[(M::Code, Aal::Aal2)]), Aal::Aal0);
        assert_eq!(level(&[(M::Password, Aal::Aal1)]), Aal::Aal1);
        assert_eq!(level(&[(M::Password, Aal::Aal1), (M::Passkey, Aal::Aal1)]), Aal::Aal1, "two first factors");
        assert_eq!(level(&[(M::Password, Aal::Aal1), (M::Totp, Aal::Aal2)]), Aal::Aal2);
        assert_eq!(level(&[(M::Code, Aal::Aal1), (M::Webauthn, Aal::Aal2)]), Aal::Aal2);
        assert_eq!(level(&[(M::Oidc, Aal::Aal2)]), Aal::Aal2, "the provider checked both");
        assert_eq!(level(&[(M::CodeRecovery, Aal::Aal1)]), Aal::Aal1);
    }

    #[test]
    fn the_highest_level_follows_from_the_usable_credentials() {
        use CredentialKind as K;
        let password = || (K::Password, json!({"hashed_password": "…"}));
        assert_eq!(highest(&[]), Aal::Aal0);
        assert_eq!(highest(&[password()]), Aal::Aal1);
        assert_eq!(highest(&[password(), (K::Totp, json!({"totp_url": "…"}))]), Aal::Aal2);
        assert_eq!(highest(&[password(), (K::Totp, json!({}))]), Aal::Aal1, "never confirmed");
        assert_eq!(highest(&[password(), (K::LookupSecret, json!({"recovery_codes": []}))]), Aal::Aal1);
        assert_eq!(highest(&[password(), (K::LookupSecret, json!({"recovery_codes": [{}]}))]), Aal::Aal2);
        let key = |passwordless: bool| (K::Webauthn, json!({"credentials": [{"is_passwordless": passwordless}]}));
        assert_eq!(highest(&[key(true)]), Aal::Aal1);
        assert_eq!(highest(&[password(), key(false)]), Aal::Aal2);
        assert_eq!(highest(&[(K::Totp, json!({"totp_url": "…"}))]), Aal::Aal0);
        let code = || (K::Code, json!({"addresses": [{}]}));
        for (codes, alone, with_password) in [
            (CodeSignIn::Off, Aal::Aal0, Aal::Aal1),
            (CodeSignIn::FirstFactor, Aal::Aal1, Aal::Aal1),
            (CodeSignIn::SecondFactor, Aal::Aal0, Aal::Aal2),
        ] {
            assert_eq!(highest_where(codes, &[code()]), alone, "{codes:?}");
            assert_eq!(highest_where(codes, &[code(), password()]), with_password, "{codes:?}");
        }
    }

    #[test]
    fn a_policy_asks_for_no_more_than_an_identity_can_do() {
        use RequiredAal::{Aal1, HighestAvailable};
        for (policy, reached, available, satisfied) in [
            (Aal1, Aal::Aal0, Aal::Aal1, false),
            (Aal1, Aal::Aal1, Aal::Aal2, true),
            (HighestAvailable, Aal::Aal1, Aal::Aal2, false),
            (HighestAvailable, Aal::Aal2, Aal::Aal2, true),
            (HighestAvailable, Aal::Aal1, Aal::Aal1, true),
            (HighestAvailable, Aal::Aal2, Aal::Aal1, true),
            // All credentials are gone since: the session still has its one factor.
            (HighestAvailable, Aal::Aal1, Aal::Aal0, true),
            (HighestAvailable, Aal::Aal0, Aal::Aal0, false),
        ] {
            assert_eq!(policy.satisfied(reached, available), satisfied, "{policy:?} {reached:?} {available:?}");
        }
    }
}
