//! Database errors → [`StoreError`].

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use orrery_core::StoreError;
use orrery_core::error::Conflict;

/// Why a call of a store failed, on the database thread.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The database refused or could not be reached.
    #[error("the statement failed")]
    Query(#[source] DieselError),
    /// A uniqueness rule that the caller must hear about.
    #[error("already taken: {0}")]
    Conflict(Conflict),
    /// A row that cannot be understood: a defect, or somebody edited the database by hand.
    #[error("a stored row cannot be understood: {0}")]
    Corrupt(&'static str),
    /// The code of the call panicked.
    #[error("a storage call panicked")]
    Panicked,
}

/// What a call returns on the database thread.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl From<DieselError> for Failure {
    fn from(error: DieselError) -> Self {
        Self::Query(error)
    }
}

impl Failure {
    /// Whether the connection may be lost or useless, so that it has to be tried before it is used again.
    pub(crate) const fn connection_in_doubt(&self) -> bool {
        match self {
            Self::Query(error) => is_trouble(error),
            Self::Conflict(_) | Self::Corrupt(_) => false,
            Self::Panicked => true,
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Query(error) if is_trouble(&error) => Self::unavailable(error),
            Failure::Query(error) => Self::internal(error),
            Failure::Conflict(conflict) => Self::Conflict(conflict),
            Failure::Corrupt(_) | Failure::Panicked => Self::internal(failure),
        }
    }
}

/// Whether the database is in trouble, as opposed to our having asked for nonsense.
///
/// An error of unknown kind (disk full, locked, shutting down, statement timeout, read-only standby) counts as trouble: the
/// drivers do not pass codes on, and the texts depend on the server's language.
const fn is_trouble(error: &DieselError) -> bool {
    if let DieselError::DatabaseError(kind, _) = error {
        return !matches!(
            kind,
            DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::RestrictViolation
                | DatabaseErrorKind::ExclusionViolation
        );
    }
    matches!(error, DieselError::BrokenTransactionManager | DieselError::RollbackErrorOnCommit { .. })
}

/// Names the uniqueness rule that a statement may break.
pub(crate) trait OrConflict<T> {
    /// Turns a unique violation into `conflict`; every other error stays what it is.
    fn or_conflict(self, conflict: Conflict) -> Outcome<T>;
}

impl<T> OrConflict<T> for Result<T, DieselError> {
    fn or_conflict(self, conflict: Conflict) -> Outcome<T> {
        self.map_err(|error| {
            if matches!(error, DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) {
                Failure::Conflict(conflict)
            } else {
                Failure::Query(error)
            }
        })
    }
}
