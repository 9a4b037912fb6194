//! What opens the databases of a Kratos and a Hydra, as their configurations say.

use std::path::Path;

use orrery_identity::kratos::{Algorithm, ProviderCiphers};
use secrecy::SecretString;

use super::load::read_file;
use super::problem::{Problem, Problems};

/// The secrets and the algorithm of a Kratos configuration.
///
/// # Errors
/// When the file cannot be read, or names another algorithm.
pub fn provider_ciphers(path: &Path) -> Result<ProviderCiphers, Problems> {
    let file = read_file(path)?;
    let list = |key: &str| file.get_array(key).unwrap_or_default();
    let secrets = Some(list("secrets.cipher")).filter(|secrets| !secrets.is_empty());
    let secrets = secrets.unwrap_or_else(|| list("secrets.default")).into_iter();
    let algorithm = match file.get_string("ciphers.algorithm").as_deref() {
        Ok("noop") | Err(_) => Algorithm::None,
        Ok("aes") => Algorithm::Aes,
        Ok("xchacha20-poly1305") => Algorithm::XChaCha,
        Ok(_) => {
            let problem = Problem::new("ciphers.algorithm", "not a known algorithm");
            return Err(problem.hint("noop, aes or xchacha20-poly1305").into());
        }
    };
    let secrets = secrets.filter_map(|secret| secret.into_string().ok()).map(SecretString::from).collect();
    Ok(ProviderCiphers { algorithm, secrets })
}

/// `secrets.system` of a Hydra configuration, newest first.
///
/// # Errors
/// When the file cannot be read.
pub fn system_secrets(path: &Path) -> Result<Vec<SecretString>, Problems> {
    let secrets = read_file(path)?.get_array("secrets.system").unwrap_or_default();
    Ok(secrets.into_iter().filter_map(|secret| secret.into_string().ok()).map(SecretString::from).collect())
}
