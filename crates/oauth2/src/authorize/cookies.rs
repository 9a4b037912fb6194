//! The cookies of this surface: one that remembers a sign-in, and one for each authorization in progress.

use std::time::Duration;

use orrery_core::id::ChallengeId;
use orrery_core::secret::Purpose;
use orrery_core::{Entropy, EntropyExt as _, Keyring, TokenHash};

use crate::config::CookieConfig;

/// Characters of a cookie's value: 256 random bits.
const VALUE: usize = 43;
/// Authorizations that one browser may have in progress: the oldest gives way, before headers grow too long.
const MAX_FLOWS: usize = 10;
/// Values of one name that are tried; a neighbouring subdomain may have planted some.
const MAX_TRIED: usize = 4;

/// The cookies that a browser sent, names and values, in the order sent.
pub type Cookies = [(String, String)];

/// A change to the browser's cookies.
#[derive(Clone, PartialEq, Eq)]
pub enum CookieChange {
    /// Set it.
    Set {
        /// Name.
        name: String,
        /// Value; a secret.
        value: String,
        /// How long it lives.
        max_age: Duration,
    },
    /// Remove it.
    Remove {
        /// Name.
        name: String,
    },
}

impl std::fmt::Debug for CookieChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Set { name, .. } => write!(f, "Set({name})"),
            Self::Remove { name } => write!(f, "Remove({name})"),
        }
    }
}

/// Names, values and their hashes.
#[derive(Clone, Copy)]
pub(crate) struct Jar<'a> {
    pub(crate) config: &'a CookieConfig,
    pub(crate) keyring: &'a Keyring,
}

impl Jar<'_> {
    fn name(&self, name: &str) -> String {
        self.config.full_name(name, "/")
    }

    /// The name of the cookie that remembers a sign-in.
    pub(crate) fn session(&self) -> String {
        self.config.session_name()
    }

    /// What the sign-in of these cookies may be stored under.
    pub(crate) fn sessions(&self, cookies: &Cookies) -> Vec<TokenHash> {
        let name = self.session();
        let values = cookies.iter().filter(|(known, _)| *known == name).take(MAX_TRIED);
        values.flat_map(|(_, value)| self.keyring.candidates(Purpose::Cookie, value)).collect()
    }

    /// The cookie value that a sign-in is stored under.
    pub(crate) fn session_value<'c>(&self, cookies: &'c Cookies, token: TokenHash) -> Option<&'c str> {
        let name = self.session();
        let mut values = cookies.iter().filter(|(known, _)| *known == name).take(MAX_TRIED);
        let fits = |value: &str| self.keyring.candidates(Purpose::Cookie, value).any(|hash| hash == token);
        values.find(|(_, value)| fits(value)).map(|(_, value)| value.as_str())
    }

    /// A value for a fresh sign-in, and what it is stored under.
    pub(crate) fn new_session(&self, entropy: &dyn Entropy) -> (String, TokenHash) {
        let value = entropy.alphanumeric(VALUE);
        let hash = self.keyring.hash(Purpose::Cookie, &value);
        (value, hash)
    }

    /// The name of the cookie that ties an authorization to the browser that began it.
    pub(crate) fn flow(&self, id: ChallengeId) -> String {
        self.name(&format!("{FLOW}{:.8}", id.as_uuid().simple().to_string()))
    }

    /// A fresh cookie of an authorization, what it is remembered by, and the removal of the oldest ones beyond the limit.
    /// Browsers send older cookies first (RFC 6265 section 5.4).
    pub(crate) fn begin_flow(
        &self,
        id: ChallengeId,
        cookies: &Cookies,
        max_age: Duration,
        entropy: &dyn Entropy,
    ) -> (TokenHash, Vec<CookieChange>) {
        let value = entropy.alphanumeric(VALUE);
        let hash = self.keyring.hash(Purpose::Challenge, &value);
        let prefix = self.name(FLOW);
        let known: Vec<_> = cookies.iter().filter(|(name, _)| name.starts_with(&prefix)).collect();
        let too_many = (known.len() + 1).saturating_sub(MAX_FLOWS);
        let mut changes: Vec<_> =
            known.into_iter().take(too_many).map(|(name, _)| CookieChange::Remove { name: name.clone() }).collect();
        changes.push(CookieChange::Set { name: self.flow(id), value, max_age });
        (hash, changes)
    }

    /// Whether the cookies come from the browser that began the authorization.
    pub(crate) fn is_flow_of(&self, id: ChallengeId, browser: TokenHash, cookies: &Cookies) -> FlowCookie {
        let name = self.flow(id);
        let mut values = cookies.iter().filter(|(known, _)| *known == name).take(MAX_TRIED).peekable();
        if values.peek().is_none() {
            return FlowCookie::Missing;
        }
        let fits = |value: &str| self.keyring.candidates(Purpose::Challenge, value).any(|hash| hash == browser);
        if values.any(|(_, value)| fits(value)) { FlowCookie::Fits } else { FlowCookie::Another }
    }
}

