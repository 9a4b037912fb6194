use serde_json::{Value, json};

use super::*;
use crate::deliver::TransportSettings;

fn resolve(config: Value) -> Result<CourierSettings, String> {
    let config: CourierConfig = serde_json::from_value(config).map_err(|error| error.to_string())?;
    let load = |uri: &str| match uri {
        "file://subject.gotmpl" => Ok(b"Hello {{ .To }}".to_vec()),
        "file://body.jsonnet" | "base64://ZnVuY3Rpb24oY3R4KSBjdHg=" => Ok(b"function(ctx) ctx".to_vec()),
        "file://latin1.gotmpl" => Ok(vec![0xe4]),
        "file:///client.crt.pem" => Ok(include_bytes!("../../tests/data/client.crt.pem").to_vec()),
        "file:///client.key.pem" => Ok(include_bytes!("../../tests/data/client.key.pem").to_vec()),
        "file:///other.key.pem" => Ok(include_bytes!("../../tests/data/other.key.pem").to_vec()),
        _ => Err("there is no such file".to_owned()),
    };
    config.resolve("id.example", load).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_kratos_section_is_taken_as_it_is() {
    let settings = resolve(json!({
        "smtp": {
            "connection_uri": "smtps://test:test@mailslurper:1025/?skip_ssl_verify=true&legacy_ssl=true",
            "from_address": "no-reply@example.com",
            "from_name": "Example",
            "headers": {"X-SES-SOURCE-ARN": "arn:aws:ses:x"},
            "local_name": "example.com",
        },
        "delivery_strategy": "smtp",
        "channels": [{"id": "sms", "type": "http", "request_config": {
            "url": "https://api.example/Messages.json",
            "method": "POST",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            "body": "base64://ZnVuY3Rpb24oY3R4KSBjdHg=",
            "auth": {"type": "basic_auth", "config": {"user": "AX", "password": "secret"}},
        }}],
        "message_retries": 7,
        "worker": {"pull_count": 20, "pull_wait": "500ms"},
        "templates": {"login_code": {"valid": {"email": {"subject": "file://subject.gotmpl"}}}},
    }))
    .expect("resolves");
    assert!(matches!(settings.email, Some(TransportSettings::Smtp(_))));
    assert!(matches!(settings.sms, Some(TransportSettings::Http(_))));
    assert_eq!((settings.message_retries, settings.pull_count), (7, 20));
    assert_eq!(settings.composer.site_name, "Example");
    assert_eq!(settings.templates[0].path, "login_code/valid/email.subject.gotmpl");
    assert_eq!(settings.templates[0].content, "Hello {{ .To }}");
}

#[test]
fn nothing_configured_is_no_error() {
    let settings = resolve(json!({})).expect("resolves");
    assert!(settings.email.is_none() && settings.sms.is_none());
    assert_eq!((settings.message_retries, settings.pull_count, settings.pull_wait), (5, 10, Duration::from_secs(1)));
    assert_eq!(settings.composer.site_name, "id.example");
}

#[test]
fn what_cannot_work_is_named_by_key_and_without_secrets() {
    let http = |request: Value| json!({"delivery_strategy": "http", "http": {"request_config": request}});
    let smtp = |uri: &str| json!({"smtp": {"connection_uri": uri}});
    for (config, expected) in [
        (json!({"smpt": {}}), "unknown field `smpt`"),
        (json!({"delivery_strategy": "pigeon"}), "unknown variant `pigeon`"),
        (json!({"delivery_strategy": "http"}), "courier.http.request_config: is needed"),
        (json!({"worker": {"pull_count": 0}}), "courier.worker.pull_count: must be between 1 and 1000"),
        (json!({"worker": {"attempt_timeout": "1h"}}), "courier.worker.attempt_timeout"),
        (smtp("hunter2"), "courier.smtp.connection_uri: is not a URL"),
        (smtp("http://u:hunter2@mail.example/"), "courier.smtp.connection_uri: must begin with smtp://"),
        (smtp("smtp://u:hunter2@mail.example/?skip_tls=1"), "the parameter skip_tls is not known"),
        (smtp("smtp://u:hunter2@mail.example/?disable_starttls=maybe"), "must be true or false"),
        (json!({"smtp": {"connection_uri": "smtp://a/", "from_address": "nobody"}}), "courier.smtp.from_address"),
        (
            json!({"smtp": {"connection_uri": "smtp://a/", "headers": {"X-A": "b\r\nBcc: c"}}}),
            "courier.smtp.headers.X-A: has control characters",
        ),
        (json!({"smtp": {"connection_uri": "smtp://a/", "headers": {"bcc": "c@d.e"}}}), "courier.smtp.headers.bcc"),
        (json!({"smtp": {"connection_uri": "smtp://a/", "client_cert_path": "x"}}), "belong together"),
        (http(json!({"url": "ftp://a.example"})), "courier.http.request_config: url must begin with http"),
        (http(json!({"url": "https://a.example", "method": "TRACE"})), "method must be"),
        (http(json!({"url": "https://a.example", "headers": {"X A": "b"}})), "is not the name of a header"),
        (
            http(json!({"url": "https://a.example", "body": "file://lost.jsonnet"})),
            "courier.http.request_config.body: there is no such file",
        ),
        (
            http(json!({"url": "https://a.example", "body": "file://latin1.gotmpl"})),
            "courier.http.request_config.body: the file is not UTF-8 text",
        ),
        (
            json!({"channels": [{"id": "sms", "type": "http", "request_config": {
                "url": "https://a.example", "body": "file://lost.jsonnet"}}]}),
            "courier.channels.sms.request_config.body: there is no such file",
        ),
        (
            http(json!({"url": "https://a.example", "auth": {"type": "api_key", "config": {
                "name": "k", "value": "hunter2\n", "in": "header"}}})),
            "the value of the header k has control characters",
        ),
        (
            json!({"templates": {"recovery": {"valid": {"sms": {"body": {"plaintext": "file://latin1.gotmpl"}}}}}}),
            "courier.templates: the file is not UTF-8 text",
        ),
    ] {
        let error = resolve(config.clone()).expect_err("refused");
        assert!(error.contains(expected), "{config}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn debug_output_hides_secrets() {
    let config: CourierConfig = serde_json::from_value(json!({
        "smtp": {"connection_uri": "smtp://u:hunter2@mail.example/"},
        "http": {"request_config": {"url": "https://a.example", "auth": {"type": "api_key", "config": {
            "name": "k", "value": "hunter2", "in": "header"}}}},
    }))
    .expect("valid");
    assert!(!format!("{config:?}").contains("hunter2"));
    let settings = resolve(json!({"delivery_strategy": "http", "http": {"request_config": {
        "url": "https://u:hunter2@a.example/send?key=hunter2", "headers": {"X-Key": "hunter2"},
        "body": "file://body.jsonnet",
    }}}));
    let shown = format!("{settings:?}");
    assert!(shown.contains("POST https://a.example/send") && !shown.contains("hunter2"), "{shown}");
    assert!(!shown.contains("function"), "programs hold secrets, too");
}

#[tokio::test]
async fn a_client_certificate_needs_its_own_key() {
    let with_key = |key: &str| {
        resolve(json!({"smtp": {
            "connection_uri": "smtps://mail.example/",
            "client_cert_path": "/client.crt.pem",
            "client_key_path": key,
        }}))
    };
    assert!(with_key("/client.key.pem").is_ok());
    let error = with_key("/other.key.pem").expect_err("refused");
    assert!(error.contains("TLS cannot be set up"), "{error}");
    assert!(with_key("/client.crt.pem").is_err(), "a certificate is no key");
}
