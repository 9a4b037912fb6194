//! Text that must not stand in the repository: unfinished work, and paths of somebody's machine.

use super::{Finding, Rule};
use crate::repository::{File, Repository};

pub(super) const MARKS: Rule = Rule {
    name: "nothing is left unfinished: no stubs, no ignored tests, no reminders",
    remedy: "finish it, or delete it and write the gap down where a reader looks for it",
    check: marks,
};

pub(super) const MACHINE_PATHS: Rule = Rule {
    name: "no path of one machine stands in the repository",
    remedy: "use a path relative to the repository, or a configuration key",
    check: machine_paths,
};

// Split, so that this file does not find itself.
const UNFINISHED: &[&str] = &[
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[", "ignore"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("test", ".skip("),
    concat!("test", ".todo("),
    concat!("pytest.mark", ".skip"),
    concat!("pytest", ".skip("),
];

const MACHINE: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/home", "/"), concat!("/tmp", "/t/")];

/// The contracts are kept as they were given.
const AS_GIVEN: &str = "docs/api/";

fn marks(repository: &Repository) -> Vec<Finding> {
    find(repository, UNFINISHED, |file| {
        [".rs", ".sql", ".py", ".mjs", ".js", ".sh", ".html", ".toml"].iter().any(|suffix| file.path.ends_with(suffix))
    })
}

fn machine_paths(repository: &Repository) -> Vec<Finding> {
    find(repository, MACHINE, |file| !file.path.ends_with(".lock"))
}

fn find(repository: &Repository, words: &[&str], concerned: fn(&File) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.files.iter().filter(|file| !file.path.starts_with(AS_GIVEN) && concerned(file)) {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                findings.push(Finding::at(&file.path, index + 1, format!("`{word}`")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::repository;

    #[test]
    fn every_mark_is_found() {
        for mark in UNFINISHED {
            assert_eq!(marks(&repository(&[("crates/keys/src/a.rs", mark)])).len(), 1, "{mark}");
        }
    }

    #[test]
    fn every_machine_path_is_found() {
        for path in MACHINE {
            assert_eq!(machine_paths(&repository(&[("README.md", path)])).len(), 1, "{path}");
        }
    }

    #[test]
    fn the_contracts_are_kept_as_given() {
        assert_eq!(marks(&repository(&[("docs/api/a.rs", UNFINISHED[3])])), []);
    }
}
