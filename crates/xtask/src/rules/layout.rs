//! How files are laid out.

use super::{Finding, Rule};
use crate::repository::Repository;

/// A file beyond this many lines usually holds two subjects.
const MAXIMUM_LINES: usize = 500;

pub(super) const MODULES: Rule = Rule {
    name: "a module with children lives in `name/mod.rs`",
    remedy: "move `name.rs` to `name/mod.rs`",
    check: modules,
};

pub(super) const LENGTH: Rule = Rule {
    name: "no source file is longer than 500 lines",
    remedy: "split the file by verb; aim at 100 to 250 lines",
    check: length,
};

fn modules(repository: &Repository) -> Vec<Finding> {
    let is_doubled = |path: &str| {
        let folder = format!("{}/", path.trim_end_matches(".rs"));
        repository.rust().any(|other| other.path.starts_with(&folder))
    };
    repository
        .rust()
        .filter(|file| is_doubled(&file.path))
        .map(|file| Finding::new(&file.path, "a file and a folder share this module's name"))
        .collect()
}

fn length(repository: &Repository) -> Vec<Finding> {
    const SOURCES: &[&str] = &[".rs", ".sql", ".py", ".mjs", ".sh"];
    repository
        .files
        .iter()
        .filter(|file| SOURCES.iter().any(|suffix| file.path.ends_with(suffix)))
        .filter_map(|file| {
            let lines = file.text.lines().count();
            (lines > MAXIMUM_LINES).then(|| Finding::new(&file.path, format!("{lines} lines")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::repository;

    #[test]
    fn a_file_beside_its_folder_fails() {
        let doubled = [("crates/keys/src/sets.rs", ""), ("crates/keys/src/sets/read.rs", "")];
        assert_eq!(modules(&repository(&doubled)).len(), 1);
        let tidy = [("crates/keys/src/sets/mod.rs", ""), ("crates/keys/src/sets/read.rs", "")];
        assert_eq!(modules(&repository(&tidy)), []);
    }

    #[test]
    fn a_long_file_fails() {
        let long = "\n".repeat(MAXIMUM_LINES + 1);
        assert_eq!(length(&repository(&[("crates/keys/src/a.rs", &long)])).len(), 1);
        let limit = "\n".repeat(MAXIMUM_LINES);
        assert_eq!(length(&repository(&[("crates/keys/src/a.rs", &limit)])), []);
    }
}
