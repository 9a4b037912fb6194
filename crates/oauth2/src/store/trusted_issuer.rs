//! Issuers whose assertions are accepted as grants.

use async_trait::async_trait;
use orrery_core::id::TrustedIssuerId;
use orrery_core::{Page, PageRequest, ProjectId, StoreError, Timestamp};

use crate::trust::TrustedIssuer;

/// Which keys may have signed an assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssertionKeys<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `sub`.
    pub subject: &'a str,
    /// `kid` of the header, if it names one.
    pub kid: Option<&'a str>,
    /// Entries that have ended by then do not count.
    pub now: Timestamp,
    /// At most so many.
    pub limit: u32,
}

/// Issuers whose assertions are accepted as grants.
#[async_trait]
pub trait TrustedIssuerStore: Send + Sync {
    /// Trusts an issuer. `Conflict::TrustedIssuer` when the same key is trusted for the same subject.
    async fn issuer_trust(&self, project: ProjectId, issuer: &TrustedIssuer) -> Result<(), StoreError>;

    /// One entry.
    async fn trusted_issuer_by_id(
        &self,
        project: ProjectId,
        id: TrustedIssuerId,
    ) -> Result<Option<TrustedIssuer>, StoreError>;

    /// A page of entries in ascending id order, of one issuer if it is named. The keyset key is the last id.
    async fn trusted_issuer_list(
        &self,
        project: ProjectId,
        issuer: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<TrustedIssuer>, StoreError>;

    /// The entries whose key may have signed an assertion, the newest first.
    async fn assertion_keys(
        &self,
        project: ProjectId,
        wanted: AssertionKeys<'_>,
    ) -> Result<Vec<TrustedIssuer>, StoreError>;

    /// Trusts an issuer no longer. False when there was no such entry.
    async fn trusted_issuer_delete(&self, project: ProjectId, id: TrustedIssuerId) -> Result<bool, StoreError>;
}
