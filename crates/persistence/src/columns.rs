//! The column types that differ between the databases: ids, moments, digests and JSON documents.
//!
//! Each is one SQL type of our own, so that tables, rows and queries never mention a backend. Values cross over in [`Uid`],
//! [`At`], [`Hash`] and [`Document`]; enums in [`Word`].
//!
//! | type | PostgreSQL | SQLite |
//! | --- | --- | --- |
//! | [`Id`] | `uuid` | `BLOB` of 16 bytes |
//! | [`Moment`] | `timestamptz` | `INTEGER`, microseconds since 1970 |
//! | [`Digest`] | `bytea` | `BLOB` of 32 bytes |
//! | [`Json`] | `jsonb` | `TEXT` |

use std::io::Write;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{SqlType, Text};
use diesel::sqlite::{Sqlite, SqliteValue};
use orrery_core::id::{
    AttemptId, ChallengeId, CodeId, CredentialId, DispatchId, EventId, FlowErrorId, FlowId, GrantId, IdentityId, KeyId,
    LoginSessionId, MessageId, OrganizationId, ProjectId, SessionId, TrustedIssuerId,
};
use orrery_core::{Timestamp, TokenHash};
use orrery_courier::store::LeaseToken;
use serde::Serialize;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};
use uuid::Uuid;

/// A UUID.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(sqlite_type(name = "Binary"))]
pub struct Id;

/// A moment in UTC.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(sqlite_type(name = "Long"))]
pub struct Moment;

/// The keyed hash of a bearer secret.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(postgres_type(oid = 17, array_oid = 1001))]
#[diesel(sqlite_type(name = "Binary"))]
pub struct Digest;

/// A JSON document.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(postgres_type(oid = 3802, array_oid = 3807))]
#[diesel(sqlite_type(name = "Text"))]
pub struct Json;

/// An id of `core` in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow, AsExpression)]
#[diesel(sql_type = Id)]
pub struct Uid<T: Uuidlike>(pub T);

/// The id types that are UUIDs underneath.
pub trait Uuidlike: Copy + std::fmt::Debug {
    /// The UUID.
    fn uuid(self) -> Uuid;
    /// The id of this type.
    fn from_uuid(uuid: Uuid) -> Self;
}

/// The id of a tenant of another system.
impl Uuidlike for Uuid {
    fn uuid(self) -> Uuid {
        self
    }

    fn from_uuid(uuid: Uuid) -> Self {
        uuid
    }
}

macro_rules! uuidlike {
    ($($name:ty),+ $(,)?) => {$(
        impl Uuidlike for $name {
            fn uuid(self) -> Uuid {
                self.as_uuid()
            }

            fn from_uuid(uuid: Uuid) -> Self {
                Self::from_uuid(uuid)
            }
        }
    )+};
}

uuidlike!(
    ProjectId,
    OrganizationId,
    IdentityId,
    CredentialId,
    SessionId,
    FlowId,
    FlowErrorId,
    CodeId,
    MessageId,
    DispatchId,
    KeyId,
    LeaseToken,
    EventId,
    AttemptId,
    GrantId,
    ChallengeId,
    LoginSessionId,
    TrustedIssuerId,
);

impl<T: Uuidlike> ToSql<Id, Pg> for Uid<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.uuid().as_bytes())?;
        Ok(IsNull::No)
    }
}

impl<T: Uuidlike> ToSql<Id, Sqlite> for Uid<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.uuid().as_bytes().to_vec());
        Ok(IsNull::No)
    }
}

impl<T: Uuidlike> FromSql<Id, Pg> for Uid<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(T::from_uuid(Uuid::from_slice(value.as_bytes())?)))
    }
}

impl<T: Uuidlike> FromSql<Id, Sqlite> for Uid<T> {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(T::from_uuid(Uuid::from_slice(value.read_blob())?)))
    }
}

