//! Both databases have the same migrations, each with a way back.

use std::collections::BTreeSet;

use super::{Finding, Rule};
use crate::repository::Repository;

pub(super) const PAIRS: Rule = Rule {
    name: "every migration exists under the same name for both databases, with up.sql and down.sql",
    remedy: "add the missing file; the two schemas must stay equal",
    check: pairs,
};

const BACKENDS: [&str; 2] = ["postgres", "sqlite"];

fn pairs(repository: &Repository) -> Vec<Finding> {
    let names: BTreeSet<&str> = repository
        .files
        .iter()
        .filter_map(|file| {
            let (backend, rest) = file.path.strip_prefix("migrations/")?.split_once('/')?;
            let (name, _) = rest.split_once('/')?;
            BACKENDS.contains(&backend).then_some(name)
        })
        .collect();
    let mut findings = Vec::new();
    for name in names {
        for backend in BACKENDS {
            for half in ["up.sql", "down.sql"] {
                let path = format!("migrations/{backend}/{name}/{half}");
                match repository.file(&path) {
                    None => findings.push(Finding::new(path, "missing")),
                    Some(file) if file.text.trim().is_empty() => findings.push(Finding::new(path, "empty")),
                    Some(_) => {}
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::repository;

    const COMPLETE: [(&str, &str); 4] = [
        ("migrations/postgres/1_a/up.sql", "x"),
        ("migrations/postgres/1_a/down.sql", "x"),
        ("migrations/sqlite/1_a/up.sql", "x"),
        ("migrations/sqlite/1_a/down.sql", "x"),
    ];

    #[test]
    fn four_halves_are_complete() {
        assert_eq!(pairs(&repository(&COMPLETE)), []);
    }

    #[test]
    fn a_missing_half_fails() {
        for missing in 0..COMPLETE.len() {
            let mut files = COMPLETE.to_vec();
            let (path, _) = files.remove(missing);
            assert_eq!(pairs(&repository(&files)), [Finding::new(path, "missing")]);
        }
    }

    #[test]
    fn an_empty_half_fails() {
        let mut files = COMPLETE.to_vec();
        files[1].1 = "\n";
        assert_eq!(pairs(&repository(&files)).len(), 1);
    }
}
