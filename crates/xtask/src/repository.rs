//! What the rules look at: the text files of the repository and the packages that cargo resolved.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

/// What tools made, wherever it stands. (In a linked worktree `.git` is a file.)
const SKIPPED: &[&str] = &[".git", ".venv", "node_modules", "target", "__pycache__", ".pytest_cache"];
/// Folders that hold what tools made, named from the root.
const SKIPPED_PATHS: &[&str] = &["data", "e2e/artifacts", "bench-results"];

/// The repository, read once.
#[derive(Debug, Default)]
pub(crate) struct Repository {
    /// Every text file.
    pub(crate) files: Vec<File>,
    /// Every package of the resolved dependency graph, as `cargo metadata` tells them.
    pub(crate) packages: Vec<Value>,
}

/// One text file.
#[derive(Debug)]
pub(crate) struct File {
    /// Path from the root, with forward slashes.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
}

impl Repository {
    /// Reads every text file below `root` and asks cargo for the packages.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        collect(root, root, &mut files)?;
        files.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(Self { files, packages: packages(root)? })
    }

    /// The file at exactly this path.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust files of our crates.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.starts_with("crates/") && file.path.ends_with(".rs"))
    }

    /// The manifests of our crates, with the crate's folder name.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().filter_map(|file| {
            let name = file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
            Some((name, file))
        })
    }
}

impl File {
    /// The crate's folder name, for a file below `crates/`.
    pub(crate) fn krate(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Whether the whole file exists for tests only.
    pub(crate) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// The lines that end up in the product, with their numbers: no comments, no `#[cfg(test)]` items.
    pub(crate) fn product_lines(&self) -> Vec<(usize, &str)> {
        if self.is_test() {
            return Vec::new();
        }
        let mut lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let mut product = Vec::new();
        while let Some((number, line)) = lines.next() {
            let trimmed = line.trim_start();
            if trimmed.starts_with("#[cfg(test)]") {
                skip_item(&mut lines, line.len() - trimmed.len());
            } else if !trimmed.starts_with("//") {
                product.push((number, line));
            }
        }
        product
    }
}

/// Skips one item that begins on the next line: up to its `;`, or up to the `}` at its own indentation.
fn skip_item<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>, indentation: usize) {
    for (_, line) in lines {
        let end = line.trim_end();
        let indented = line.len() - line.trim_start().len();
        if indented == indentation && (end.ends_with(';') || end.ends_with('}')) {
            return;
        }
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))?;
    for entry in entries {
        let path: PathBuf = entry?.path();
        let relative = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if SKIPPED.contains(&name.as_ref()) || SKIPPED_PATHS.contains(&relative.as_str()) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            files.push(File { path: relative, text });
        }
    }
    Ok(())
}

fn packages(root: &Path) -> anyhow::Result<Vec<Value>> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()
        .context("could not run cargo metadata")?;
    anyhow::ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Value = serde_json::from_slice(&output.stdout)?;
    match metadata["packages"].take() {
        Value::Array(packages) => Ok(packages),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            anyhow::bail!("cargo metadata names no packages")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn product_lines_leave_out_comments_and_test_items() {
        let file = File {
            path: "crates/core/src/a.rs".into(),
            text: "//! doc\nfn a() {\n    b();\n}\n#[cfg(test)]\nuse x;\nfn c() {}\n#[cfg(test)]\nmod tests {\n    fn d() {}\n}\n"
                .into(),
        };
        let lines: Vec<usize> = file.product_lines().into_iter().map(|(number, _)| number).collect();
        assert_eq!(lines, [2, 3, 4, 7]);
    }

    #[test]
    fn a_test_folder_has_no_product_lines() {
        let file = File { path: "crates/core/tests/it/main.rs".into(), text: "fn main() {}".into() };
        assert!(file.product_lines().is_empty());
    }
}
