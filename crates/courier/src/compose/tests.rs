use orrery_core::SystemEntropy;
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::json;

use super::*;

const MINUTES: Duration = Duration::from_secs(60);

fn keyring() -> Keyring {
    Keyring::new(&[SecretString::from("a secret of some length")]).expect("long enough")
}

fn all_data(identity: &serde_json::Value) -> Vec<TemplateData> {
    let (expires_in, identity) = (15 * MINUTES, identity.clone());
    let code = || "482913".to_owned();
    let url = || "https://id.example/self-service/recovery?flow=1&token=a<b".to_owned();
    let at = Timestamp::from_seconds(1_795_421_700);
    vec![
        TemplateData::RecoveryValid { recovery_url: url(), expires_in, identity: identity.clone() },
        TemplateData::RecoveryInvalid,
        TemplateData::RecoveryCodeValid { recovery_code: code(), expires_in, identity: identity.clone() },
        TemplateData::RecoveryCodeInvalid,
        TemplateData::VerificationValid { verification_url: url(), expires_in, identity: identity.clone() },
        TemplateData::VerificationInvalid,
        TemplateData::VerificationCodeValid {
            verification_code: code(),
            verification_url: Some(url()),
            expires_in,
            identity: identity.clone(),
        },
        TemplateData::VerificationCodeInvalid,
        TemplateData::LoginCodeValid {
            login_code: code(),
            expires_in,
            identity: identity.clone(),
            oauth2_login_request: None,
        },
        TemplateData::RegistrationCodeValid {
            registration_code: code(),
            expires_in,
            traits: identity["traits"].clone(),
            oauth2_login_request: None,
        },
        TemplateData::VerifiableAddressChanged { changed_at: at, identity: identity.clone() },
        TemplateData::AuthenticatorKeyAdded { added_at: at, identity },
    ]
}

fn login_code(identity: serde_json::Value) -> TemplateData {
    TemplateData::LoginCodeValid {
        login_code: "482913".to_owned(),
        expires_in: 15 * MINUTES,
        identity,
        oauth2_login_request: None,
    }
}

fn request<'a>(channel: Channel, data: TemplateData, locale: Option<&'a str>) -> ComposeRequest<'a> {
    ComposeRequest {
        project: ProjectId::DEFAULT,
        channel,
        recipient: if channel == Channel::Sms { "+4915112345678" } else { "ada@example.com" },
        locale,
        data,
        request_url: Some("https://id.example/self-service/login/browser?return_to=https%3A%2F%2Fevil.example"),
        transient_payload: json!({"campaign": "spring"}),
        request_headers: BTreeMap::new(),
    }
}

fn composer(overrides: &[(&str, &str)]) -> Composer {
    let files: Vec<TemplateFile> = overrides
        .iter()
        .map(|(path, content)| TemplateFile { path: (*path).to_owned(), content: (*content).to_owned() })
        .collect();
    let settings = ComposerSettings { site_name: "Example & Co".to_owned(), ..ComposerSettings::default() };
    Composer::new(settings, &files).expect("valid overrides")
}

fn content(composer: &Composer, request: &ComposeRequest<'_>) -> Content {
    let (entropy, keyring) = (SystemEntropy::default(), keyring());
    let message = composer.compose(request, Timestamp::EPOCH, &entropy, &keyring).expect("composes");
    message.content.open(request.project, message.id, &keyring).expect("opens")
}

