//! What failures of keys become. Errors of this surface are flat, see [`orrery_web::Routes::flat_errors`].

use orrery_core::StoreError;
use orrery_core::error::Conflict;
use orrery_web::ApiError;

use crate::error::KeyError;

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Invalid(invalid) => {
                Self::bad_request(format!("The member \"{}\" {}.", invalid.member, invalid.reason))
            }
            KeyError::NotFound => Self::not_found("There is no such key or key set. Create it first."),
            KeyError::Store(StoreError::Conflict(Conflict::Key)) => {
                Self::conflict("The set already has a key with this kid. Choose another kid, or replace it with PUT.")
            }
            KeyError::Store(error) => error.into(),
            KeyError::NoSigningKey | KeyError::Unreadable | KeyError::Crypto => Self::internal(error),
        }
    }
}
