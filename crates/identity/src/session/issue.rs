//! New sessions, and new logins in existing ones. Both are plain values: the step that completes the flow writes them.

use orrery_core::id::{DeviceId, IdentityId, SessionId};
use orrery_core::secret::Purpose;
use orrery_core::{Entropy, EntropyExt, Keyring, RequestContext};
use secrecy::{ExposeSecret, SecretString};

use super::{Device, Session, UsedMethod, aal};
use crate::config::SessionConfig;
use crate::store::SessionWrite;

/// What every session token begins with.
pub const TOKEN_PREFIX: &str = "ory_st_";
/// Random characters after the prefix.
const TOKEN_LENGTH: usize = 32;
/// Most logins that a session remembers; a session that is refreshed every hour for years would grow without end.
const REMEMBERED: usize = 32;

/// A new session and its token, which is shown once and stored as a hash.
#[derive(Debug)]
pub struct Issued {
    /// The session.
    pub session: Session,
    /// `ory_st_` and 32 letters or digits.
    pub token: SecretString,
}

impl Issued {
    /// What the store writes.
    #[must_use]
    pub fn write(&self, keyring: &Keyring) -> SessionWrite {
        SessionWrite::Create {
            session: self.session.clone(),
            token: keyring.hash(Purpose::SessionToken, self.token.expose_secret()),
        }
    }
}

/// A new session for somebody who just proved who they are. It always has a new id and a new token, whatever the
/// request carried, so that nobody can plant a session beforehand.
#[must_use]
pub fn issue(
    identity: IdentityId,
    method: UsedMethod,
    config: &SessionConfig,
    context: &RequestContext,
    entropy: &dyn Entropy,
) -> Issued {
    let methods = vec![method];
    let session = Session {
        id: SessionId::generate(entropy),
        identity_id: identity,
        active: true,
        aal: aal::reached(&methods),
        methods,
        devices: vec![device(context, entropy)],
        authenticated_at: context.now,
        issued_at: context.now,
        expires_at: context.now + config.lifespan,
    };
    Issued { session, token: token(entropy) }
}

/// A token that nobody has had before.
pub(super) fn token(entropy: &dyn Entropy) -> SecretString {
    SecretString::from(format!("{TOKEN_PREFIX}{}", entropy.alphanumeric(TOKEN_LENGTH)))
}

/// The session after one more login in it (refresh or step-up): id and token stay, everything that says when and how
/// is new. Methods and devices accumulate.
#[must_use]
pub fn renew(
    session: &Session,
    method: UsedMethod,
    config: &SessionConfig,
    context: &RequestContext,
    entropy: &dyn Entropy,
) -> Session {
    let methods = remembered(&session.methods, method);
    Session {
        aal: aal::reached(&methods),
        methods,
        devices: remembered(&session.devices, device(context, entropy)),
        authenticated_at: context.now,
        issued_at: context.now,
        expires_at: context.now + config.lifespan,
        ..session.clone()
    }
}

/// Where the request came from.
fn device(context: &RequestContext, entropy: &dyn Entropy) -> Device {
    Device {
        id: DeviceId::generate(entropy),
        ip_address: context.client_ip.map(|address| address.to_string()),
        user_agent: context.user_agent.clone(),
        location: context.location.clone(),
    }
}

/// The latest entries and one more.
fn remembered<T: Clone>(before: &[T], added: T) -> Vec<T> {
    let kept = before.len().saturating_sub(REMEMBERED - 1);
    before[kept..].iter().cloned().chain([added]).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use orrery_core::Clock;
    use orrery_core::entropy::SeededEntropy;
    use orrery_core::time::ManualClock;

    use super::*;
    use crate::session::{Aal, AuthenticationMethod};
    use crate::test_values;

    fn used(method: AuthenticationMethod, aal: Aal, context: &RequestContext) -> UsedMethod {
        UsedMethod { method, aal, completed_at: context.now, provider: None, organization: None }
    }

    #[test]
    fn a_new_session_lasts_its_lifespan_and_has_a_token_of_its_own() {
        let (config, context, entropy) = (test_values::session_config(), test_values::context(), SeededEntropy::new(1));
        let identity = IdentityId::generate(&entropy);
        let make =
            || issue(identity, used(AuthenticationMethod::Password, Aal::Aal1, &context), &config, &context, &entropy);
        let (first, second) = (make(), make());
        let token = first.token.expose_secret();
        assert_eq!(token.len(), TOKEN_PREFIX.len() + TOKEN_LENGTH);
        assert!(token.starts_with(TOKEN_PREFIX));
        assert_ne!(token, second.token.expose_secret());
        assert_ne!(first.session.id, second.session.id);
        assert_eq!(first.session.aal, Aal::Aal1);
        assert_eq!(first.session.expires_at, context.now + config.lifespan);
        assert_eq!(first.session.devices[0].user_agent, context.user_agent);
        assert!(!format!("{first:?}").contains(token), "a token does not print itself");
    }

    #[test]
    fn a_login_in_a_session_keeps_its_id_and_moves_its_times() {
        let (config, mut context, entropy) =
            (test_values::session_config(), test_values::context(), SeededEntropy::new(1));
        let clock = ManualClock::at(context.now);
        let method = used(AuthenticationMethod::Password, Aal::Aal1, &context);
        let before = issue(IdentityId::generate(&entropy), method, &config, &context, &entropy).session;
        clock.advance(Duration::from_secs(600));
        context.now = clock.now();
        let after = renew(&before, used(AuthenticationMethod::Totp, Aal::Aal2, &context), &config, &context, &entropy);
        assert_eq!((after.id, after.identity_id), (before.id, before.identity_id));
        assert_eq!((after.authenticated_at, after.issued_at), (context.now, context.now));
        assert_eq!(after.expires_at, context.now + config.lifespan);
        assert_eq!((after.aal, after.methods.len(), after.devices.len()), (Aal::Aal2, 2, 2));
    }

    #[test]
    fn a_session_that_is_refreshed_for_ever_does_not_grow_for_ever() {
        let (config, context, entropy) = (test_values::session_config(), test_values::context(), SeededEntropy::new(1));
        let method = || used(AuthenticationMethod::Password, Aal::Aal1, &context);
        let mut session = issue(IdentityId::generate(&entropy), method(), &config, &context, &entropy).session;
        for _ in 0..100 {
            session = renew(&session, method(), &config, &context, &entropy);
        }
        assert_eq!((session.methods.len(), session.devices.len()), (REMEMBERED, REMEMBERED));
    }
}
