//! Which crate may depend on which.

use super::{Finding, Rule};
use crate::repository::Repository;

pub(super) const ARROWS: Rule = Rule {
    name: "dependencies between our crates follow the table in crates/xtask/src/rules/arrows.rs",
    remedy: "declare a small trait in the crate that needs something and let `server` connect the two; \
             a new arrow needs a page in docs/decisions/",
    check: arrows,
};

/// A crate, what it may depend on, and what its tests may depend on besides.
struct Arrow {
    from: &'static str,
    to: &'static [&'static str],
    tests: &'static [&'static str],
}

const TABLE: &[Arrow] = &[
    Arrow { from: "core", to: &[], tests: &[] },
    Arrow { from: "web", to: &["core"], tests: &[] },
    Arrow { from: "keys", to: &["core", "web"], tests: &[] },
    Arrow { from: "courier", to: &["core", "web"], tests: &[] },
    Arrow { from: "identity", to: &["core", "web", "keys", "courier"], tests: &[] },
    Arrow { from: "oauth2", to: &["core", "web", "keys"], tests: &[] },
    Arrow { from: "ui", to: &["core", "web", "courier", "identity", "oauth2"], tests: &[] },
    Arrow { from: "persistence", to: &["core", "keys", "courier", "identity", "oauth2"], tests: &[] },
    Arrow {
        from: "server",
        to: &["core", "web", "keys", "courier", "identity", "oauth2", "ui", "persistence"],
        tests: &["testkit"],
    },
    Arrow {
        from: "testkit",
        to: &["core", "web", "keys", "courier", "identity", "oauth2", "ui", "persistence", "server"],
        tests: &[],
    },
    Arrow { from: "xtask", to: &[], tests: &[] },
];

fn arrows(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (krate, manifest) in repository.manifests() {
        let Some(arrow) = TABLE.iter().find(|arrow| arrow.from == krate) else {
            findings.push(Finding::new(&manifest.path, format!("the crate `{krate}` is not in the table")));
            continue;
        };
        let mut section = "";
        for (index, line) in manifest.text.lines().enumerate() {
            if line.starts_with('[') {
                section = line;
            }
            let Some(target) = line.strip_prefix("orrery-").and_then(|rest| rest.split(['.', ' ', '=']).next()) else {
                continue;
            };
            let allowed = match section {
                "[dependencies]" => arrow.to.contains(&target),
                "[dev-dependencies]" => arrow.to.contains(&target) || arrow.tests.contains(&target),
                _ => false,
            };
            if !allowed {
                let what = format!("`{krate}` must not depend on `{target}` in {section}");
                findings.push(Finding::at(&manifest.path, index + 1, what));
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
    fn an_allowed_arrow_passes() {
        let manifest = "[dependencies]\norrery-core.workspace = true\n";
        assert_eq!(arrows(&repository(&[("crates/web/Cargo.toml", manifest)])), []);
    }

    #[test]
    fn an_arrow_against_the_table_fails() {
        let manifest = "[dependencies]\norrery-identity.workspace = true\n";
        let findings = arrows(&repository(&[("crates/keys/Cargo.toml", manifest)]));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].place, "crates/keys/Cargo.toml:2");
    }

    #[test]
    fn the_testkit_is_for_tests_only() {
        let product = "[dependencies]\norrery-testkit.workspace = true\n";
        let tests = "[dev-dependencies]\norrery-testkit.workspace = true\n";
        assert_eq!(arrows(&repository(&[("crates/server/Cargo.toml", product)])).len(), 1);
        assert_eq!(arrows(&repository(&[("crates/server/Cargo.toml", tests)])), []);
    }

    #[test]
    fn a_crate_outside_the_table_fails() {
        assert_eq!(arrows(&repository(&[("crates/misc/Cargo.toml", "")])).len(), 1);
    }
}
