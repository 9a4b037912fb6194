//! Encryption on the way to the mail server, on both sides for real.

use std::sync::Arc;

use orrery_courier::message::{Channel, MessageStatus};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};

use crate::smtp_server::{Encryption, Mood, SmtpServer};
use crate::stage::Stage;

/// Somebody who signs certificates of clients.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate"))
    }

    /// Certificate and key of a client, as the configuration names them.
    fn client(&self) -> Vec<(&'static str, String)> {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["courier".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &*self.0).expect("a certificate");
        vec![("/client.crt", certificate.pem()), ("/client.key", key.serialize_pem())]
    }
}

/// A server whose certificate signs itself; with `clients`, it talks to their clients only.
fn tls(clients: Option<&Authority>) -> Arc<ServerConfig> {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(Authority(issuer)) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from(issuer.der().to_vec())).expect("a root");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
    };
    Arc::new(builder.with_single_cert(vec![made.cert.into()], key).expect("a pair"))
}

fn config(uri: String) -> Value {
    json!({"smtp": {"connection_uri": uri, "from_address": "no-reply@id.example"}})
}

async fn deliver(stage: &Stage) -> MessageStatus {
    stage.enqueue(Channel::Email).await;
    stage.courier().deliver_once().await.expect("claims");
    stage.queue.only().message.status
}

#[tokio::test]
async fn a_mail_travels_encrypted_after_starttls_and_from_the_first_byte() {
    for scheme in ["smtp", "smtps"] {
        let config_of_server = tls(None);
        let encryption = match scheme {
            "smtp" => Encryption::StartTls(config_of_server),
            _ => Encryption::Wrapper(config_of_server),
        };
        let server = SmtpServer::encrypting(Mood::Friendly, encryption).await;
        let stage = Stage::new(config(format!("{scheme}://127.0.0.1:{}/?skip_ssl_verify=true", server.port)));
        assert_eq!(deliver(&stage).await, MessageStatus::Sent, "{scheme}");
        assert!(server.mails().iter().any(|mail| mail.contains("482913")), "{scheme}");
    }
}

#[tokio::test]
async fn a_server_whose_certificate_nobody_vouches_for_gets_no_mail() {
    for (scheme, encryption) in [("smtp", Encryption::StartTls(tls(None))), ("smtps", Encryption::Wrapper(tls(None)))] {
        let server = SmtpServer::encrypting(Mood::Friendly, encryption).await;
        let stage = Stage::new(config(format!("{scheme}://127.0.0.1:{}/", server.port)));
        assert_eq!(deliver(&stage).await, MessageStatus::Queued, "{scheme}: tried again later, in case it is mended");
        assert!(server.mails().is_empty(), "{scheme}");
    }
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_gets_the_configured_one() {
    let authority = Authority::new();
    let port_of = |server: &SmtpServer| format!("smtp://127.0.0.1:{}/?skip_ssl_verify=true", server.port);
    let with_certificate = |server: &SmtpServer, files| {
        let mut config = config(port_of(server));
        config["smtp"]["client_cert_path"] = json!("/client.crt");
        config["smtp"]["client_key_path"] = json!("/client.key");
        Stage::with_files(config, files)
    };
    let server = SmtpServer::encrypting(Mood::Friendly, Encryption::StartTls(tls(Some(&authority)))).await;
    assert_eq!(deliver(&with_certificate(&server, authority.client())).await, MessageStatus::Sent);
    assert_eq!(server.mails().len(), 1);
    assert_ne!(deliver(&Stage::new(config(port_of(&server)))).await, MessageStatus::Sent, "no certificate");
    let stranger = with_certificate(&server, Authority::new().client());
    assert_ne!(deliver(&stranger).await, MessageStatus::Sent, "of another authority");
    assert_eq!(server.mails().len(), 1);
}
