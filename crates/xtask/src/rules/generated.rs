//! Generated pages are up to date.

use super::{Finding, Rule};
use crate::error_reference;
use crate::repository::Repository;

pub(super) const ERROR_REFERENCE: Rule = Rule {
    name: "docs/errors.md lists every error id and message",
    remedy: "explain a new id in crates/xtask/src/error_reference.rs; then run `cargo xtask generate`",
    check: error_reference,
};

fn error_reference(repository: &Repository) -> Vec<Finding> {
    let mut findings: Vec<Finding> = error_reference::unexplained(repository)
        .into_iter()
        .map(|(path, line, id)| Finding::at(&path, line, format!("`{id}` is not explained")))
        .collect();
    match error_reference::page(repository) {
        Ok(page) if repository.file(error_reference::PAGE).is_some_and(|file| file.text == page) => {}
        Ok(_) => findings.push(Finding::new(error_reference::PAGE, "differs from the sources")),
        Err(error) => findings.push(Finding::new(error_reference::PAGE, format!("cannot be made: {error:#}"))),
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::repository;

    #[test]
    fn a_page_that_differs_from_the_sources_fails() {
        let catalogue = ("crates/identity/src/flow/catalogue.rs", "\ncatalogue! {\nA = 1 Info \"a\" [];\n}\n");
        let page = error_reference::page(&repository(&[catalogue])).unwrap();
        assert_eq!(error_reference(&repository(&[catalogue, (error_reference::PAGE, &page)])), []);
        assert_eq!(error_reference(&repository(&[catalogue, (error_reference::PAGE, "old")])).len(), 1);
        assert_eq!(error_reference(&repository(&[catalogue])).len(), 1);
    }
}
