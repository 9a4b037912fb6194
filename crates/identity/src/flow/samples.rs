//! Settings, a schema and flows that tests of rendering share.

use std::collections::BTreeMap;
use std::time::Duration;

use orrery_core::TokenHash;
use orrery_core::entropy::SeededEntropy;
use url::Url;

use super::form::{Generation, Reader};
use super::node::Group;
use super::{Flow, FlowKind, FlowType, Origin};
use crate::config::{
    After, Before, BreachPolicy, CodeConfig, CodeSignIn, Compatibility, Config, Delivery, FlowLifespans, HashAlgorithm,
    HasherConfig, LimitsConfig, LinkConfig, LoginConfig, PasswordPolicy, RecoveryConfig, RegistrationConfig,
    RegistrationStyle, RequiredAal, SettingsConfig, UiUrls, VerificationConfig, WebHooks,
};
use crate::credentials::password::BreachedList;
use crate::schema::IdentitySchema;
use crate::test_values;

pub(crate) const READER: Reader<'_> = Reader { csrf_token: "masked-token", generation: Generation::Current };

pub(crate) fn config(style: RegistrationStyle) -> Config {
    let url = |path: &str| Url::parse(&format!("https://id.example{path}")).expect("valid");
    let hour = Duration::from_secs(3600);
    let session = test_values::session_config();
    Config {
        public_url: url("/"),
        admin_url: url("/"),
        default_schema_id: "default".to_owned(),
        default_return_url: url("/"),
        allowed_return_urls: Vec::new(),
        ui: UiUrls {
            login: url("/ui/login"),
            registration: url("/ui/registration"),
            verification: url("/ui/verification"),
            recovery: url("/ui/recovery"),
            settings: url("/ui/settings"),
            error: url("/ui/error"),
        },
        lifespans: FlowLifespans {
            login: hour,
            registration: hour,
            settings: hour,
            recovery: hour,
            verification: hour,
        },
        before: Before::default(),
        web_hooks: WebHooks { heard: false, timeout: hour, header_allowlist: Vec::new(), retention: hour },
        login: LoginConfig::default(),
        registration: RegistrationConfig {
            enabled: true,
            style,
            trait_group: Group::Default,
            login_hints: false,
            selectable_schemas: Vec::new(),
            after: After::default(),
        },
        settings: SettingsConfig {
            profile: true,
            privileged_max_age: hour,
            required_aal: RequiredAal::HighestAvailable,
            after: After::default(),
        },
        recovery: RecoveryConfig {
            enabled: true,
            uses: Delivery::Code,
            choose_address: false,
            notify_unknown_recipients: false,
            after: After::default(),
        },
        verification: VerificationConfig {
            enabled: true,
            uses: Delivery::Code,
            notify_unknown_recipients: false,
            after: After::default(),
        },
        logout_return_url: None,
        logout_clears_browser: false,
        code: CodeConfig {
            enabled: true,
            lifespan: hour,
            max_submissions: 5,
            sign_in: CodeSignIn::Off,
            to_any_address: false,
        },
        link: LinkConfig { enabled: true, lifespan: hour, base_url: None },
        password: PasswordPolicy { enabled: true, min_length: 8, similarity_check: true },
        breaches: BreachPolicy { service: None, tolerated: 0, tolerates_silence: true, list: BreachedList::default() },
        hasher: HasherConfig {
            algorithm: HashAlgorithm::Argon2id { memory_kib: 256, iterations: 1, parallelism: 1 },
            workers: 1,
            queue: 8,
        },
        cookies: session.cookie.clone(),
        session,
        tokenizer: BTreeMap::new(),
        limits: LimitsConfig { attempts: 10, window: hour, lock: hour, submits_per_minute: 0, flows_per_minute: 0 },
        compatibility: Compatibility::Auto,
        continue_with_transitions: false,
        mitigate_enumeration: false,
        development: false,
    }
}

/// Signs in by email; has a nested, an optional and a bounded trait.
pub(crate) fn schema() -> IdentitySchema {
    // A text, not a value: the order of members decides the order of fields.
    let document = r#"{"type": "object", "properties": {"traits": {"type": "object",
        "properties": {
            "email": {"type": "string", "format": "email", "title": "E-Mail", "ory.sh/kratos": {
                "credentials": {"password": {"identifier": true}}, "verification": {"via": "email"}
            }},
            "name": {"type": "object", "properties": {
                "first": {"type": "string", "title": "First name", "maxLength": 20}
            }},
            "size": {"type": "string", "enum": ["S", "M"]},
            "news": {"type": "boolean"}
        },
        "required": ["email"], "additionalProperties": false
    }}}"#;
    IdentitySchema::parse("default", document).expect("a valid schema")
}

pub(crate) fn flow(kind: FlowKind) -> Flow {
    let origin = Origin {
        flow_type: FlowType::Browser,
        request_url: format!("https://id.example/self-service/{}/browser", kind.as_str()),
        return_to: None,
        csrf: Some(TokenHash([7; 32])),
        transient_payload: None,
    };
    Flow::begin(kind, origin, Duration::from_secs(3600), test_values::context().now, &SeededEntropy::new(1))
}
