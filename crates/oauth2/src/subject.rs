//! What a client learns as `sub` (OpenID Connect Core section 8).

use aws_lc_rs::digest::{SHA256, digest};
use orrery_core::{ProjectId, StoreError};
use secrecy::ExposeSecret as _;
use url::Url;

use crate::client::{Client, SubjectType};
use crate::config::Config;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant::Grant;
use crate::service::OAuth2Service;

/// `sub` as a client knows whom its token speaks for. Where nobody granted anything, the client itself said whom it is for.
///
/// # Errors
/// As [`obfuscated`], for a token that was exchanged for another client's.
pub fn known_to(config: &Config, client: &Client, grant: Option<&Grant>, subject: &str) -> Result<String, OAuth2Error> {
    match grant {
        None => Ok(subject.to_owned()),
        Some(grant) if grant.client == client.id => Ok(grant.told_subject().to_owned()),
        Some(_) => Ok(obfuscated(config, client, subject, None)?.unwrap_or_else(|| subject.to_owned())),
    }
}

/// `sub` as a pairwise client knows somebody apart from any token: what it was told when they last granted it something, where
/// a login application may have forced another value than the computed one; none where neither can be said.
///
/// # Errors
/// Storage.
pub async fn last_known_to(
    service: &OAuth2Service,
    project: ProjectId,
    client: &Client,
    subject: &str,
) -> Result<Option<String>, StoreError> {
    let granted = service.grants.grant_newest(project, subject, &client.id).await?;
    let told = granted.and_then(|grant| grant.authentication.obfuscated_subject);
    Ok(told.or_else(|| obfuscated(&service.config.load(), client, subject, None).ok().flatten()))
}

/// The `sub` of a pairwise client; `None` where it learns the subject itself.
///
/// The value is Hydra's, bit for bit, so that people keep their `sub` when an installation moves: the lower-case
/// SHA-256 of sector, subject and salt.
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
    let Some(sector) = sector(client.sector_identifier_uri.as_deref(), &client.redirect_uris) else {
        return refused(
            "The client asks for pairwise subjects and its redirect addresses have several hosts, or none: register a \
             'sector_identifier_uri'.",
        );
    };
    let text = format!("{sector}{subject}{}", salt.expose_secret());
    Ok(Some(digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// Who shares a pairwise subject (OpenID Connect Core section 8.1): the whole `sector_identifier_uri`, or the host that the
/// redirect addresses have in common, as Hydra takes it from the one that it allows: with its port, and as it is written,
/// unless they differ in that. Addresses without a host, those of native applications, do not count beside one that has it.
pub(crate) fn sector(sector_identifier_uri: Option<&str>, redirect_uris: &[String]) -> Option<String> {
    if let Some(uri) = sector_identifier_uri.filter(|uri| !uri.is_empty()) {
        return Some(uri.to_owned());
    }
    let parsed = redirect_uris.iter().filter_map(|uri| Some((uri, Url::parse(uri).ok()?.host_str()?.to_owned())));
    let parsed: Vec<_> = parsed.collect();
    let (first, host) = parsed.first()?;
    if parsed.iter().any(|(_, other)| other != host) {
        return None;
    }
    let written = written_host(first);
    let alike = parsed.iter().all(|(uri, _)| written_host(uri) == written);
    Some(written.filter(|_| alike).unwrap_or(host).to_owned())
}

/// Host and port as they are written. A parser would change their case and drop a port that goes without saying.
fn written_host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    authority.rsplit('@').next().filter(|host| !host.is_empty())
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
    fn redirect_addresses_on_one_host_have_one_sector() {
        let of = |uris: &[&str]| {
            let uris: Vec<_> = uris.iter().map(|uri| (*uri).to_owned()).collect();
            sector(None, &uris)
        };
        for (uris, expected) in [
            (&["https://App.Example:443/cb"][..], Some("App.Example:443")),
            (&["https://ada@app.example/cb"], Some("app.example")),
            (&["https://app.example:8443/cb", "https://app.example:8443/other"], Some("app.example:8443")),
            (&["https://app.example/cb", "https://app.example/other?x=//y"], Some("app.example")),
            (&["https://app.example:8443/cb", "https://app.example/cb"], Some("app.example")),
            (&["com.example.app:/cb", "https://app.example/cb"], Some("app.example")),
            (&["https://app.example/cb", "https://other.example/cb"], None),
            (&["com.example.app:/cb"], None),
            (&[], None),
        ] {
            assert_eq!(of(uris).as_deref(), expected, "{uris:?}");
        }
        let elsewhere = sector(Some("https://sector.example/uris.json"), &["com.example.app:/cb".to_owned()]);
        assert_eq!(elsewhere.as_deref(), Some("https://sector.example/uris.json"));
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
