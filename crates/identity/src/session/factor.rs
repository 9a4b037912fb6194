//! What an identity can prove itself with, as far as levels are concerned.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Aal;
use crate::config::CodeSignIn;
use crate::credentials::{Credential, CredentialKind};

/// One of the ways in which an identity can prove itself. Kept with it, so that its level can be told without reading its
/// credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// Something that begins a session by itself: a password, a provider, a passkey, a passwordless key.
    First,
    /// One-time codes: a first or a second factor, as the operator has it.
    Code,
    /// An authenticator app.
    Totp,
    /// Backup codes.
    LookupSecret,
    /// A security key that is used beside something else.
    Webauthn,
}

impl Factor {
    /// Whether a login can ask for it. What no login can ask for yet is kept for its owner, and no policy demands it: that
    /// would lock out whoever has it.
    #[must_use]
    pub const fn can_be_asked_for(self) -> bool {
        match self {
            Self::First | Self::Code => true,
            Self::Totp | Self::LookupSecret | Self::Webauthn => false,
        }
    }
}

/// Everything that these credentials can be used for.
#[must_use]
pub fn usable(credentials: &BTreeMap<CredentialKind, Credential>) -> BTreeSet<Factor> {
    credentials.values().flat_map(of).collect()
}

fn of(credential: &Credential) -> Vec<Factor> {
    let config = &credential.config;
    let lists = |list: &str| config.get(list).and_then(Value::as_array).is_some_and(|items| !items.is_empty());
    let named = !credential.identifiers.is_empty();
    let when = |factor, usable: bool| if usable { vec![factor] } else { Vec::new() };
    match credential.kind {
        CredentialKind::Password => when(Factor::First, named && config.get("hashed_password").is_some()),
        CredentialKind::Oidc | CredentialKind::Saml => when(Factor::First, named),
        CredentialKind::Passkey => when(Factor::First, lists("credentials")),
        CredentialKind::Code => when(Factor::Code, lists("addresses")),
        CredentialKind::Totp => when(Factor::Totp, config.get("totp_url").is_some()),
        CredentialKind::LookupSecret => when(Factor::LookupSecret, lists("recovery_codes")),
        CredentialKind::Webauthn => {
            let keys = config.get("credentials").and_then(Value::as_array).into_iter().flatten();
            let passwordless = |key: &Value| key.get("is_passwordless").and_then(Value::as_bool).unwrap_or(false);
            keys.map(|key| if passwordless(key) { Factor::First } else { Factor::Webauthn }).collect()
        }
        CredentialKind::LinkRecovery | CredentialKind::CodeRecovery => Vec::new(),
    }
}

/// The highest level that can be reached with these factors, where codes are good for `codes`.
#[must_use]
pub fn highest(factors: &BTreeSet<Factor>, codes: CodeSignIn) -> Aal {
    let first = factors.iter().any(|factor| match factor {
        Factor::First => true,
        Factor::Code => codes == CodeSignIn::FirstFactor,
        Factor::Totp | Factor::LookupSecret | Factor::Webauthn => false,
    });
    let second = factors.iter().any(|factor| match factor {
        Factor::First => false,
        Factor::Code => codes == CodeSignIn::SecondFactor,
        Factor::Totp | Factor::LookupSecret | Factor::Webauthn => factor.can_be_asked_for(),
    });
    match (first, second) {
        (true, true) => Aal::Aal2,
        (true, false) => Aal::Aal1,
        (false, true | false) => Aal::Aal0,
    }
}

#[cfg(test)]
mod tests {
    use orrery_core::Timestamp;
    use orrery_core::entropy::SeededEntropy;
    use orrery_core::id::CredentialId;
    use serde_json::json;

    use super::*;

    fn factors(credentials: &[(CredentialKind, Value)]) -> Vec<Factor> {
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
        usable(&credentials.collect()).into_iter().collect()
    }

    #[test]
    fn factors_follow_from_the_usable_credentials() {
        use CredentialKind as K;
        assert_eq!(factors(&[]), []);
        assert_eq!(factors(&[(K::Password, json!({"hashed_password": "…"}))]), [Factor::First]);
        assert_eq!(factors(&[(K::Password, json!({}))]), [], "a name that is only reserved");
        assert_eq!(factors(&[(K::Oidc, json!({}))]), [Factor::First]);
        assert_eq!(factors(&[(K::Totp, json!({"totp_url": "…"}))]), [Factor::Totp]);
        assert_eq!(factors(&[(K::Totp, json!({}))]), [], "never confirmed");
        assert_eq!(factors(&[(K::LookupSecret, json!({"recovery_codes": []}))]), []);
        assert_eq!(factors(&[(K::LookupSecret, json!({"recovery_codes": [{}]}))]), [Factor::LookupSecret]);
        assert_eq!(factors(&[(K::Code, json!({"addresses": [{}]}))]), [Factor::Code]);
        let keys = json!({"credentials": [{"is_passwordless": true}, {"is_passwordless": false}]});
        assert_eq!(factors(&[(K::Webauthn, keys.clone())]), [Factor::First, Factor::Webauthn]);
        assert_eq!(factors(&[(K::Passkey, keys)]), [Factor::First]);
    }

    #[test]
    fn codes_are_what_the_operator_wants_them_to_be() {
        for (codes, alone, beside_a_password) in [
            (CodeSignIn::Off, Aal::Aal0, Aal::Aal1),
            (CodeSignIn::FirstFactor, Aal::Aal1, Aal::Aal1),
            (CodeSignIn::SecondFactor, Aal::Aal0, Aal::Aal2),
        ] {
            assert_eq!(highest(&[Factor::Code].into(), codes), alone, "{codes:?}");
            assert_eq!(highest(&[Factor::First, Factor::Code].into(), codes), beside_a_password, "{codes:?}");
        }
    }

    #[test]
    fn no_policy_demands_what_no_login_can_ask_for() {
        for factor in [Factor::Totp, Factor::LookupSecret, Factor::Webauthn] {
            assert_eq!(highest(&[Factor::First, factor].into(), CodeSignIn::Off), Aal::Aal1, "{factor:?}");
        }
    }
}
