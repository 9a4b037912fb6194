//! Repository checks: the rules of `docs/CONTRIBUTING.md` that a machine can hold.
//!
//! `cargo xtask check` runs every rule and prints, for each failure, the rule, the place and what to do.
//! To add a rule, write a function from [`repository::Repository`] to findings in `rules/`, list it in
//! [`rules::ALL`], and add a test that makes it fail.
//!
//! **Architecture invariant:** nothing of ours is a dependency, so that the checks run while the workspace is broken.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

mod error_reference;
mod hash_rate;
mod repository;
mod rules;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use repository::Repository;

const HASH_RATE_SPAN: Duration = Duration::from_secs(5);

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  check       run every repository rule; fails when one is broken
  generate    write docs/errors.md anew
  duplicates  list the crates that are built in more than one version
  hash-rate   print how many Argon2id hashes per second this machine computes (build it with --release)
";

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    let outcome = match command.as_deref() {
        Some("check") => check(),
        Some("generate") => generate(),
        Some("duplicates") => duplicates(),
        Some("hash-rate") => hash_rate(),
        Some(_) | None => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn check() -> anyhow::Result<ExitCode> {
    let repository = Repository::read(root()?).context("could not read the repository")?;
    let mut findings = 0;
    for rule in rules::ALL {
        for finding in (rule.check)(&repository) {
            findings += 1;
            eprintln!("{}: {}\n  rule: {}\n  do:   {}\n", finding.place, finding.what, rule.name, rule.remedy);
        }
    }
    if findings > 0 {
        eprintln!("{findings} broken; {} rules checked", rules::ALL.len());
        return Ok(ExitCode::FAILURE);
    }
    println!("{} rules hold over {} files", rules::ALL.len(), repository.files.len());
    Ok(ExitCode::SUCCESS)
}

fn generate() -> anyhow::Result<ExitCode> {
    let root = root()?;
    let page = error_reference::page(&Repository::read(root)?)?;
    std::fs::write(root.join(error_reference::PAGE), page)
        .with_context(|| format!("could not write {}", error_reference::PAGE))?;
    Ok(ExitCode::SUCCESS)
}

fn duplicates() -> anyhow::Result<ExitCode> {
    let repository = Repository::read(root()?).context("could not read the repository")?;
    for (name, versions) in rules::dependencies::duplicates(&repository.packages) {
        println!("{name} {}", versions.join(" "));
    }
    Ok(ExitCode::SUCCESS)
}

fn hash_rate() -> anyhow::Result<ExitCode> {
    println!("{:.1}", hash_rate::measure(HASH_RATE_SPAN)?);
    Ok(ExitCode::SUCCESS)
}

fn root() -> anyhow::Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("the workspace root is two folders up")
}
