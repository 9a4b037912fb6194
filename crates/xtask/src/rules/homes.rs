//! Some things may be touched in one place only: actix, SQL, the clock, randomness, the environment, files.

use super::{Finding, Rule};
use crate::repository::{File, Repository};

pub(super) const ACTIX: Rule = Rule {
    name: "only `http/` rooms and the crates web, ui, server and testkit mention actix",
    remedy: "move parsing and rendering into the crate's `http/` folder; the use case takes and returns plain types",
    check: |repository| {
        find(repository, &["actix_", "actix-"], |file| {
            ["web", "ui", "server", "testkit"].contains(&krate(file))
                || file.path.contains("/http/")
                || file.path.ends_with("/http.rs")
        })
    },
};

pub(super) const SQL: Rule = Rule {
    name: "only `persistence` knows SQL",
    remedy: "add a method to the crate's store trait, named after what it means, and implement it in persistence",
    check: |repository| find(repository, &["diesel", "libsqlite3_sys", "pq_sys"], |file| krate(file) == "persistence"),
};

pub(super) const CLOCK: Rule = Rule {
    name: "only core::time reads the clock",
    remedy: "take `now: Timestamp` as an argument; the request context carries it",
    check: |repository| {
        find(repository, &["SystemTime::now", "Utc::now", "Local::now", "OffsetDateTime::now"], |file| {
            file.path == "crates/core/src/time.rs" || TOOLS.contains(&krate(file))
        })
    },
};

pub(super) const ENTROPY: Rule = Rule {
    name: "only core::entropy makes random bytes",
    remedy: "take `&dyn Entropy` as an argument; ids come from core::id",
    check: |repository| {
        find(repository, &["SystemRandom", "Uuid::new_v4", "rand::rng", "rand::random", "getrandom", "OsRng"], |file| {
            // Signing takes its nonces and paddings from the library that signs.
            file.path == "crates/core/src/entropy.rs"
                || file.path.starts_with("crates/keys/src/sign/")
                || TOOLS.contains(&krate(file))
        })
    },
};

pub(super) const ENVIRONMENT: Rule = Rule {
    name: "only `server` reads the environment",
    remedy: "give the crate a plain settings struct and let server/config fill it",
    check: |repository| {
        find(repository, &["env::var", "env::args", "env::temp_dir", "env::current_dir"], |file| {
            krate(file) == "server" || TOOLS.contains(&krate(file))
        })
    },
};

pub(super) const FILES: Rule = Rule {
    name: "only `server` reads and writes files",
    remedy: "let server/config read the file and hand over its content",
    check: |repository| {
        find(repository, &["std::fs", "tokio::fs", "File::open", "File::create"], |file| {
            // The embedded database is a file.
            file.path.starts_with("crates/persistence/src/sqlite/")
                || krate(file) == "server"
                || TOOLS.contains(&krate(file))
        })
    },
};

/// Crates that never run in production.
const TOOLS: &[&str] = &["testkit", "xtask"];

fn krate(file: &File) -> &str {
    file.krate().unwrap_or_default()
}

fn find(repository: &Repository, words: &[&str], home: fn(&File) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.rust().filter(|file| krate(file) != "xtask" && !home(file)) {
        for (number, line) in file.product_lines() {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                findings.push(Finding::at(&file.path, number, format!("`{word}` is not at home here")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::repository;

    fn findings(rule: &Rule, path: &str, text: &str) -> usize {
        (rule.check)(&repository(&[(path, text)])).len()
    }

    #[test]
    fn actix_stays_in_http_rooms() {
        assert_eq!(findings(&ACTIX, "crates/keys/src/rotate.rs", "use actix_web::web;\n"), 1);
        assert_eq!(findings(&ACTIX, "crates/keys/src/http/sets.rs", "use actix_web::web;\n"), 0);
        assert_eq!(findings(&ACTIX, "crates/web/src/page.rs", "use actix_web::web;\n"), 0);
    }

    #[test]
    fn sql_stays_in_persistence() {
        assert_eq!(findings(&SQL, "crates/identity/src/store.rs", "use diesel::prelude::*;\n"), 1);
        assert_eq!(findings(&SQL, "crates/persistence/src/schema.rs", "use diesel::prelude::*;\n"), 0);
    }

    #[test]
    fn the_clock_has_one_home() {
        assert_eq!(findings(&CLOCK, "crates/server/src/main.rs", "let now = SystemTime::now();\n"), 1);
        assert_eq!(findings(&CLOCK, "crates/core/src/time.rs", "let now = SystemTime::now();\n"), 0);
    }

    #[test]
    fn randomness_has_one_home() {
        assert_eq!(findings(&ENTROPY, "crates/keys/src/a.rs", "SystemRandom::new();\n"), 1);
        assert_eq!(findings(&ENTROPY, "crates/core/src/entropy.rs", "SystemRandom::new();\n"), 0);
    }

    #[test]
    fn the_environment_belongs_to_the_server() {
        assert_eq!(findings(&ENVIRONMENT, "crates/courier/src/a.rs", "std::env::var(\"A\");\n"), 1);
        assert_eq!(findings(&ENVIRONMENT, "crates/server/src/cli.rs", "std::env::var(\"A\");\n"), 0);
    }

    #[test]
    fn files_belong_to_the_server() {
        assert_eq!(findings(&FILES, "crates/courier/src/a.rs", "std::fs::read(path);\n"), 1);
        assert_eq!(findings(&FILES, "crates/server/src/config/a.rs", "std::fs::read(path);\n"), 0);
    }

    #[test]
    fn tests_and_comments_are_free() {
        let text = "// std::fs\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
        assert_eq!(findings(&FILES, "crates/core/src/a.rs", text), 0);
    }
}
