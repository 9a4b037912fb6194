//! Values that unit tests share.

use std::time::Duration;

use orrery_core::entropy::SeededEntropy;
use orrery_core::id::{IdentityId, SessionId};
use orrery_core::{Keyring, ProjectId, RequestContext, Timestamp};
use secrecy::SecretString;
use serde_json::json;
use url::Url;

use crate::config::{CookieConfig, LimitsConfig, RequiredAal, SameSite, SessionConfig};
use crate::identity::{Identity, IdentityState};
use crate::session::{Aal, AuthenticationMethod, Factor, Session, SessionWithIdentity, UsedMethod};

/// A request to the default project at a fixed moment.
pub(crate) fn context() -> RequestContext {
    RequestContext {
        project: ProjectId::DEFAULT,
        now: Timestamp::from_seconds(1_795_000_000),
        request_id: "test".to_owned(),
        client_ip: Some([192, 0, 2, 1].into()),
        user_agent: Some("Test/1.0".to_owned()),
        location: None,
        accept_language: None,
        caused_by: None,
    }
}

/// The settings that most deployments use.
pub(crate) fn session_config() -> SessionConfig {
    SessionConfig {
        lifespan: Duration::from_secs(24 * 3600),
        earliest_extend: None,
        cookie_name: "ory_kratos_session".to_owned(),
        cookie: CookieConfig { domain: None, path: "/".to_owned(), same_site: SameSite::Lax, secure: true },
        persistent: true,
        required_aal: RequiredAal::HighestAvailable,
        cache_for: None,
        faster_extend: false,
    }
}

/// Secrets that never change.
pub(crate) fn keyring() -> Keyring {
    Keyring::new(&[SecretString::from("a secret for tests only")]).expect("long enough")
}

/// Where the platform is reached.
pub(crate) fn public_url() -> Url {
    Url::parse("https://id.example.org/").expect("a URL")
}

/// Ada.
pub(crate) fn identity() -> Identity {
    let now = context().now;
    Identity {
        id: IdentityId::generate(&SeededEntropy::new(100)),
        external_id: None,
        schema_id: "default".to_owned(),
        state: IdentityState::Active,
        state_changed_at: now,
        traits: json!({"email": "ada@example.org"}).as_object().cloned().unwrap_or_default(),
        metadata_public: None,
        metadata_admin: None,
        organization_id: None,
        factors: [Factor::First].into(),
        credentials: std::collections::BTreeMap::new(),
        verifiable_addresses: Vec::new(),
        recovery_addresses: Vec::new(),
        version: 0,
        created_at: now,
        updated_at: now,
    }
}

/// Ada has just signed in with her password.
pub(crate) fn session() -> SessionWithIdentity {
    let (identity, now) = (identity(), context().now);
    let method = UsedMethod {
        method: AuthenticationMethod::Password,
        aal: Aal::Aal1,
        completed_at: now,
        provider: None,
        organization: None,
    };
    let session = Session {
        id: SessionId::generate(&SeededEntropy::new(101)),
        identity_id: identity.id,
        active: true,
        aal: Aal::Aal1,
        methods: vec![method],
        devices: Vec::new(),
        authenticated_at: now,
        issued_at: now,
        expires_at: now + Duration::from_secs(24 * 3600),
    };
    SessionWithIdentity { session, identity }
}

/// Ten failures in a quarter of an hour lock for a quarter of an hour; no limit by address.
pub(crate) fn limits() -> LimitsConfig {
    let quarter = Duration::from_secs(900);
    LimitsConfig { attempts: 10, window: quarter, lock: quarter, submits_per_minute: 0, flows_per_minute: 0 }
}
