//! A migrated database of its own for every test, on either engine.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection, sql_query};
use orrery_core::id::ProjectId;
use orrery_core::{EntropyExt, SystemEntropy};
use orrery_persistence::{Database, DatabaseConfig};
use url::Url;

/// The project that a test works in.
pub(crate) const OURS: ProjectId = ProjectId::DEFAULT;

/// Another project. It must see nothing of [`OURS`].
pub(crate) const THEIRS: ProjectId = ProjectId::from_uuid(uuid::Uuid::from_u128(0x7e1));

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// An open database that disappears with the value.
pub(crate) struct Stage {
    pub(crate) database: Database,
    pub(crate) place: Place,
}

/// Where a database is; dropping it removes the database.
pub(crate) struct Place {
    pub(crate) engine: Engine,
    pub(crate) url: String,
    folder: Option<tempfile::TempDir>,
}

impl Place {
    /// An empty place.
    pub(crate) fn new(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let url = format!("sqlite://{}", folder.path().join("orrery.db").display());
                Self { engine, url, folder: Some(folder) }
            }
            Engine::Postgres => {
                let mut url = server();
                let name = format!("orrery_test_{}", SystemEntropy::default().uuid().simple());
                administer(&format!("CREATE DATABASE {name}"));
                // Nobody pulls the plug of the server here; the process that is killed is ours.
                administer(&format!("ALTER DATABASE {name} SET synchronous_commit = off"));
                url.set_path(&name);
                Self { engine, url: url.into(), folder: None }
            }
        }
    }

    /// The usual settings.
    pub(crate) fn config(&self) -> DatabaseConfig {
        DatabaseConfig::new(self.url.clone())
    }

    /// Opens and migrates it.
    pub(crate) async fn open(self, config: &DatabaseConfig) -> Stage {
        let database = Database::connect(config).expect("opens");
        database.migrate_up().await.expect("migrates");
        Stage { database, place: self }
    }

    /// A connection beside the ones under test.
    pub(crate) fn beside(&self) -> Beside {
        match self.engine {
            Engine::Sqlite => {
                let path = self.url.strip_prefix("sqlite://").expect("a SQLite URL");
                Beside::Sqlite(SqliteConnection::establish(path).expect("opens"))
            }
            Engine::Postgres => Beside::Postgres(PgConnection::establish(&self.url).expect("connects")),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.folder.is_none() {
            let name = self.url.rsplit_once('/').expect("a database").1.to_owned();
            administer(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

impl Stage {
    /// A fresh database with the usual settings.
    pub(crate) async fn new(engine: Engine) -> Self {
        let place = Place::new(engine);
        let config = place.config();
        let stage = place.open(&config).await;
        stage.beside().run(match engine {
            Engine::Sqlite => {
                "INSERT INTO projects VALUES (x'000000000000000000000000000007e1', 'theirs', 'Theirs', 0, 0)"
            }
            Engine::Postgres => {
                "INSERT INTO projects VALUES ('00000000-0000-0000-0000-0000000007e1', 'theirs', 'Theirs', now(), now())"
            }
        });
        stage
    }

    /// A connection beside the ones under test.
    pub(crate) fn beside(&self) -> Beside {
        self.place.beside()
    }
}

/// A connection beside the ones under test.
pub(crate) enum Beside {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

impl Beside {
    pub(crate) fn run(&mut self, sql: &str) {
        match self {
            Self::Sqlite(connection) => sql_query(sql).execute(connection),
            Self::Postgres(connection) => sql_query(sql).execute(connection),
        }
        .expect("runs");
    }

    /// Runs several statements.
    pub(crate) fn script(&mut self, sql: &str) {
        match self {
            Self::Sqlite(connection) => connection.batch_execute(sql),
            Self::Postgres(connection) => connection.batch_execute(sql),
        }
        .expect("runs");
    }

    /// The single number that a query returns under the name `count`.
    pub(crate) fn count(&mut self, sql: &str) -> i64 {
        let counted: Count = match self {
            Self::Sqlite(connection) => sql_query(sql).get_result(connection),
            Self::Postgres(connection) => sql_query(sql).get_result(connection),
        }
        .expect("counts");
        counted.count
    }

    /// How many rows a table has.
    pub(crate) fn rows(&mut self, table: &str) -> i64 {
        self.count(&format!("SELECT count(*) AS count FROM {table}"))
    }

    /// Keeps everybody else from writing `table` until [`Beside::release`]. SQLite locks the whole database.
    pub(crate) fn hold(&mut self, table: &str) {
        match self {
            Self::Sqlite(_) => self.run("BEGIN IMMEDIATE"),
            Self::Postgres(_) => {
                self.run("BEGIN");
                self.run(&format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"));
            }
        }
    }

    pub(crate) fn release(&mut self) {
        self.run("COMMIT");
    }
}

/// The PostgreSQL server for tests.
fn server() -> Url {
    #[expect(clippy::disallowed_methods, reason = "tests are told by the environment which server to use")]
    let url = std::env::var("ORRERY_TEST_POSTGRES").expect(
        "ORRERY_TEST_POSTGRES must name a PostgreSQL server whose user may create databases. \
         Run `make test`, or e2e/postgres/with-postgres cargo test -p orrery-persistence",
    );
    Url::parse(&url).expect("ORRERY_TEST_POSTGRES is a URL")
}

fn administer(sql: &str) {
    let mut connection = PgConnection::establish(server().as_str()).expect("the PostgreSQL server for tests answers");
    sql_query(sql).execute(&mut connection).expect("may create and drop databases");
}

/// Makes a test of each function on both engines.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::stage::Stage::new(crate::stage::Engine::Sqlite).await).await;
            }
        )+}

        mod postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::stage::Stage::new(crate::stage::Engine::Postgres).await).await;
            }
        )+}
    };
}
pub(crate) use on_both_engines;

/// Runs the same step sixteen times at once and returns what each made of it.
pub(crate) async fn sixteen_times<T, F>(step: impl Fn() -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let racers: Vec<_> = (0..16).map(|_| tokio::spawn(step())).collect();
    let finished = futures_util::future::join_all(racers).await;
    finished.into_iter().map(|outcome| outcome.expect("does not panic")).collect()
}