const FLOW: &str = "orrery_oauth2_flow_";

/// Whether a browser is the one that began an authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlowCookie {
    /// It is.
    Fits,
    /// It sent no such cookie.
    Missing,
    /// It sent another one.
    Another,
}

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;

    use super::*;

    fn with<R>(secure: bool, test: impl FnOnce(Jar<'_>) -> R) -> R {
        let keyring = Keyring::new(&["a secret of some length".into()]).expect("long enough");
        let config = CookieConfig { secure, ..CookieConfig::default() };
        test(Jar { config: &config, keyring: &keyring })
    }

    fn sent(changes: &[CookieChange]) -> Vec<(String, String)> {
        let set = |change: &CookieChange| match change {
            CookieChange::Set { name, value, .. } => Some((name.clone(), value.clone())),
            CookieChange::Remove { .. } => None,
        };
        changes.iter().filter_map(set).collect()
    }

    #[test]
    fn an_authorization_knows_the_browser_that_began_it() {
        with(true, |jar| {
            let entropy = SystemEntropy::default();
            let (ours, other) = (ChallengeId::generate(&entropy), ChallengeId::generate(&entropy));
            let (hash, changes) = jar.begin_flow(ours, &[], Duration::from_secs(60), &entropy);
            let cookies = sent(&changes);
            assert!(cookies[0].0.starts_with("__Host-orrery_oauth2_flow_"), "{}", cookies[0].0);
            assert_eq!(jar.is_flow_of(ours, hash, &cookies), FlowCookie::Fits);
            assert_eq!(jar.is_flow_of(ours, hash, &[]), FlowCookie::Missing);
            assert_eq!(jar.is_flow_of(other, hash, &cookies), FlowCookie::Missing);
            let planted = [(cookies[0].0.clone(), "planted".to_owned()), cookies[0].clone()];
            assert_eq!(jar.is_flow_of(ours, hash, &planted[..1]), FlowCookie::Another);
            assert_eq!(jar.is_flow_of(ours, hash, &planted), FlowCookie::Fits);
        });
    }

    #[test]
    fn a_browser_has_only_so_many_authorizations_in_progress() {
        with(false, |jar| {
            let entropy = SystemEntropy::default();
            let mut cookies: Vec<(String, String)> = Vec::new();
            for _ in 0..30 {
                let id = ChallengeId::generate(&entropy);
                let (_, changes) = jar.begin_flow(id, &cookies, Duration::from_secs(60), &entropy);
                for change in changes {
                    match change {
                        CookieChange::Set { name, value, .. } => cookies.push((name, value)),
                        CookieChange::Remove { name } => cookies.retain(|(known, _)| *known != name),
                    }
                }
            }
            assert_eq!(cookies.len(), MAX_FLOWS);
        });
    }

    #[test]
    fn a_sign_in_is_found_by_its_cookie_and_by_no_other() {
        with(false, |jar| {
            let (value, token) = jar.new_session(&SystemEntropy::default());
            let cookies = [(jar.session(), "planted".to_owned()), (jar.session(), value.clone())];
            assert!(jar.sessions(&cookies).contains(&token));
            assert_eq!(jar.session_value(&cookies, token), Some(value.as_str()));
            assert_eq!(jar.session_value(&cookies[..1], token), None);
            assert_eq!(jar.sessions(&vec![(jar.session(), String::new()); 50]).len(), MAX_TRIED);
        });
    }
}
