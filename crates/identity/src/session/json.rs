//! How a session looks on the wire.

use orrery_core::Timestamp;
use orrery_core::id::{IdentityId, SessionId};
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use super::{Aal, Device, Session, SessionWithIdentity, UsedMethod};
use crate::flow::Generation;
use crate::identity::Identity;
use crate::identity::json::{IdentityJson, schema_url};

/// A session of the contract.
#[derive(Debug, Serialize)]
pub struct SessionJson<'a> {
    id: SessionId,
    active: bool,
    expires_at: Timestamp,
    authenticated_at: Timestamp,
    authenticator_assurance_level: Aal,
    authentication_methods: Vec<&'a UsedMethod>,
    issued_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<Owner<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<&'a [Device]>,
}

/// What is said about whom a session belongs to.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Owner<'a> {
    Whole(Box<IdentityJson<'a>>),
    /// Not before the second factor. Old clients need the member, so it is there and says nothing.
    Withheld {
        id: IdentityId,
        schema_id: &'a str,
        schema_url: String,
        traits: Map<String, Value>,
    },
}

/// Which parts of a session an administrator asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expand {
    /// The identity, with `metadata_admin`.
    pub identity: bool,
    /// The devices.
    pub devices: bool,
}

impl<'a> SessionJson<'a> {
    /// The session as its owner sees it.
    #[must_use]
    pub fn public(session: &'a SessionWithIdentity, public_url: &Url, now: Timestamp) -> Self {
        let SessionWithIdentity { session, identity } = session;
        Self::of(session, identity, public_url, now)
    }

    /// A session that was just issued for an identity.
    #[must_use]
    pub fn of(session: &'a Session, identity: &'a Identity, public_url: &Url, now: Timestamp) -> Self {
        let owner = Owner::Whole(Box::new(IdentityJson::public(identity, public_url)));
        Self::new(session, identity, now, Some(owner), Some(&session.devices))
    }

    /// A session whose level is not yet enough: who it belongs to is named, and nothing else about them.
    #[must_use]
    pub fn withheld(session: &'a Session, identity: &'a Identity, public_url: &Url, now: Timestamp) -> Self {
        let owner = Owner::Withheld {
            id: identity.id,
            schema_id: &identity.schema_id,
            schema_url: schema_url(&identity.schema_id, public_url),
            traits: Map::new(),
        };
        Self::new(session, identity, now, Some(owner), Some(&session.devices))
    }

    /// The session as an administrator sees it.
    #[must_use]
    pub fn admin(session: &'a SessionWithIdentity, expand: Expand, public_url: &Url, now: Timestamp) -> Self {
        let SessionWithIdentity { session, identity } = session;
        let owner = expand.identity.then(|| Owner::Whole(Box::new(IdentityJson::admin(identity, public_url))));
        Self::new(session, identity, now, owner, expand.devices.then_some(&session.devices))
    }

    /// The session as clients of this generation can decode it: the first one rejects it as a whole for a method that it
    /// does not know.
    #[must_use]
    pub fn readable_by(mut self, generation: Generation) -> Self {
        if generation == Generation::First {
            self.authentication_methods.retain(|used| used.method.is_known_to_first_generation());
        }
        self
    }

    fn new(
        session: &'a Session,
        identity: &Identity,
        now: Timestamp,
        owner: Option<Owner<'a>>,
        devices: Option<&'a Vec<Device>>,
    ) -> Self {
        Self {
            id: session.id,
            active: session.active && now < session.expires_at && identity.is_active(),
            expires_at: session.expires_at,
            authenticated_at: session.authenticated_at,
            authenticator_assurance_level: session.aal,
            authentication_methods: session.methods.iter().collect(),
            issued_at: session.issued_at,
            identity: owner,
            devices: devices.map(Vec::as_slice),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;
    use crate::identity::IdentityState;
    use crate::session::AuthenticationMethod;
    use crate::test_values;

    fn secretive() -> SessionWithIdentity {
        let mut session = test_values::session();
        session.identity.metadata_admin = Some(json!({"note": "for administrators"}));
        session.identity.metadata_public = Some(json!({"plan": "free"}));
        session
    }

    #[test]
    fn the_owner_never_sees_what_is_for_administrators() {
        let (session, url) = (secretive(), test_values::public_url());
        let now = session.session.issued_at;
        let own = to_value(SessionJson::public(&session, &url, now)).expect("JSON");
        assert!(!own.to_string().contains("administrators"));
        assert_eq!(own["identity"]["traits"], json!({"email": "ada@example.org"}));
        assert_eq!(own["identity"]["schema_url"], "https://id.example.org/schemas/ZGVmYXVsdA");
        assert_eq!(own["identity"]["organization_id"], Value::Null);
        assert_eq!(own["authenticator_assurance_level"], "aal1");
        let all = Expand { identity: true, devices: true };
        let admin = to_value(SessionJson::admin(&session, all, &url, now)).expect("JSON");
        assert_eq!(admin["identity"]["metadata_admin"]["note"], "for administrators");
        let bare = to_value(SessionJson::admin(&session, Expand::default(), &url, now)).expect("JSON");
        assert!(bare.get("identity").is_none() && bare.get("devices").is_none());
    }

    #[test]
    fn an_insufficient_session_names_its_owner_and_no_more() {
        let (session, url) = (secretive(), test_values::public_url());
        let json = SessionJson::withheld(&session.session, &session.identity, &url, session.session.issued_at);
        let json = to_value(json).expect("JSON");
        assert_eq!(json["identity"]["id"], session.identity.id.to_string());
        assert_eq!(json["identity"]["traits"], json!({}));
        assert_eq!(json["identity"].as_object().map(Map::len), Some(4));
    }

    #[test]
    fn old_clients_see_no_method_that_they_do_not_know() {
        let (mut session, url) = (secretive(), test_values::public_url());
        let now = session.session.issued_at;
        session.session.methods.push(UsedMethod::now(AuthenticationMethod::Code, Aal::Aal2, now));
        let methods = |generation| {
            let json = to_value(SessionJson::public(&session, &url, now).readable_by(generation)).expect("JSON");
            json["authentication_methods"].as_array().map(Vec::len)
        };
        assert_eq!((methods(Generation::First), methods(Generation::Current)), (Some(1), Some(2)));
    }

    #[test]
    fn activity_is_computed_from_flag_time_and_state() {
        let url = test_values::public_url();
        let active = |change: fn(&mut SessionWithIdentity)| {
            let mut session = secretive();
            let now = session.session.issued_at;
            change(&mut session);
            to_value(SessionJson::public(&session, &url, now)).expect("JSON")["active"].clone()
        };
        assert_eq!(active(|_| ()), true);
        assert_eq!(active(|session| session.session.active = false), false);
        assert_eq!(active(|session| session.session.expires_at = session.session.issued_at), false);
        assert_eq!(active(|session| session.identity.state = IdentityState::Inactive), false);
    }
}
