//! What operators have registered: clients, keys, trusted issuers.

use std::collections::BTreeMap;

use orrery_core::StoreError;
use orrery_core::error::Conflict;
use orrery_core::moving::{Row, Tally};
use orrery_keys::KeyError;

use super::{BEFORE, CopyError, Copying, names};
use crate::client::ClientRecord;
use crate::hydra::{Table, client, key, trusted_issuer};
use crate::store::Updated;

const CHANGED_HERE: &str = "changed here since it was copied";
const WITH_ISSUER: &str = "the key of a trusted issuer, which has it here";
const SEALED: &str = "the column keydata cannot be understood; name secrets.system with --hydra-config";
const REGISTRATIONS: &str = "clients can no longer change their own registration, because only Hydra knows their \
                             registration access token";

impl Copying<'_> {
    pub(super) async fn clients(&self, page: Vec<Row>, tally: &mut Tally<Table>) -> Result<(), CopyError> {
        for row in page {
            match client::translate(&row, &self.accepts) {
                Ok(found) => {
                    let lost = self.client(&found.record, tally).await? && found.lost_registration;
                    tally.remark(REGISTRATIONS, usize::from(lost));
                }
                Err(why) => tally.fail(Table::Clients, row.text("id").unwrap_or_default(), why.to_string()),
            }
        }
        Ok(())
    }

    /// One that exists already is replaced if the last change was made there. Says whether the client that is here now has no
    /// registration access token of ours.
    async fn client(&self, theirs: &ClientRecord, tally: &mut Tally<Table>) -> Result<bool, CopyError> {
        let Some(known) = self.clients.client_by_id(self.project, &theirs.client.id).await? else {
            self.clients.client_create(self.project, theirs).await?;
            tally.copied(Table::Clients, 1);
            return Ok(true);
        };
        let (ours, newer) = (known.client.updated_at, theirs.client.updated_at);
        if ours >= newer {
            tally.skip(Table::Clients, 1, if ours == newer { BEFORE } else { CHANGED_HERE });
            return Ok(false);
        }
        let registration_token = known.registration_token;
        let replacement = ClientRecord { version: known.version, registration_token, ..theirs.clone() };
        match self.clients.client_update(self.project, &replacement).await? {
            Updated::Done => {
                tally.copied(Table::Clients, 1);
                Ok(registration_token.is_none())
            }
            Updated::Stale | Updated::Unknown => {
                tally.skip(Table::Clients, 1, CHANGED_HERE);
                Ok(false)
            }
        }
    }

    pub(super) async fn keys(&self, page: Vec<Row>, tally: &mut Tally<Table>) -> Result<(), CopyError> {
        let issuers = self.belonging(Table::TrustedIssuers, "key_set", &names(&page, "sid")).await?;
        for row in page {
            let (set, kid) = (row.text("sid").unwrap_or_default(), row.text("kid").unwrap_or_default());
            let name = format!("{set}/{kid}");
            if issuers.iter().any(|issuer| issuer.text("key_set") == Some(set) && issuer.text("key_id") == Some(kid)) {
                tally.skip(Table::Keys, 1, WITH_ISSUER);
                continue;
            }
            match self.keys.read_key(self.project, set, kid).await {
                // One whose secret was retired is there all the same.
                Ok(_) | Err(KeyError::Unreadable) => {
                    tally.skip(Table::Keys, 1, BEFORE);
                    continue;
                }
                Err(KeyError::NotFound) => {}
                Err(KeyError::Store(error)) => return Err(error.into()),
                Err(why) => {
                    tally.fail(Table::Keys, name, why.to_string());
                    continue;
                }
            }
            let Ok(raw) = key::translate(&row, self.secrets) else {
                tally.fail(Table::Keys, name, SEALED);
                continue;
            };
            // As old as it is there: in its set, the newest signs.
            let at = row.moment("created_at").ok().flatten().unwrap_or(self.now);
            match self.keys.put_key(self.project, at, set, kid, raw).await {
                Ok(_) => tally.copied(Table::Keys, 1),
                Err(KeyError::Invalid(wrong)) => {
                    tally.fail(Table::Keys, name, format!("its member {} {}", wrong.member, wrong.reason));
                }
                Err(KeyError::Store(error)) => return Err(error.into()),
                Err(why) => tally.fail(Table::Keys, name, why.to_string()),
            }
        }
        Ok(())
    }

    pub(super) async fn trusted_issuers(&self, page: Vec<Row>, tally: &mut Tally<Table>) -> Result<(), CopyError> {
        let keys = self.belonging(Table::Keys, "sid", &names(&page, "key_set")).await?;
        let place = |row: &Row| Some((row.text("sid")?.to_owned(), row.text("kid")?.to_owned()));
        let keys: BTreeMap<_, _> = keys.into_iter().filter_map(|row| Some((place(&row)?, row))).collect();
        for row in page {
            let fail = |why: &str, tally: &mut Tally<Table>| {
                tally.fail(Table::TrustedIssuers, row.text("id").unwrap_or_default(), why);
            };
            let wanted = |column| row.text(column).unwrap_or_default().to_owned();
            let Some(key) = keys.get(&(wanted("key_set"), wanted("key_id"))) else {
                fail("its key is not there", tally);
                continue;
            };
            let Ok(raw) = key::translate(key, self.secrets) else {
                fail("its key cannot be opened; name secrets.system with --hydra-config", tally);
                continue;
            };
            let issuer = match trusted_issuer::translate(&row, raw) {
                Ok(issuer) if issuer.expires_at <= self.now => {
                    tally.skip(Table::TrustedIssuers, 1, "its time is over");
                    continue;
                }
                Ok(issuer) => issuer,
                Err(why) => {
                    fail(&why.to_string(), tally);
                    continue;
                }
            };
            match self.trusted_issuers.issuer_trust(self.project, &issuer).await {
                Ok(()) => tally.copied(Table::TrustedIssuers, 1),
                Err(StoreError::Conflict(Conflict::TrustedIssuer)) => tally.skip(Table::TrustedIssuers, 1, BEFORE),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
