//! Sessions.

use orrery_core::id::{DeviceId, IdentityId, SessionId};
use orrery_core::moving::{Row, Unreadable};
use orrery_core::secret::Purpose;
use orrery_core::{Keyring, Timestamp};
use serde_json::Value;

use crate::session::{Aal, Device, Session, UsedMethod};
use crate::store::ImportedSession;

/// Longest text about a device, in characters, as everywhere.
const MAX_TEXT: usize = 512;

/// The session of a row and its devices. Kratos keeps its token readable; here its keyed hash is kept.
///
/// # Errors
/// When a column that is needed cannot be understood.
pub(super) fn translate(row: &Row, devices: &[Row], keyring: &Keyring) -> Result<ImportedSession, Unreadable> {
    let created_at = row.needed_moment("created_at")?;
    let issued_at = row.moment("issued_at")?.unwrap_or(created_at);
    let authenticated_at = row.moment("authenticated_at")?.unwrap_or(issued_at);
    let aal = match row.text("aal") {
        None | Some("aal1") => Aal::Aal1,
        Some("aal2") => Aal::Aal2,
        Some("aal0") => Aal::Aal0,
        Some(_) => return Err(Unreadable("aal")),
    };
    let methods = row.document("authentication_methods")?.unwrap_or_default();
    let methods = methods.as_array().into_iter().flatten().filter_map(|used| method(used, aal, authenticated_at));
    let session = Session {
        id: SessionId::from_uuid(row.needed_id("id")?),
        identity_id: IdentityId::from_uuid(row.needed_id("identity_id")?),
        active: row.flag("active"),
        aal,
        methods: methods.collect(),
        devices: devices.iter().map(device).collect::<Result<_, _>>()?,
        authenticated_at,
        issued_at,
        expires_at: row.needed_moment("expires_at")?,
    };
    Ok(ImportedSession {
        session,
        token: keyring.hash(Purpose::SessionToken, row.needed_text("token")?),
        created_at,
        updated_at: row.moment("updated_at")?.unwrap_or(created_at),
    })
}

/// None for a method that exists only there (`v0.6_legacy_session`); the level of the session stays.
fn method(used: &Value, aal: Aal, at: Timestamp) -> Option<UsedMethod> {
    let text = |member: &str| used.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    Some(UsedMethod {
        method: serde_json::from_value(used.get("method")?.clone()).ok()?,
        aal: used.get("aal").and_then(|level| serde_json::from_value(level.clone()).ok()).unwrap_or(aal),
        completed_at: text("completed_at").and_then(|text| Timestamp::parse_rfc3339(text).ok()).unwrap_or(at),
        provider: text("provider").map(str::to_owned),
        organization: text("organization").and_then(|text| text.parse().ok()),
    })
}

fn device(row: &Row) -> Result<Device, Unreadable> {
    let text = |column: &str| row.text(column).map(|text| text.chars().take(MAX_TEXT).collect());
    Ok(Device {
        id: DeviceId::from_uuid(row.needed_id("id")?),
        ip_address: text("ip_address"),
        user_agent: text("user_agent"),
        location: text("location"),
    })
}
