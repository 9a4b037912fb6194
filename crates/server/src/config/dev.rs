//! `--dev`: everything that a first look needs, without a file. Secrets are made once and kept under `./data`.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;
use orrery_core::{Entropy, EntropyExt};
use serde_json::json;

/// The database of `--dev`.
#[must_use]
pub fn database_url(data: &Path) -> String {
    format!("sqlite://{}", data.join("orrery.db").display())
}

/// The configuration below all others with `--dev`, as YAML.
///
/// # Errors
/// When the folder cannot be made or the secret cannot be written or read.
pub fn defaults(data: &Path, entropy: &dyn Entropy) -> anyhow::Result<String> {
    std::fs::create_dir_all(data).with_context(|| format!("the folder {} cannot be made", data.display()))?;
    let file = data.join("secret");
    let secret = secret(&file, entropy).with_context(|| format!("the secret in {} cannot be kept", file.display()))?;
    let defaults = json!({
        "serve": { "shutdown_delay": "0s" },
        "database": { "url": database_url(data) },
        "secrets": { "default": [secret] },
        "identity": {
            "courier": { "delivery_strategy": "inbox" },
            "selfservice": {
                "flows": {
                    "registration": { "after": { "hooks": [{ "hook": "session" }, { "hook": "show_verification_ui" }] } },
                    "recovery": { "enabled": true },
                    "verification": { "enabled": true },
                },
                // The check asks another server, and --dev must work without a network.
                "methods": { "password": { "config": { "haveibeenpwned_enabled": false } } },
            },
        },
    });
    Ok(defaults.to_string())
}

/// The secret of an earlier start, or a new one that only this user can read.
fn secret(file: &Path, entropy: &dyn Entropy) -> io::Result<String> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Ok(mut open) => {
            let secret = entropy.alphanumeric(48);
            open.write_all(secret.as_bytes())?;
            Ok(secret)
        }
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {
            Ok(std::fs::read_to_string(file)?.trim_end().to_owned())
        }
        Err(why) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;

    use super::*;
    use crate::config::{Mode, Sources, load};

    #[test]
    fn dev_needs_no_file_and_keeps_its_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let first = defaults(&data, &SystemEntropy::default()).expect("defaults");
        assert_eq!(defaults(&data, &SystemEntropy::default()).expect("defaults"), first);
        let loaded = load(&Sources { defaults: Some(first), mode: Mode::Dev, ..Sources::default() });
        assert_eq!(loaded.expect("a configuration").warnings, Vec::<String>::new());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(data.join("secret")).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
