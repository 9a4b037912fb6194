//! The rules. Each says what is wrong and where; its remedy says what to do about it.

mod arrows;
pub(crate) mod dependencies;
mod generated;
mod homes;
mod layout;
mod marks;
mod migrations;

use crate::repository::Repository;

/// A rule of the repository.
pub(crate) struct Rule {
    /// The rule, in one sentence.
    pub(crate) name: &'static str,
    /// What to do when it is broken.
    pub(crate) remedy: &'static str,
    /// Finds every place that breaks it.
    pub(crate) check: fn(&Repository) -> Vec<Finding>,
}

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// `path` or `path:line`.
    pub(crate) place: String,
    /// What is wrong there.
    pub(crate) what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }

    fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self::new(format!("{path}:{line}"), what)
    }
}

/// Every rule.
pub(crate) const ALL: &[Rule] = &[
    arrows::ARROWS,
    homes::ACTIX,
    homes::SQL,
    homes::CLOCK,
    homes::ENTROPY,
    homes::ENVIRONMENT,
    homes::FILES,
    dependencies::VERSIONS,
    dependencies::REASONS,
    dependencies::LINTS,
    dependencies::LICENCES,
    dependencies::SOURCES,
    layout::MODULES,
    layout::LENGTH,
    marks::MARKS,
    marks::MACHINE_PATHS,
    migrations::PAIRS,
    generated::ERROR_REFERENCE,
];

#[cfg(test)]
pub(crate) fn repository(files: &[(&str, &str)]) -> Repository {
    let files = files
        .iter()
        .map(|(path, text)| crate::repository::File { path: (*path).into(), text: (*text).into() })
        .collect();
    Repository { files, packages: Vec::new() }
}
