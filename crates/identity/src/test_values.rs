//! Values that unit tests share.

use std::time::Duration;

use orrery_core::{ProjectId, RequestContext, Timestamp};

use crate::config::{CookieConfig, RequiredAal, SameSite, SessionConfig};

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
