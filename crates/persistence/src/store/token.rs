//! Tokens, and the codes and proofs that they are given for.

use async_trait::async_trait;
use diesel::dsl::{case_when, exists, select};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Nullable, Text};
use orrery_core::id::GrantId;
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};
use orrery_identity::identity::IdentityState;
use orrery_oauth2::client::{Client, ClientId};
use orrery_oauth2::store::{FoundCode, FoundToken, Redeemed, Redemption, Rotated, Rotation, TokenStore};
use orrery_oauth2::token::{StoredToken, TokenKind};

use super::super::Conn;
use super::Store;
use crate::columns::{At, Digest, Document, Hash, Id, Json, Moment, Uid, Word};
use crate::error::Outcome;
use crate::queue::Decision;
use crate::rows::grant::{AuthorizationCodeRow, GrantRow};
use crate::rows::token::TokenRow;
use crate::schema::{assertion_ids, authorization_codes, clients, grants, identities, tokens};

/// What a [`Found`] is read from.
macro_rules! columns {
    () => {
        (TokenRow::as_select(), clients::client, Option::<GrantRow>::as_select())
    };
}

#[async_trait]
impl TokenStore for Store {
    async fn token_issue(&self, project: ProjectId, token: &StoredToken) -> Result<bool, StoreError> {
        let token = token.clone();
        self.write_one(move |connection| issue(connection, project, token)).await
    }

    async fn token_by_hash(&self, project: ProjectId, hashes: &[TokenHash]) -> Result<Option<FoundToken>, StoreError> {
        let hashes: Vec<_> = hashes.iter().copied().map(Hash).collect();
        self.read(move |connection| {
            // With one secret it is the same text every time, so that SQLite keeps it prepared.
            let found = match hashes.as_slice() {
                [only] => {
                    usable(Uid(project)).filter(tokens::hash.eq(*only)).select(columns!()).first(connection).optional()
                }
                several => {
                    let any = tokens::hash.eq_any(several.to_vec());
                    usable(Uid(project)).filter(any).select(columns!()).first(connection).optional()
                }
            };
            found?.map(into_found).transpose()
        })
        .await
    }

    async fn refresh_token_of(&self, project: ProjectId, grant: GrantId) -> Result<Option<FoundToken>, StoreError> {
        self.read(move |connection| {
            let found = usable(Uid(project))
                .filter(tokens::grant_id.eq(Uid(grant)))
                .filter(tokens::kind.eq(Word(TokenKind::Refresh)))
                .select(columns!());
            found.first(connection).optional()?.map(into_found).transpose()
        })
        .await
    }

    async fn refresh_rotate(&self, project: ProjectId, rotation: &Rotation) -> Result<Rotated, StoreError> {
        let rotation = rotation.clone();
        self.decide(move |connection| {
            let Rotation { used, grant, successor, access, grant_until } = rotation;
            if !hold_grant(connection, project, grant, grant_until)? {
                return Ok(Decision::Undo(Rotated::NotPresent));
            }
            let rotated = diesel::update(tokens::table)
                .filter(tokens::project_id.eq(Uid(project)))
                .filter(tokens::hash.eq(Hash(used)))
                .filter(tokens::kind.eq(Word(TokenKind::Refresh)))
                .filter(exists(client(Uid(project), successor.client.to_string())))
                .set(TokenRow::new(project, &successor))
                .execute(connection)?;
            if rotated == 0 {
                return Ok(Decision::Undo(Rotated::NotPresent));
            }
            diesel::delete(tokens::table)
                .filter(tokens::project_id.eq(Uid(project)))
                .filter(tokens::grant_id.eq(Uid(grant)))
                .filter(tokens::kind.eq(Word(TokenKind::Access)))
                .execute(connection)?;
            insert(connection, project, access.as_slice())?;
            Ok(Decision::Keep(Rotated::Done))
        })
        .await
    }

