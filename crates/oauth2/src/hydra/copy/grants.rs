//! What people have granted: remembered consents and live refresh tokens.

use std::collections::BTreeMap;

use orrery_core::moving::{Row, Tally};

use super::{BEFORE, CopyError, Copying, PAGE, There, names};
use crate::hydra::refresh_token::{self, Tools};
use crate::hydra::{Table, consent};
use crate::store::{GrantImported, ImportedGrant};

const NOT_REMEMBERED: &str = "no consent that is remembered";
const USED: &str = "used or revoked";
const EXPIRED: &str = "expired";
const ORPHAN: &str = "its client was not copied";
const SEALED: &str = "the column session_data cannot be understood; name secrets.system with --hydra-config";
const GONE: &str = "grants that were copied before are gone there, so that they were taken back here";

impl Copying<'_> {
    pub(super) async fn consents(
        &self,
        page: Vec<Row>,
        there: &mut There,
        tally: &mut Tally<Table>,
    ) -> Result<(), CopyError> {
        let mut ready = Vec::new();
        for row in page {
            if !consent::is_remembered(&row, self.now) {
                tally.skip(Table::Flows, 1, NOT_REMEMBERED);
                continue;
            }
            there.extend(consent::id(&row));
            match consent::translate(&row, self.now) {
                Ok(found) => ready.push(found),
                Err(why) => tally.fail(Table::Flows, row.text("login_challenge").unwrap_or_default(), why.to_string()),
            }
        }
        self.store(Table::Flows, &ready, tally).await
    }

    pub(super) async fn refresh_tokens(
        &self,
        page: Vec<Row>,
        there: &mut There,
        tally: &mut Tally<Table>,
    ) -> Result<(), CopyError> {
        let flows = self.belonging(Table::Flows, "consent_challenge_id", &names(&page, "challenge_id")).await?;
        let flows: BTreeMap<&str, &Row> =
            flows.iter().filter_map(|flow| Some((flow.text("consent_challenge_id")?, flow))).collect();
        let (secrets, keyring, lifetime, now) = (self.secrets, self.keyring, self.lifetime, self.now);
        let tools = Tools { secrets, keyring, lifetime, now };
        let mut ready = Vec::new();
        for row in page {
            let over = [(refresh_token::is_used(&row), USED), (refresh_token::is_expired(&row, now), EXPIRED)];
            if let Some((_, why)) = over.into_iter().find(|(is_over, _)| *is_over) {
                tally.skip(Table::RefreshTokens, 1, why);
                continue;
            }
            // Whether it can be read today or not.
            there.extend(refresh_token::id(&row));
            let flow = row.text("challenge_id").and_then(|challenge| flows.get(challenge).copied());
            match refresh_token::translate(&row, flow, tools) {
                Ok(found) if found.refresh.as_ref().is_some_and(|token| token.has_ended(now)) => {
                    tally.skip(Table::RefreshTokens, 1, EXPIRED);
                }
                Ok(found) => ready.push(found),
                Err(why) => {
                    let reason = if why.0 == "session_data" { SEALED.to_owned() } else { why.to_string() };
                    // The signature would be half a secret: which token it is, its family says as well.
                    let request = row.text("request_id").unwrap_or_default();
                    tally.fail(Table::RefreshTokens, format!("of the request {request}"), reason);
                }
            }
        }
        self.store(Table::RefreshTokens, &ready, tally).await
    }

    async fn store(&self, table: Table, ready: &[ImportedGrant], tally: &mut Tally<Table>) -> Result<(), CopyError> {
        let outcomes = self.imports.grants_import(self.project, self.network, ready).await?;
        for outcome in outcomes {
            match outcome {
                GrantImported::Stored => tally.copied(table, 1),
                GrantImported::Known => tally.skip(table, 1, BEFORE),
                GrantImported::Orphan => tally.skip(table, 1, ORPHAN),
            }
        }
        Ok(())
    }

    /// What was copied before and was revoked or used there since must not work here, unless it lives on here already.
    pub(super) async fn take_back(&self, there: &There, tally: &mut Tally<Table>) -> Result<(), CopyError> {
        let mut after = None;
        loop {
            let page = self.imports.grants_imported(self.project, self.network, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(*last);
            let gone: Vec<_> = page.into_iter().filter(|grant| !there.contains(grant)).collect();
            let taken = self.imports.grants_take_back(self.project, self.network, &gone).await?;
            tally.remark(GONE, usize::try_from(taken).unwrap_or(usize::MAX));
        }
    }
}
