//! A database of its own for every test.

use std::io::Write as _;
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
pub struct TestDatabase {
    pub(crate) url: String,
    /// For files of the test besides the database.
    pub(crate) folder: TempDir,
    name: Option<String>,
}

impl TestDatabase {
    /// Makes one.
    #[must_use]
    pub fn new(backend: Backend) -> Self {
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

    /// Where it is, as a configuration names it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs a script in the database's own shell; what it prints.
    #[must_use]
    pub fn script(&self, script: &str) -> String {
        match self.url.strip_prefix("sqlite://") {
            Some(path) => shell("sqlite3", &["-bail", path], script),
            None => shell(
                "psql",
                &["--no-psqlrc", "--quiet", "--tuples-only", "--set", "ON_ERROR_STOP=1", &self.url],
                script,
            ),
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

fn psql(statement: &str) {
    shell("psql", &["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", server().as_str()], &format!("{statement};"));
}

/// The databases' own shells: the storage crate keeps its SQL to itself.
fn shell(program: &str, arguments: &[&str], script: &str) -> String {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|why| {
            panic!("{program} cannot be run ({why}); Debian has it in postgresql-client and sqlite3")
        });
    let mut input = child.stdin.as_ref().expect("its input");
    // One that has failed already reads no further; what it says is shown below.
    let _: std::io::Result<()> = input.write_all(script.as_bytes());
    let done = child.wait_with_output().expect("it ends");
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}
