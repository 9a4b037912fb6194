//! Tokens, and the codes and proofs that they are given for.

use async_trait::async_trait;
use orrery_core::id::GrantId;
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};

use crate::client::{Client, ClientId};
use crate::grant::Grant;
use crate::token::{AuthorizationCode, StoredToken, TokenKind};

/// A token with what every use of it looks at again.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundToken {
    /// The token, expired ones too.
    pub token: StoredToken,
    /// Whom it was issued to, as registered now.
    pub client: Client,
    /// What somebody granted; none where nobody had to.
    pub grant: Option<Grant>,
}

/// A code with what it stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundCode {
    /// The code, used and expired ones too.
    pub code: AuthorizationCode,
    /// What it stands for.
    pub grant: Grant,
}

/// The tokens that a code is given for.
#[derive(Debug, Clone, PartialEq)]
pub struct Redemption {
    /// The code.
    pub code: TokenHash,
    /// Whom it was issued to.
    pub client: ClientId,
    /// Its family.
    pub grant: GrantId,
    /// What is stored of the tokens: nothing of one that is stateless.
    pub tokens: Vec<StoredToken>,
    /// The family is needed at least so long.
    pub grant_until: Timestamp,
    /// The present moment.
    pub now: Timestamp,
}

/// What became of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeemed {
    /// It is used now, and the tokens are stored.
    Done,
    /// It had been used before: somebody else has it. The tokens of its family are ended (RFC 6749 section 4.1.2).
    Replayed,
    /// It has expired, or its grant or client is gone.
    Gone,
}

/// The use of a refresh token. A family has one refresh token at a time: its row becomes the successor's.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    /// The token that is used, which must be the present one of its family.
    pub used: TokenHash,
    /// Its family.
    pub grant: GrantId,
    /// What takes its place.
    pub successor: StoredToken,
    /// The new access token, unless it is stateless.
    pub access: Option<StoredToken>,
    /// The family is needed at least so long.
    pub grant_until: Timestamp,
}

/// What became of a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// It was used now, and the successor is stored.
    Done,
    /// It was not the present one any more: look again.
    NotPresent,
}

/// Tokens. Those of a grant die with it.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Stores an access token, if its client, and its grant and the token that it was exchanged for where it has such, are
    /// still there.
    async fn token_issue(&self, project: ProjectId, token: &StoredToken) -> Result<bool, StoreError>;

    /// A token by any of the hashes that it may have, unless its client is gone or the identity behind its grant is
    /// not active any more. Expired ones too.
    async fn token_by_hash(&self, project: ProjectId, hashes: &[TokenHash]) -> Result<Option<FoundToken>, StoreError>;

    /// The present refresh token of a family, under the same conditions.
    async fn refresh_token_of(&self, project: ProjectId, grant: GrantId) -> Result<Option<FoundToken>, StoreError>;

    /// Replaces the present refresh token of a family with its successor, ends the access tokens that came before, and
    /// stores the new one: one guarded step, whoever else presents the same token.
    async fn refresh_rotate(&self, project: ProjectId, rotation: &Rotation) -> Result<Rotated, StoreError>;

    /// A code by any of the hashes that it may have, with its grant.
    async fn code_by_hash(&self, project: ProjectId, hashes: &[TokenHash]) -> Result<Option<FoundCode>, StoreError>;

    /// Uses a code and stores what it is given for. A second use ends the family's tokens.
    async fn code_redeem(&self, project: ProjectId, redemption: &Redemption) -> Result<Redeemed, StoreError>;

    /// Ends every token of a family; what was granted stays remembered. Says how many there were.
    async fn family_end(&self, project: ProjectId, grant: GrantId) -> Result<u64, StoreError>;

    /// Deletes one token, with those that were exchanged for it. False when there was none.
    async fn token_delete(&self, project: ProjectId, hash: TokenHash) -> Result<bool, StoreError>;

    /// Deletes the tokens of a client, of one kind or of both, and says how many.
    async fn tokens_delete(
        &self,
        project: ProjectId,
        client: &ClientId,
        kind: Option<TokenKind>,
    ) -> Result<u64, StoreError>;

    /// Notes that an assertion or a proof was presented. False when it had been before: each is good once.
    async fn assertion_use(&self, project: ProjectId, id: TokenHash, expires_at: Timestamp)
    -> Result<bool, StoreError>;
}
