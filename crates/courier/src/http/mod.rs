//! The courier over HTTP: messages for administrators, and the inbox of the development mode.

mod body;
mod events;
mod inbox;
mod messages;

use std::fmt;
use std::sync::Arc;

use orrery_core::{Entropy, Keyring};
use orrery_web::{Listener, Routes};

use crate::config::SmsType;
use crate::store::MessageStore;

pub use events::EventsApi;

/// Whether administrators see what messages say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Subjects and bodies are withheld: they carry codes that open accounts.
    Redacted,
    /// Development mode: everything is shown.
    Open,
}

/// What the handlers need, as `web::Data`.
pub struct CourierApi {
    /// The queue.
    pub store: Arc<dyn MessageStore>,
    /// Opens contents, seals page tokens.
    pub keyring: Arc<Keyring>,
    /// For sealing.
    pub entropy: Arc<dyn Entropy>,
    /// Whether administrators see what messages say.
    pub visibility: Visibility,
    /// How a text message calls itself in `type`.
    pub sms_type: SmsType,
}

impl fmt::Debug for CourierApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CourierApi").field("visibility", &self.visibility).finish_non_exhaustive()
    }
}

/// The routes of the admin listener.
#[must_use]
pub fn admin() -> Routes {
    Routes::new(Listener::Admin, "courier")
        .get("/admin/courier/messages", Some("listCourierMessages"), messages::list)
        .get("/admin/courier/messages/{id}", Some("getCourierMessage"), messages::get)
        .and(events::routes("courier"))
}

/// The development inbox on the public listener. To be mounted in development mode only: it shows every code.
#[must_use]
pub fn development_inbox() -> Routes {
    Routes::new(Listener::Public, "courier").get("/inbox/messages", None, inbox::list).get(
        "/inbox/messages/{id}",
        None,
        inbox::get,
    )
}