#[test]
fn every_template_reads_well_in_every_language_and_channel() {
    let composer = composer(&[]);
    for locale in ["en", "de-AT"] {
        for data in all_data(&json!({"traits": {"email": "ada@example.com"}})) {
            let kind = data.template_type();
            let mail = content(&composer, &request(Channel::Email, data.clone(), Some(locale)));
            let html = mail.html.as_deref().expect("mail has HTML");
            assert_eq!(mail.locale, &locale[..2]);
            for text in [&mail.subject, &mail.text, html] {
                assert!(!text.contains("{{") && !text.contains("  ]") && !text.trim().is_empty(), "{kind:?}: {text}");
            }
            assert!(mail.subject.contains("Example & Co"));
            assert!(!mail.subject.contains("482913"), "mail servers log subjects");
            assert!(html.contains("Example &amp; Co"));
            assert_eq!(data.code().is_some(), mail.text.contains("482913"), "{kind:?}");
            assert_eq!(data.code().is_some(), html.contains("482913"), "{kind:?}");
            assert_eq!(data.link().is_some(), mail.text.contains("token=a<b"), "{kind:?}");
            assert!(!html.contains("a<b"));
            let word = if locale == "en" { "15 minutes" } else { "15 Minuten" };
            assert_eq!(data.expires_in().is_some(), mail.text.contains(word), "{kind:?}: {}", mail.text);
            assert_eq!(mail.useless_after.is_some(), data.expires_in().is_some());

            let has_sms = matches!(
                kind,
                TemplateType::RecoveryCodeValid
                    | TemplateType::VerificationCodeValid
                    | TemplateType::LoginCodeValid
                    | TemplateType::RegistrationCodeValid
                    | TemplateType::VerifiableAddressChanged
            );
            if has_sms {
                let sms = content(&composer, &request(Channel::Sms, data.clone(), Some(locale)));
                assert_eq!((sms.subject.as_str(), &sms.html), ("", &None));
                assert_eq!(data.code().is_some(), sms.text.contains("482913"), "{kind:?}");
            } else {
                let refused = composer.compose(
                    &request(Channel::Sms, data, None),
                    Timestamp::EPOCH,
                    &SystemEntropy::default(),
                    &keyring(),
                );
                assert!(matches!(refused, Err(ComposeError::NoText(of)) if of == kind));
            }
        }
    }
}

#[test]
fn template_data_keeps_the_keys_that_gateways_read() {
    let composer = composer(&[]);
    let data = TemplateData::RecoveryCodeValid {
        recovery_code: "482913".to_owned(),
        expires_in: 15 * MINUTES,
        identity: json!({"id": "x"}),
    };
    let sms = content(&composer, &request(Channel::Sms, data, None)).template_data;
    assert_eq!(sms["to"], "+4915112345678");
    assert_eq!(sms["recovery_code"], "482913");
    assert_eq!(sms["verification_code"], "482913");
    assert_eq!(sms["expires_in_minutes"], 15);
    assert_eq!(sms["request_url_domain"], "id.example");
    assert_eq!(sms["transient_payload"]["campaign"], "spring");
}

#[test]
fn kratos_overrides_replace_part_by_part() {
    let composer = composer(&[
        ("login_code/valid/email.subject.gotmpl", "Code for {{ .Identity.traits.name.first | title }}\r\nBcc: x@y.z"),
        (
            "login_code/valid/email.body.gotmpl",
            "{{ define \"de\" }}<b>Ihr Code: {{ .LoginCode }}</b>{{ end -}}\n\
             {{- if eq .Identity.traits.lang \"de\" -}}\n{{ template \"de\" . }}\n{{- else -}}\nYour code: {{ .LoginCode }}{{ end -}}",
        ),
        ("login_code/valid/sms.body.gotmpl", "{{ .LoginCode }} @{{ .RequestURLDomain }}\n"),
    ]);
    let identity = json!({"traits": {"name": {"first": "ada"}, "lang": "de"}});
    let mail = content(&composer, &request(Channel::Email, login_code(identity.clone()), None));
    assert_eq!(mail.subject, "Code for Ada Bcc: x@y.z", "a line break cannot begin a header");
    assert_eq!(mail.html.as_deref(), Some("<b>Ihr Code: 482913</b>"));
    assert!(mail.text.contains("Enter this code"), "the built-in text stays where nothing replaces it");
    let sms = content(&composer, &request(Channel::Sms, login_code(identity), None));
    assert_eq!(sms.text, "482913 @id.example");
}

#[test]
fn overrides_for_a_language_win_over_those_for_all() {
    let composer = composer(&[
        ("login_code/valid/email.subject.jinja", "Code {{ LoginCode }}"),
        ("login_code/valid/de/email.subject.jinja", "Kode {{ LoginCode }}"),
    ]);
    let subject = |locale| content(&composer, &request(Channel::Email, login_code(json!({})), Some(locale))).subject;
    assert_eq!(subject("de-CH, en"), "Kode 482913");
    assert_eq!(subject("fr"), "Code 482913");
}

