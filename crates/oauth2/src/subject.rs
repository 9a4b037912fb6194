//! What a client learns as `sub` (OpenID Connect Core section 8).

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::ExposeSecret as _;
use url::Url;

use crate::client::{Client, SubjectType};
use crate::config::Config;
use crate::error::{ErrorCode, OAuth2Error};

/// The `sub` of a pairwise client; `None` where it learns the subject itself.
///
/// The value is Hydra's, bit for bit, so that people keep their `sub` when an installation moves: the lower-case
/// SHA-256 of sector, subject and salt, where the sector is the whole `sector_identifier_uri` or the host of the one redirect
/// address.
///
/// # Errors
/// `invalid_request` when the server is not set up for pairwise subjects, or the client has no sector.
pub fn obfuscated(
    config: &Config,
    client: &Client,
    subject: &str,
    forced: Option<&str>,
) -> Result<Option<String>, OAuth2Error> {
    match client.subject_type {
        SubjectType::Public => return Ok(None),
        SubjectType::Pairwise => {}
    }
    let refused = |reason: &'static str| Err(OAuth2Error::new(ErrorCode::InvalidRequest, reason));
    let Some(salt) = config.pairwise_salt.as_ref().filter(|_| config.subject_types.contains(&SubjectType::Pairwise))
    else {
        return refused("The client asks for pairwise subjects, for which this server is not set up.");
    };
    if let Some(forced) = forced.filter(|forced| !forced.is_empty()) {
        return Ok(Some(forced.to_owned()));
    }
    let sector = match (&client.sector_identifier_uri, client.redirect_uris.as_slice()) {
        (Some(uri), _) if !uri.is_empty() => Some(uri.clone()),
        (_, [only]) => Url::parse(only).ok().and_then(|url| {
            let host = url.host_str()?.to_owned();
            Some(url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
        }),
        (_, _) => None,
    };
    let Some(sector) = sector else {
        return refused(
            "The client asks for pairwise subjects and has more than one redirect address, or none with a host: \
             register a 'sector_identifier_uri'.",
        );
    };
    let text = format!("{sector}{subject}{}", salt.expose_secret());
    Ok(Some(digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::samples;

    fn config() -> Config {
        Config {
            subject_types: vec![SubjectType::Public, SubjectType::Pairwise],
            pairwise_salt: Some("some salt".into()),
            ..samples::config()
        }
    }

    fn pairwise(redirect_uris: &[&str], sector: Option<&str>) -> Client {
        Client {
            subject_type: SubjectType::Pairwise,
            redirect_uris: redirect_uris.iter().map(|uri| (*uri).to_owned()).collect(),
            sector_identifier_uri: sector.map(str::to_owned),
            ..samples::client()
        }
    }

    #[test]
    fn a_pairwise_subject_differs_by_sector_and_is_hydras() {
        let config = config();
        let of = |client: &Client| obfuscated(&config, client, "ada", None).ok().flatten();
        assert_eq!(of(&samples::client()), None, "a public client learns the subject itself");
        let one = of(&pairwise(&["https://app.example:8443/cb"], None));
        let expected = digest(&SHA256, b"app.example:8443adasome salt");
        let expected: String = expected.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(one, Some(expected));
        let sector = Some("https://sector.example/uris.json");
        let several = ["https://a.example/", "https://b.example/"];
        assert_eq!(of(&pairwise(&several, sector)), of(&pairwise(&["https://c.example/"], sector)));
        assert_ne!(of(&pairwise(&several, sector)), one);
    }

    #[test]
    fn a_forced_subject_is_taken_word_by_word() {
        let client = pairwise(&["https://app.example/"], None);
        assert_eq!(obfuscated(&config(), &client, "ada", Some("a")).ok().flatten().as_deref(), Some("a"));
        assert_eq!(obfuscated(&config(), &samples::client(), "ada", Some("a")).ok().flatten(), None);
    }

    #[test]
    fn without_salt_or_sector_there_is_no_subject() {
        let client = pairwise(&["https://app.example/"], None);
        for config in [samples::config(), Config { pairwise_salt: None, ..config() }] {
            assert!(obfuscated(&config, &client, "ada", None).is_err());
        }
        assert!(
            obfuscated(&config(), &pairwise(&["https://a.example/", "https://b.example/"], None), "ada", None).is_err()
        );
        assert!(obfuscated(&config(), &pairwise(&["app:/cb"], None), "ada", None).is_err());
    }
}
