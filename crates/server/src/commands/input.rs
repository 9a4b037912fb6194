//! What commands read.

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// When it cannot be read, or is no text.
pub(super) fn read(file: &Path) -> anyhow::Result<String> {
    let read = if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.with_context(|| format!("{} cannot be read", file.display()))
}
