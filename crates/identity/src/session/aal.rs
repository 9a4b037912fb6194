//! Which level the used methods reach.

use super::{Aal, AuthenticationMethod, UsedMethod};

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

#[cfg(test)]
mod tests {
    use orrery_core::Timestamp;

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