/// A moment in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow, AsExpression)]
#[diesel(sql_type = Moment)]
pub struct At(pub Timestamp);

/// PostgreSQL counts from the year 2000: this many microseconds after 1970.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// The first and last moment that PostgreSQL can keep, which are also far beyond what anybody means.
const POSTGRES_RANGE: (i64, i64) = (-211_813_488_000_000_000, 9_223_371_331_199_999_999 - POSTGRES_EPOCH);

impl ToSql<Moment, Pg> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = self.0.as_micros().saturating_sub(POSTGRES_EPOCH);
        out.write_all(&micros.clamp(POSTGRES_RANGE.0, POSTGRES_RANGE.1).to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<Moment, Sqlite> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_micros());
        Ok(IsNull::No)
    }
}

impl FromSql<Moment, Pg> for At {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let micros = i64::from_be_bytes(value.as_bytes().try_into()?);
        Ok(Self(Timestamp::from_micros(micros.saturating_add(POSTGRES_EPOCH))))
    }
}

impl FromSql<Moment, Sqlite> for At {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(Timestamp::from_micros(value.read_long())))
    }
}

/// A keyed hash in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow, AsExpression)]
#[diesel(sql_type = Digest)]
pub struct Hash(pub TokenHash);

impl ToSql<Digest, Pg> for Hash {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.0.0)?;
        Ok(IsNull::No)
    }
}

impl ToSql<Digest, Sqlite> for Hash {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.0.as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<Digest, Pg> for Hash {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(TokenHash(value.as_bytes().try_into()?)))
    }
}

impl FromSql<Digest, Sqlite> for Hash {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(TokenHash(value.read_blob().try_into()?)))
    }
}

/// An enum without fields in a text column, under the name that serde gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow, AsExpression)]
#[diesel(sql_type = Text)]
pub struct Word<T: std::fmt::Debug>(pub T);

impl<T: Serialize + std::fmt::Debug> Word<T> {
    fn text(&self) -> Result<String, serde_json::Error> {
        let value = serde_json::to_value(&self.0)?;
        Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}

impl<T: Serialize + std::fmt::Debug> ToSql<Text, Pg> for Word<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.text()?.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl<T: Serialize + std::fmt::Debug> ToSql<Text, Sqlite> for Word<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.text()?);
        Ok(IsNull::No)
    }
}

impl<T: DeserializeOwned + std::fmt::Debug> FromSql<Text, Pg> for Word<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        word(std::str::from_utf8(value.as_bytes())?)
    }
}

impl<T: DeserializeOwned + std::fmt::Debug> FromSql<Text, Sqlite> for Word<T> {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        word(value.read_text())
    }
}

fn word<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> deserialize::Result<Word<T>> {
    let text: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
    Ok(Word(T::deserialize(text)?))
}

/// A value that is kept as one JSON document.
#[derive(Debug, Clone, PartialEq, FromSqlRow, AsExpression)]
#[diesel(sql_type = Json)]
pub struct Document<T: std::fmt::Debug>(pub T);

impl<T: Serialize + std::fmt::Debug> ToSql<Json, Pg> for Document<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        // `jsonb` on the wire: a version byte and the text.
        out.write_all(&[1])?;
        serde_json::to_writer(out, &self.0)?;
        Ok(IsNull::No)
    }
}

impl<T: Serialize + std::fmt::Debug> ToSql<Json, Sqlite> for Document<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(serde_json::to_string(&self.0)?);
        Ok(IsNull::No)
    }
}

impl<T: DeserializeOwned + std::fmt::Debug> FromSql<Json, Pg> for Document<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes().split_first() {
            Some((1, text)) => Ok(Self(serde_json::from_slice(text)?)),
            Some(_) | None => Err("not version 1 of jsonb".into()),
        }
    }
}

impl<T: DeserializeOwned + std::fmt::Debug> FromSql<Json, Sqlite> for Document<T> {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(serde_json::from_str(value.read_text())?))
    }
}