    async fn code_by_hash(&self, project: ProjectId, hashes: &[TokenHash]) -> Result<Option<FoundCode>, StoreError> {
        let hashes: Vec<_> = hashes.iter().copied().map(Hash).collect();
        self.read(move |connection| {
            let found: Option<(AuthorizationCodeRow, GrantRow)> = authorization_codes::table
                .inner_join(
                    grants::table.on(grants::project_id
                        .eq(authorization_codes::project_id)
                        .and(grants::id.eq(authorization_codes::grant_id))),
                )
                .filter(authorization_codes::project_id.eq(Uid(project)))
                .filter(authorization_codes::hash.eq_any(hashes))
                .select((AuthorizationCodeRow::as_select(), GrantRow::as_select()))
                .first(connection)
                .optional()?;
            found.map(|(code, grant)| Ok(FoundCode { code: code.into_code()?, grant: grant.into_grant()? })).transpose()
        })
        .await
    }

    async fn code_redeem(&self, project: ProjectId, redemption: &Redemption) -> Result<Redeemed, StoreError> {
        let redemption = redemption.clone();
        self.decide(move |connection| {
            let Redemption { code, client: owner, grant, tokens, grant_until, now } = redemption;
            if !hold_grant(connection, project, grant, grant_until)? {
                return Ok(Decision::Undo(Redeemed::Gone));
            }
            let this = authorization_codes::table
                .filter(authorization_codes::project_id.eq(Uid(project)))
                .filter(authorization_codes::hash.eq(Hash(code)));
            let fresh = this
                .filter(authorization_codes::used_at.is_null())
                .filter(authorization_codes::expires_at.gt(At(now)))
                .filter(exists(client(Uid(project), owner.to_string())));
            let used = diesel::update(fresh).set(authorization_codes::used_at.eq(At(now))).execute(connection)?;
            if used > 0 {
                insert(connection, project, &tokens)?;
                return Ok(Decision::Keep(Redeemed::Done));
            }
            let replayed = this.filter(authorization_codes::used_at.is_not_null());
            if !select(exists(replayed)).get_result(connection)? {
                return Ok(Decision::Undo(Redeemed::Gone));
            }
            end_tokens(connection, project, grant)?;
            Ok(Decision::Keep(Redeemed::Replayed))
        })
        .await
    }

    async fn family_end(&self, project: ProjectId, grant: GrantId) -> Result<u64, StoreError> {
        self.write(move |connection| {
            // Waits for whoever is just adding to the family, so that nothing of it is overlooked.
            hold_grant(connection, project, grant, Timestamp::EPOCH)?;
            end_tokens(connection, project, grant)
        })
        .await
    }

    async fn token_delete(&self, project: ProjectId, hash: TokenHash) -> Result<bool, StoreError> {
        self.write_one(move |connection| {
            let deleted = diesel::delete(tokens::table)
                .filter(tokens::project_id.eq(Uid(project)))
                .filter(tokens::hash.eq(Hash(hash)))
                .execute(connection)?;
            Ok(deleted > 0)
        })
        .await
    }

    async fn tokens_delete(
        &self,
        project: ProjectId,
        client: &ClientId,
        kind: Option<TokenKind>,
    ) -> Result<u64, StoreError> {
        let client = client.to_string();
        self.write_one(move |connection| {
            let theirs = diesel::delete(tokens::table)
                .filter(tokens::project_id.eq(Uid(project)))
                .filter(tokens::client_id.eq(client));
            let deleted = match kind {
                Some(kind) => theirs.filter(tokens::kind.eq(Word(kind))).execute(connection)?,
                None => theirs.execute(connection)?,
            };
            Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
        })
        .await
    }

    async fn assertion_use(
        &self,
        project: ProjectId,
        id: TokenHash,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write_one(move |connection| {
            let noted = diesel::insert_into(assertion_ids::table)
                .values((
                    assertion_ids::project_id.eq(Uid(project)),
                    assertion_ids::hash.eq(Hash(id)),
                    assertion_ids::expires_at.eq(At(expires_at)),
                ))
                .on_conflict((assertion_ids::project_id, assertion_ids::hash))
                .do_nothing()
                .execute(connection)?;
            Ok(noted > 0)
        })
        .await
    }
}