#[test]
fn a_template_that_runs_wild_gives_way_to_the_built_in_text() {
    for wild in [
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 900000 }}",
        "{{ nonsense() }}",
        "{% include 'login_code/valid/email.body.plaintext.jinja' %}",
    ] {
        let composer = composer(&[("login_code/valid/email.body.plaintext.jinja", wild)]);
        let mail = content(&composer, &request(Channel::Email, login_code(json!({})), None));
        assert!(mail.text.contains("Enter this code") && mail.text.contains("482913"), "{wild}");
    }
}

#[test]
fn broken_overrides_are_refused_with_their_place() {
    for (path, source, line, reason) in [
        ("recovery/valid/email.body.gotmpl", "a\n{{ env \"HOME\" }}", 2, "the function env is not supported"),
        ("recovery/valid/email.body.gotmpl", "{{ if .X }}", 1, "a block is not closed with end"),
        ("recovery/valid/email.body.gotmpl", "\n{{ template \"x\" . }}", 2, "there is no template named \"x\" here"),
        ("recovery/valid/email.body.jinja", "a\n\n{% if %}", 3, "unexpected end of block"),
    ] {
        let file = TemplateFile { path: path.to_owned(), content: source.to_owned() };
        let error = Composer::new(ComposerSettings::default(), &[file]).expect_err(source);
        assert_eq!((error.file.as_str(), error.line, error.reason.as_str()), (path, line, reason));
    }
}

#[test]
fn recipients_and_sizes_are_bounded() {
    let (composer, entropy, keyring) = (composer(&[]), SystemEntropy::default(), keyring());
    let mut to_two = request(Channel::Email, login_code(json!({})), None);
    to_two.recipient = "a@example.com\r\nBcc: b@example.com";
    let refused = composer.compose(&to_two, Timestamp::EPOCH, &entropy, &keyring);
    assert!(matches!(refused, Err(ComposeError::InvalidRecipient)));
    let mut large = request(Channel::Email, login_code(json!({})), None);
    large.transient_payload = json!("x".repeat(MAX_DATA));
    let refused = composer.compose(&large, Timestamp::EPOCH, &entropy, &keyring);
    assert!(matches!(refused, Err(ComposeError::TooLarge)));
    let mut many = request(Channel::Email, login_code(json!({})), None);
    many.request_headers.insert("Accept-Language".to_owned(), vec!["en,".repeat(1_000); MAX_DATA / 3_000 + 1]);
    let refused = composer.compose(&many, Timestamp::EPOCH, &entropy, &keyring);
    assert!(matches!(refused, Err(ComposeError::TooLarge)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn traits_cannot_inject_markup_links_or_headers(name in "[<>&\"'{}%$./:@a-z\r\n ]{0,40}") {
        let composer = composer(&[
            ("login_code/valid/email.subject.gotmpl", "Hi {{ .Identity.traits.name }}"),
            ("login_code/valid/email.body.gotmpl", "<p>Hi {{ .Identity.traits.name }}</p>"),
            ("login_code/valid/email.body.plaintext.jinja", "Hi {{ Identity.traits.name }}"),
        ]);
        let identity = json!({"traits": {"name": name}});
        let mail = content(&composer, &request(Channel::Email, login_code(identity), None));
        prop_assert!(!mail.subject.contains(['\r', '\n']));
        let html = mail.html.expect("mail has HTML");
        let inner = html.strip_prefix("<p>Hi ").and_then(|rest| rest.strip_suffix("</p>")).expect("frame stays");
        prop_assert!(!inner.contains(['<', '>', '"', '\'']));
        for text in [&mail.subject, &mail.text] {
            prop_assert!(!text.contains("://") && !text.contains("/evil"));
        }
    }

    #[test]
    fn the_built_in_texts_show_nothing_that_a_stranger_chose(word in "[a-z]{12}") {
        let composer = composer(&[]);
        for data in all_data(&json!({"traits": {"name": word, "email": word}})) {
            let mut request = request(Channel::Email, data, None);
            request.transient_payload = json!({"note": word});
            let mail = content(&composer, &request);
            prop_assert!(!mail.subject.contains(&word) && !mail.text.contains(&word));
            prop_assert!(!mail.html.expect("mail has HTML").contains(&word));
        }
    }
}
