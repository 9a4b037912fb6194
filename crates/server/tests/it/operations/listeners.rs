//! TLS, Unix sockets, taken ports.

use orrery_testkit::{Backend, TestOptions, TestServer};
use reqwest::{Certificate, Client};
use serde_json::json;

/// A certificate for `localhost` that signs itself, and its key, both PEM.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn trusting(pem: &str) -> Client {
    let root = Certificate::from_pem(pem.as_bytes()).expect("a certificate");
    Client::builder().tls_certs_only([root]).no_proxy().build().expect("a client")
}

#[tokio::test]
async fn tls_is_served_and_a_renewed_certificate_needs_no_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let write = |(certificate, private): &(String, String)| {
        std::fs::write(&cert, certificate).expect("written");
        std::fs::write(&key, private).expect("written");
    };
    let (first, second) = (certificate(), certificate());
    write(&first);
    let tls = json!({ "serve": { "public": { "tls": { "cert": { "path": cert }, "key": { "path": key } } } } });
    let server = TestServer::start(TestOptions::with(Backend::Sqlite, tls.clone())).await;
    let address = server.public("/health/ready");
    assert!(address.starts_with("https://127.0.0.1:"), "{address}");
    let address = address.replace("127.0.0.1", "localhost");
    let answer = trusting(&first.0).get(&address).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_2));

    // A key that does not belong to the certificate is refused, and the old pair stays.
    write(&(second.0.clone(), first.1.clone()));
    assert!(server.reload(tls.clone()).await.is_err());
    assert_eq!(trusting(&first.0).get(&address).send().await.expect("an answer").status(), 200);

    write(&second);
    server.reload(tls).await.expect("reloaded");
    assert_eq!(trusting(&second.0).get(&address).send().await.expect("an answer").status(), 200);
    assert!(trusting(&first.0).get(&address).send().await.is_err());
}

#[tokio::test]
async fn a_certificate_file_that_is_replaced_is_used_at_once_and_connections_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = |(certificate, private): &(String, String), folder: &std::path::Path| {
        // As a renewal does: written beside, then moved into place.
        for (name, content) in [("key.pem", private), ("cert.pem", certificate)] {
            std::fs::write(folder.join("new"), content).expect("written");
            std::fs::rename(folder.join("new"), folder.join(name)).expect("moved");
        }
    };
    let (first, second) = (certificate(), certificate());
    pair(&first, folder.path());
    let config = "serve: {public: {tls: {cert: {path: cert.pem}, key: {path: key.pem}}}}\n";
    std::fs::write(folder.path().join("orrery.yml"), config).expect("written");
    let arguments = ["serve", "all", "--dev", "--config", "orrery.yml"];
    let mut running = super::process::Running::start(folder, &arguments, "info").await;
    let address = format!("{}/health/alive", running.public.replace("127.0.0.1", "localhost"));
    let early = trusting(&first.0);
    let status = async |client: &Client| client.get(&address).send().await.map(|answer| answer.status().as_u16());
    assert_eq!(status(&early).await.expect("an answer"), 200);
    pair(&second, running.folder.path());
    running.wait_for("the configuration was read again").await;
    assert_eq!(status(&trusting(&second.0)).await.expect("an answer"), 200);
    assert!(status(&trusting(&first.0)).await.is_err());
    assert_eq!(status(&early).await.expect("the connection is still open"), 200);
}

#[tokio::test]
async fn a_unix_socket_serves_its_owner_and_replaces_one_left_behind() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("admin.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket that nobody answers"));
    let host = format!("unix:{}", path.display());
    let config = json!({ "serve": { "admin": { "host": host, "socket": { "mode": 0o600 } } } });
    let server = TestServer::start(TestOptions::with(Backend::Sqlite, config.clone())).await;
    let mode = std::fs::metadata(&path).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let client = Client::builder().unix_socket(path.as_path()).no_proxy().build().expect("a client");
    let answer = client.get("http://localhost/admin/identities").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let second = TestServer::try_start(TestOptions::with(Backend::Sqlite, config)).await.err().expect("refused");
    assert!(second.contains("in use"), "{second}");
    drop(server);
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_key_that_changes_it() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = holder.local_addr().expect("an address").port();
    for listener in ["public", "admin"] {
        let options = TestOptions::with(Backend::Sqlite, json!({ "serve": { listener: { "port": port } } }));
        let told = TestServer::try_start(options).await.err().expect("refused");
        assert!(told.contains(&format!("127.0.0.1:{port}")), "{told}");
        assert!(told.contains(&format!("serve.{listener}.port")), "{told}");
    }
}

#[tokio::test]
async fn a_key_of_another_certificate_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, certificate().0).expect("written");
    std::fs::write(&key, certificate().1).expect("written");
    let tls = json!({ "serve": { "public": { "tls": { "cert": { "path": cert }, "key": { "path": key } } } } });
    let told = TestServer::try_start(TestOptions::with(Backend::Sqlite, tls)).await.err().expect("refused");
    assert!(told.contains("does not belong to the certificate"), "{told}");
}