/// Stores a token if its client is there, in one statement. That its grant and its origin are there, foreign keys check.
fn issue(connection: &mut Conn, project: ProjectId, token: StoredToken) -> Outcome<bool> {
    let stored = diesel::sql_query(
        "INSERT INTO tokens (project_id, hash, kind, grant_id, parent, client_id, subject, scope, audience, claims, \
         actor, jkt, issued_at, expires_at, derived_from) \
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15 \
         WHERE EXISTS (SELECT 1 FROM clients WHERE project_id = $1 AND id = $6)",
    )
    .bind::<Id, _>(Uid(project))
    .bind::<Digest, _>(Hash(token.hash))
    .bind::<Text, _>(Word(token.kind))
    .bind::<Nullable<Id>, _>(token.grant.map(Uid))
    .bind::<Nullable<Digest>, _>(token.parent.map(Hash))
    .bind::<Text, _>(token.client.to_string())
    .bind::<Text, _>(token.subject)
    .bind::<Json, _>(Document(token.scope))
    .bind::<Json, _>(Document(token.audience))
    .bind::<Json, _>(Document(token.claims))
    .bind::<Nullable<Json>, _>(token.actor.map(Document))
    .bind::<Nullable<Text>, _>(token.jkt)
    .bind::<Moment, _>(At(token.issued_at))
    .bind::<Nullable<Moment>, _>(token.expires_at.map(At))
    .bind::<Nullable<Digest>, _>(token.derived_from.map(Hash))
    .execute(connection);
    match stored {
        Ok(stored) => Ok(stored > 0),
        Err(DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Stores tokens; the grant is there already.
pub(super) fn insert(connection: &mut Conn, project: ProjectId, stored: &[StoredToken]) -> Outcome<()> {
    let rows: Vec<_> = stored.iter().map(|token| TokenRow::new(project, token)).collect();
    if !rows.is_empty() {
        diesel::insert_into(tokens::table).values(rows).execute(connection)?;
    }
    Ok(())
}

/// Keeps a grant at least until its last token has expired. False when it is gone. To be the first statement of a step:
/// whoever ends the family locks its grant first too, so that two such steps wait for each other in one order.
pub(super) fn hold_grant(connection: &mut Conn, project: ProjectId, grant: GrantId, until: Timestamp) -> Outcome<bool> {
    let longer =
        case_when(grants::expires_at.lt(At(until)), At(until).into_sql::<Moment>()).otherwise(grants::expires_at);
    let held = diesel::update(grants::table)
        .filter(grants::project_id.eq(Uid(project)))
        .filter(grants::id.eq(Uid(grant)))
        .set(grants::expires_at.eq(longer))
        .execute(connection)?;
    Ok(held > 0)
}

fn end_tokens(connection: &mut Conn, project: ProjectId, grant: GrantId) -> Outcome<u64> {
    let ended = diesel::delete(tokens::table)
        .filter(tokens::project_id.eq(Uid(project)))
        .filter(tokens::grant_id.eq(Uid(grant)))
        .execute(connection)?;
    Ok(u64::try_from(ended).unwrap_or(u64::MAX))
}

#[diesel::dsl::auto_type]
pub(super) fn client(project: Uid<ProjectId>, id: String) -> _ {
    clients::table.filter(clients::project_id.eq(project)).filter(clients::id.eq(id))
}

type Found = (TokenRow, Document<Client>, Option<GrantRow>);

fn into_found((token, client, grant): Found) -> Outcome<FoundToken> {
    Ok(FoundToken { token: token.into_token()?, client: client.0, grant: grant.map(GrantRow::into_grant).transpose()? })
}

/// Tokens with their clients and grants, as long as whoever is behind them may still use them: the client is there, and
/// was when they were issued; so is the identity that granted them, where we know it, and it is active.
#[diesel::dsl::auto_type]
fn usable(project: Uid<ProjectId>) -> _ {
    let client = clients::project_id.eq(tokens::project_id).and(clients::id.eq(tokens::client_id));
    let grant = grants::project_id.eq(tokens::project_id).and(grants::id.nullable().eq(tokens::grant_id));
    let active: Word<IdentityState> = Word(IdentityState::Active);
    let identity = identities::table
        .filter(identities::project_id.eq(tokens::project_id))
        .filter(identities::id.nullable().eq(grants::identity_id))
        .filter(identities::state.eq(active));
    tokens::table
        .inner_join(clients::table.on(client))
        .left_join(grants::table.on(grant))
        .filter(tokens::project_id.eq(project))
        .filter(tokens::issued_at.ge(clients::created_at))
        .filter(grants::identity_id.is_null().or(exists(identity)))
}
