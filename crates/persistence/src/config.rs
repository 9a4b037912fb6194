//! Where the database is and how hard to use it.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

/// What is needed to open a database. Its `Debug` output holds no password.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// The URL; see [`DatabaseConfig::new`] for its forms.
    pub url: SecretString,
    /// Connections to PostgreSQL; 8 unless the URL's `max_conns` says otherwise. SQLite has one writer and two readers.
    pub connections: usize,
    /// Calls that may wait for a database thread before further ones are turned away; 1024.
    pub queue: usize,
    /// How long a caller waits for an answer, and PostgreSQL lets a statement run; 10 s.
    pub timeout: Duration,
    /// How much memory the cache of sessions may take, in bytes; 32 MiB. 0 for none.
    pub session_cache: u64,
    /// How much memory the cache of OAuth2 clients may take, in bytes; 8 MiB. 0 for none.
    pub client_cache: u64,
}

/// The URL does not name a database that Orrery can use. The text never repeats the URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; use sqlite:///absolute/path.db, sqlite://relative/path.db, memory or postgres://user:password@host/database"
)]
pub struct InvalidUrl(&'static str);

impl DatabaseConfig {
    /// The usual settings for a URL:
    ///
    /// - `sqlite:///absolute/path.db`, `sqlite://relative/path.db`; parameters such as Kratos' `?_fk=true` are accepted and ignored,
    /// - `memory`: a private SQLite database that is gone when it is closed,
    /// - `postgres://…`, `postgresql://…` with libpq's parameters, and Kratos' `max_conns`.
    #[must_use]
    pub fn new(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            connections: 8,
            queue: 1024,
            timeout: Duration::from_secs(10),
            session_cache: 32 << 20,
            client_cache: 8 << 20,
        }
    }

    /// Reads the URL.
    pub(crate) fn location(&self) -> Result<Location, InvalidUrl> {
        let url = self.url.expose_secret();
        if url == "memory" {
            return Ok(Location::Memory);
        }
        let (scheme, rest) = url.split_once(':').ok_or(InvalidUrl("the database URL has no scheme"))?;
        match scheme {
            "sqlite" | "sqlite3" => sqlite(rest),
            "postgres" | "postgresql" => Ok(postgres(rest)),
            "mysql" | "cockroach" => Err(InvalidUrl("this database is not supported")),
            _ => Err(InvalidUrl("the scheme of the database URL is not known")),
        }
    }
}

/// A database URL that has been understood.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// An SQLite database that nobody else sees.
    Memory,
    /// An SQLite file.
    File(PathBuf),
    /// A PostgreSQL URL as libpq wants it, and the number of connections when it names one.
    Postgres { url: String, connections: Option<usize> },
}

fn sqlite(rest: &str) -> Result<Location, InvalidUrl> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let path = rest.split_once('?').map_or(rest, |(path, _)| path);
    match path.strip_prefix("file:").unwrap_or(path) {
        "" => Err(InvalidUrl("the database URL names no file")),
        ":memory:" => Ok(Location::Memory),
        path if rest.contains("mode=memory") && !path.contains('/') => Ok(Location::Memory),
        path => Ok(Location::File(path.into())),
    }
}

/// Parameters that Go's drivers know and libpq refuses.
const POOL_PARAMETERS: [&str; 4] = ["max_conns", "max_idle_conns", "max_conn_lifetime", "max_conn_idle_time"];

/// Bounds that the operator has not set: a peer that has vanished is noticed within seconds.
const DEFAULTS: [(&str, &str); 6] = [
    ("application_name", "orrery"),
    ("connect_timeout", "5"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "10000"),
];

fn postgres(rest: &str) -> Location {
    let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut parameters = Vec::new();
    let mut connections = None;
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        if name == "max_conns" {
            connections = value.parse().ok().filter(|count| *count > 0);
        }
        if !POOL_PARAMETERS.contains(&name) {
            parameters.push((name, value));
        }
    }
    for default in DEFAULTS {
        if parameters.iter().all(|(name, _)| *name != default.0) {
            parameters.push(default);
        }
    }
    let query: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Location::Postgres { url: format!("postgresql:{base}?{}", query.join("&")), connections }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(url: &str) -> Result<Location, InvalidUrl> {
        DatabaseConfig::new(url).location()
    }

    fn file(url: &str) -> Option<String> {
        match location(url) {
            Ok(Location::File(path)) => Some(path.to_string_lossy().into_owned()),
            Ok(Location::Memory | Location::Postgres { .. }) | Err(_) => None,
        }
    }

    #[test]
    fn sqlite_urls_name_a_file() {
        assert_eq!(file("sqlite:///var/lib/orrery.db").as_deref(), Some("/var/lib/orrery.db"));
        assert_eq!(file("sqlite://data/orrery.db").as_deref(), Some("data/orrery.db"));
        assert_eq!(file("sqlite:///var/db.sqlite?_fk=true&mode=rwc").as_deref(), Some("/var/db.sqlite"));
        assert_eq!(file("sqlite://file:/tmp/db.sqlite?_fk=true").as_deref(), Some("/tmp/db.sqlite"));
    }

    #[test]
    fn memory_has_several_spellings() {
        for url in ["memory", "sqlite://:memory:", "sqlite://file::memory:?cache=shared", "sqlite://file:x?mode=memory"]
        {
            assert!(location(url) == Ok(Location::Memory), "{url}");
        }
    }

    #[test]
    fn pool_parameters_of_other_drivers_do_not_reach_libpq() {
        let url = "postgres://ory:secret@db:5432/ory?sslmode=disable&max_conns=20&max_idle_conns=4&connect_timeout=1";
        let Ok(Location::Postgres { url, connections }) = location(url) else { panic!("a PostgreSQL URL") };
        assert_eq!(connections, Some(20));
        assert!(url.starts_with(
            "postgresql://ory:secret@db:5432/ory?sslmode=disable&connect_timeout=1&application_name=orrery"
        ));
        assert!(!url.contains("max_"));
    }

    #[test]
    fn errors_and_debug_output_do_not_repeat_the_password() {
        for url in ["mysql://root:secret@db/x", "nonsense://root:secret@db", "secret", "sqlite://"] {
            let config = DatabaseConfig::new(url);
            let error = config.location().err().expect("refused").to_string();
            assert!(!error.contains("secret") && !format!("{config:?}").contains("secret"), "{url}");
        }
    }
}
