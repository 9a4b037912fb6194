//! Identities with what belongs to them.

use std::collections::BTreeMap;

use orrery_core::error::Conflict;
use orrery_core::id::IdentityId;
use orrery_core::moving::{Row, Tally};
use orrery_core::{PageRequest, StoreError};
use uuid::Uuid;

use super::{BEFORE, CopyError, Copying, PAGE, ids};
use crate::identity::{Identity, every_credential};
use crate::kratos::Table;
use crate::kratos::credential::Tools;
use crate::kratos::identity::{self, Rows, Translated};
use crate::store::{IdentityFilter, Updated};

const CHANGED_HERE: &str = "changed here since it was copied";
const STRANGE: &str = "a type of credential that exists only in Kratos";
const LOST_TOKENS: &str = "tokens of providers that could not be opened; name secrets.cipher with --kratos-config";

const NOT_ASKED_FOR: &str =
    "accounts with an authenticator app, backup codes or a security key, which are kept and not asked for yet";

impl Copying<'_> {
    pub(super) async fn identities(
        &self,
        page: Vec<Row>,
        types: &BTreeMap<Uuid, String>,
        tally: &mut Tally<Table>,
    ) -> Result<(), CopyError> {
        let tools = Tools { keyring: self.keyring, ciphers: self.ciphers, entropy: self.entropy };
        let mut ready = Vec::new();
        for rows in self.with_belongings(page, types).await? {
            let translated = match identity::translate(&rows, tools) {
                Ok(translated) if self.schemas.get(&translated.identity.schema_id).is_none() => {
                    let schema = &translated.identity.schema_id;
                    fail(&rows, format!("no schema with the id \"{schema}\" is configured here"), tally);
                    continue;
                }
                Ok(translated) => translated,
                Err(why) => {
                    fail(&rows, why.to_string(), tally);
                    continue;
                }
            };
            ready.push((rows, translated));
        }
        let mut known = self.known(&ready).await?;
        let mut new = Vec::new();
        for (rows, translated) in &ready {
            match known.remove(&translated.identity.id) {
                Some(known) => self.again(&known, rows, translated, tally).await?,
                None => new.push((rows, translated)),
            }
        }
        let identities: Vec<_> = new.iter().map(|(_, translated)| translated.identity.clone()).collect();
        let outcomes = self.identities.identity_create_many(self.project, &identities).await?;
        for ((rows, translated), outcome) in new.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => copied(rows, translated, tally),
                Err(conflict) => fail(rows, taken(conflict), tally),
            }
        }
        Ok(())
    }

    /// Those of a page that exist here, with every credential.
    async fn known(&self, ready: &[(Rows, Translated)]) -> Result<BTreeMap<IdentityId, Identity>, CopyError> {
        let ids = ready.iter().map(|(_, translated)| translated.identity.id).collect();
        let filter = IdentityFilter { ids: Some(ids), ..IdentityFilter::default() };
        let page = PageRequest::Keyset { size: PAGE, after: None };
        let found = self.identities.identity_list(self.project, &filter, &every_credential(), &page).await?;
        Ok(found.items.into_iter().map(|identity| (identity.id, identity)).collect())
    }

    /// One that exists already is replaced if it is newer there, and was not changed here in between.
    async fn again(
        &self,
        known: &Identity,
        rows: &Rows,
        translated: &Translated,
        tally: &mut Tally<Table>,
    ) -> Result<(), CopyError> {
        let theirs = &translated.identity;
        if known.updated_at >= theirs.updated_at {
            skip(rows, if known.updated_at == theirs.updated_at { BEFORE } else { CHANGED_HERE }, tally);
            tell_of_factors(theirs, tally);
            return Ok(());
        }
        let replacement = Identity { version: known.version, ..theirs.clone() };
        let removed = known.credentials.keys().copied().filter(|kind| !theirs.credentials.contains_key(kind));
        match self.identities.identity_update(self.project, &replacement, &removed.collect()).await {
            Ok(Updated::Done) => copied(rows, translated, tally),
            Ok(Updated::Stale | Updated::Unknown) => skip(rows, CHANGED_HERE, tally),
            Err(StoreError::Conflict(conflict)) => fail(rows, taken(conflict), tally),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn with_belongings(&self, page: Vec<Row>, types: &BTreeMap<Uuid, String>) -> Result<Vec<Rows>, CopyError> {
        let owners = ids(&page);
        let mut credentials = self.dependents(Table::Credentials, "identity_id", &owners).await?;
        let mut verifiable = self.dependents(Table::VerifiableAddresses, "identity_id", &owners).await?;
        let mut recovery = self.dependents(Table::RecoveryAddresses, "identity_id", &owners).await?;
        let owners = ids(credentials.values().flatten());
        let mut identifiers = self.dependents(Table::Identifiers, "identity_credential_id", &owners).await?;
        let mut typed = |row: Row| {
            let kind = row.needed_id("identity_credential_type_id").ok().and_then(|id| types.get(&id)).cloned();
            let own = row.needed_id("id").ok().and_then(|id| identifiers.remove(&id)).unwrap_or_default();
            (row, kind.unwrap_or_default(), own)
        };
        let rows = page.into_iter().map(|identity| {
            let id = identity.needed_id("id").unwrap_or_default();
            Rows {
                identity,
                credentials: credentials.remove(&id).unwrap_or_default().into_iter().map(&mut typed).collect(),
                verifiable: verifiable.remove(&id).unwrap_or_default(),
                recovery: recovery.remove(&id).unwrap_or_default(),
            }
        });
        Ok(rows.collect())
    }
}

fn copied(rows: &Rows, translated: &Translated, tally: &mut Tally<Table>) {
    for (table, count) in rows.counts() {
        let strange = [(Table::Credentials, translated.strange), (Table::Identifiers, translated.strange_identifiers)];
        let strange = strange.into_iter().find(|(of, _)| *of == table).map_or(0, |(_, strange)| strange);
        let failed = translated.failed.iter().filter(|failed| failed.table == table);
        tally.copied(table, count - strange - failed.count());
        tally.skip(table, strange, STRANGE);
    }
    for failed in &translated.failed {
        tally.fail(failed.table, failed.id.as_str(), failed.reason.as_str());
    }
    tally.remark(LOST_TOKENS, translated.lost_tokens);
    tell_of_factors(&translated.identity, tally);
}

/// Nobody should find out by chance that one factor is enough for an account that has two.
fn tell_of_factors(identity: &Identity, tally: &mut Tally<Table>) {
    let kept = identity.factors.iter().any(|factor| !factor.can_be_asked_for());
    tally.remark(NOT_ASKED_FOR, usize::from(kept));
}

fn skip(rows: &Rows, why: &'static str, tally: &mut Tally<Table>) {
    for (table, count) in rows.counts() {
        tally.skip(table, count, why);
    }
}

fn fail(rows: &Rows, why: String, tally: &mut Tally<Table>) {
    tally.fail(Table::Identities, rows.identity.name(), why);
    for (table, count) in rows.counts() {
        if table != Table::Identities {
            tally.skip(table, count, "its identity could not be copied");
        }
    }
}

fn taken(conflict: Conflict) -> String {
    format!("somebody else here has the same {conflict}")
}
