//! A database of its own for every test.

use std::process::{Command, Stdio};

use orrery_core::{EntropyExt as _, SystemEntropy};
use tempfile::TempDir;
use url::Url;

/// Which database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file in a temporary folder.
    Sqlite,
    /// A database on the server that `ORRERY_TEST_POSTGRES` names.
    Postgres,
}

/// An empty database, removed when dropped.
pub(crate) struct TestDatabase {
    pub(crate) url: String,
    /// For files of the test besides the database.
    pub(crate) folder: TempDir,
    name: Option<String>,
}

impl TestDatabase {
    pub(crate) fn new(backend: Backend) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        match backend {
            Backend::Sqlite => {
                let url = format!("sqlite://{}", folder.path().join("orrery.db").display());
                Self { url, folder, name: None }
            }
            Backend::Postgres => {
                let name = format!("orrery_test_{}", SystemEntropy::default().uuid().simple());
                psql(&format!("CREATE DATABASE {name}"));
                let mut url = server();
                url.set_path(&name);
                Self { url: url.into(), folder, name: Some(name) }
            }
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            psql(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the test command says where its PostgreSQL is")]
fn server() -> Url {
    let Ok(url) = std::env::var("ORRERY_TEST_POSTGRES") else {
        panic!("ORRERY_TEST_POSTGRES is not set: run `make test`, or e2e/postgres/with-postgres before the command");
    };
    Url::parse(&url).expect("ORRERY_TEST_POSTGRES is a URL")
}

/// PostgreSQL's own client, which is installed with the server: the storage crate keeps its SQL to itself.
fn psql(statement: &str) {
    let done = Command::new("psql")
        .args(["--no-psqlrc", "--quiet", "--command", statement, server().as_str()])
        .stdin(Stdio::null())
        .output()
        .expect("psql is installed (Debian: apt-get install postgresql-client)");
    assert!(done.status.success(), "{statement}: {}", String::from_utf8_lossy(&done.stderr));
}
