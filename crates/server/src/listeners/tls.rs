//! Certificates that can be replaced while connections come in.

use std::fmt;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::serve::{Pem, Tls};

/// The certificate of a listener and where it came from.
pub(crate) struct Certificates {
    source: Tls,
    current: ArcSwap<CertifiedKey>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl Certificates {
    /// Reads certificate and key, and checks that they belong together.
    pub(crate) fn read(source: &Tls) -> anyhow::Result<Self> {
        Ok(Self { source: source.clone(), current: ArcSwap::from_pointee(certified(source)?) })
    }

    /// Reads them again. When that fails, the ones in use stay.
    pub(crate) fn reload(&self) -> anyhow::Result<()> {
        self.current.store(Arc::new(certified(&self.source)?));
        Ok(())
    }

    /// TLS 1.2 and 1.3 with these certificates.
    pub(super) fn server_config(self: Arc<Self>) -> anyhow::Result<ServerConfig> {
        Ok(ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self))
    }
}

fn certified(source: &Tls) -> anyhow::Result<CertifiedKey> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem(&source.cert, "certificate")?)
        .collect::<Result<_, _>>()
        .map_err(|_| anyhow!("the TLS certificate is not PEM"))?;
    if chain.is_empty() {
        bail!("the TLS certificate file holds no certificate");
    }
    // The parser's own error may repeat what it read.
    let key = PrivateKeyDer::from_pem_slice(&pem(&source.key, "key")?)
        .map_err(|_| anyhow!("the TLS key file holds no private key in PEM"))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .context("the TLS key cannot be used, or does not belong to the certificate")
}

fn pem(source: &Pem, what: &str) -> anyhow::Result<Vec<u8>> {
    match (&source.path, &source.base64) {
        (Some(path), _) => {
            std::fs::read(path).with_context(|| format!("the TLS {what} cannot be read from {}", path.display()))
        }
        (None, Some(text)) => STANDARD.decode(text.expose()).with_context(|| format!("the TLS {what} is not base64")),
        (None, None) => bail!("no TLS {what} is configured"),
    }
}
