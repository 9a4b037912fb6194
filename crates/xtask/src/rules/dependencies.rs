//! What we depend on: declared once with its reason, under an accepted licence, from the registry.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Finding, Rule};
use crate::repository::Repository;

pub(super) const VERSIONS: Rule = Rule {
    name: "crates take every dependency from the workspace table",
    remedy: "write the version into [workspace.dependencies] and `name.workspace = true` here",
    check: versions,
};

pub(super) const REASONS: Rule = Rule {
    name: "every dependency of the workspace table says what it is for",
    remedy: "end its line with a comment that says what it is for",
    check: reasons,
};

pub(super) const LINTS: Rule = Rule {
    name: "every crate takes the workspace's lints",
    remedy: "add `[lints]` with `workspace = true`",
    check: lints,
};

pub(super) const LICENCES: Rule = Rule {
    name: "every dependency has an accepted licence",
    remedy: "choose another crate; a further licence is added to the list in crates/xtask only after reading it",
    check: licences,
};

pub(super) const SOURCES: Rule =
    Rule { name: "every dependency comes from crates.io", remedy: "use a published version", check: sources };

/// Licences that a binary under Apache-2.0 may include.
const ACCEPTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "PostgreSQL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The packages that are built in more than one version.
pub(crate) fn duplicates(packages: &[Value]) -> BTreeMap<&str, Vec<&str>> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(text(package, "name")).or_default().insert(text(package, "version"));
    }
    let several = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
    several.map(|(name, versions)| (name, versions.into_iter().collect())).collect()
}

fn versions(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, manifest) in repository.manifests() {
        for (number, line) in dependency_lines(&manifest.text, |section| section.ends_with("dependencies]")) {
            if !line.contains(".workspace = true") && !line.contains("workspace = true,") {
                findings.push(Finding::at(&manifest.path, number, line.trim()));
            }
        }
    }
    findings
}

fn reasons(repository: &Repository) -> Vec<Finding> {
    let Some(manifest) = repository.file("Cargo.toml") else {
        return vec![Finding::new("Cargo.toml", "missing")];
    };
    dependency_lines(&manifest.text, |section| section == "[workspace.dependencies]")
        .filter(|(_, line)| !line.starts_with("orrery-") && !line.contains(" # "))
        .map(|(number, line)| Finding::at(&manifest.path, number, line.trim()))
        .collect()
}

fn lints(repository: &Repository) -> Vec<Finding> {
    repository
        .manifests()
        .filter(|(_, manifest)| !manifest.text.contains("[lints]\nworkspace = true"))
        .map(|(_, manifest)| Finding::new(&manifest.path, "has no `[lints] workspace = true`"))
        .collect()
}

fn licences(repository: &Repository) -> Vec<Finding> {
    repository
        .packages
        .iter()
        .filter(|package| !accepts(text(package, "license")))
        .map(|package| Finding::new(text(package, "name"), format!("licence `{}`", text(package, "license"))))
        .collect()
}

fn sources(repository: &Repository) -> Vec<Finding> {
    repository
        .packages
        .iter()
        .filter(|package| !package["source"].is_null() && text(package, "source") != CRATES_IO)
        .map(|package| Finding::new(text(package, "name"), format!("source `{}`", text(package, "source"))))
        .collect()
}

/// Whether an SPDX expression leaves us a choice of accepted licences.
fn accepts(expression: &str) -> bool {
    let expression = expression.trim();
    if let Some(parts) = split(expression, " AND ") {
        return parts.into_iter().all(accepts);
    }
    if let Some(parts) = split(expression, " OR ").or_else(|| split(expression, "/")) {
        return parts.into_iter().any(accepts);
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => accepts(inner),
        None => ACCEPTED.contains(&expression),
    }
}

/// Splits at an operator that stands outside parentheses; `None` when there is none.
///
/// SPDX binds AND tighter than OR. No crate here mixes them without parentheses; if one does, splitting at AND
/// first asks for more than the licence does, never for less.
fn split<'a>(expression: &'a str, operator: &str) -> Option<Vec<&'a str>> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (index, character) in expression.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 && index >= start && expression[index..].starts_with(operator) => {
                parts.push(&expression[start..index]);
                start = index + operator.len();
            }
            _ => {}
        }
    }
    if parts.is_empty() {
        return None;
    }
    parts.push(&expression[start..]);
    Some(parts)
}

fn dependency_lines(manifest: &str, section: fn(&str) -> bool) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    manifest.lines().enumerate().filter_map(move |(index, line)| {
        if line.starts_with('[') {
            inside = section(line);
            return None;
        }
        let declares = inside && line.contains('=') && !line.starts_with('#');
        declares.then_some((index + 1, line))
    })
}

fn text<'a>(package: &'a Value, field: &str) -> &'a str {
    package[field].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rules::repository;

    #[test]
    fn a_version_outside_the_table_fails() {
        let own = "[dependencies]\nserde = \"1\"\n";
        let shared = "[dependencies]\nserde.workspace = true\n\n[features]\ndefault = []\n";
        assert_eq!(versions(&repository(&[("crates/web/Cargo.toml", own)])).len(), 1);
        assert_eq!(versions(&repository(&[("crates/web/Cargo.toml", shared)])), []);
    }

    #[test]
    fn a_dependency_without_a_reason_fails() {
        let bare = "[workspace.dependencies]\nserde = \"1\"\n";
        let reasoned = "[workspace.dependencies]\nserde = \"1\" # JSON\n[profile.dev]\ndebug = 1\n";
        assert_eq!(reasons(&repository(&[("Cargo.toml", bare)])).len(), 1);
        assert_eq!(reasons(&repository(&[("Cargo.toml", reasoned)])), []);
    }

    #[test]
    fn a_crate_without_lints_fails() {
        assert_eq!(lints(&repository(&[("crates/web/Cargo.toml", "[package]\n")])).len(), 1);
    }

    #[test]
    fn licences_are_judged_as_expressions() {
        for good in ["MIT", "MIT/GPL-3.0", "GPL-2.0 OR MIT", "(MIT OR GPL-2.0) AND ISC", "Apache-2.0 / MIT"] {
            assert!(accepts(good), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND AGPL-3.0", "(GPL-2.0 OR AGPL-3.0) AND MIT", ""] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn a_licence_or_a_source_that_is_not_accepted_fails() {
        let mut repository = repository(&[]);
        repository.packages = vec![json!({"name": "a", "license": "AGPL-3.0", "source": "git+https://example.org"})];
        assert_eq!(licences(&repository).len(), 1);
        assert_eq!(sources(&repository).len(), 1);
    }

    #[test]
    fn two_versions_of_one_crate_are_listed() {
        let packages = [
            json!({"name": "a", "version": "1.0.0"}),
            json!({"name": "a", "version": "2.0.0"}),
            json!({"name": "b", "version": "1.0.0"}),
        ];
        assert_eq!(duplicates(&packages), BTreeMap::from([("a", vec!["1.0.0", "2.0.0"])]));
    }
}
