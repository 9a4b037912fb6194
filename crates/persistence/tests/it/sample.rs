//! Values for tests, complete in every field, so that what is read can be compared with what was written.

use std::collections::BTreeMap;
use std::time::Duration;

use orrery_core::event::{NewEvent, SealedNotice};
use orrery_core::id::{
    AddressId, CodeId, CredentialId, DeviceId, DispatchId, EventId, FlowId, IdentityId, KeyId, MessageId,
    OrganizationId, SessionId,
};
use orrery_core::{EntropyExt, SystemEntropy, Timestamp, TokenHash};
use orrery_courier::message::{Channel, Dispatch, DispatchStatus, NewMessage, SealedContent, TemplateType};
use orrery_identity::credentials::{Credential, CredentialKind};
use orrery_identity::flow::message::MessageType;
use orrery_identity::flow::{Flow, FlowKind, FlowMethod, FlowState, FlowType, Message, PlacedMessage};
use orrery_identity::identity::{AddressStatus, Identity, IdentityState, RecoveryAddress, VerifiableAddress, Via};
use orrery_identity::session::{Aal, AuthenticationMethod, Device, Factor, Session, UsedMethod};
use orrery_identity::store::{NewCode, SessionWrite};
use orrery_keys::store::{KeyOrigin, KeyUse, StoredKey};
use orrery_oauth2::client::{
    AccessTokenStrategy, AuthMethod, Client, ClientRecord, ClientSecrets, Lifespans, SecretHash, SubjectType,
};
use serde_json::{Value, json};

/// The moment at which the tests take place.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_123_456);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn entropy() -> SystemEntropy {
    SystemEntropy::default()
}

/// A hash that no other has.
pub(crate) fn hash() -> TokenHash {
    TokenHash(entropy().bytes())
}

/// An active person with a password and one address for everything.
pub(crate) fn identity(email: &str) -> Identity {
    let id = IdentityId::generate(&entropy());
    let password = Credential {
        id: CredentialId::generate(&entropy()),
        kind: CredentialKind::Password,
        identifiers: vec![email.to_owned()],
        config: json!({"hashed_password": "$argon2id$…"}),
        version: 0,
        created_at: NOW,
        updated_at: NOW,
    };
    Identity {
        id,
        external_id: Some(format!("external-{id}")),
        schema_id: "default".to_owned(),
        state: IdentityState::Active,
        state_changed_at: NOW,
        traits: object(json!({"email": email, "name": {"first": "Ünï", "numbers": [1, 2.5, -3]}})),
        metadata_public: Some(json!({"plan": "gold"})),
        metadata_admin: Some(json!({"note": null})),
        organization_id: Some(OrganizationId::generate(&entropy())),
        factors: [Factor::First, Factor::Totp].into(),
        credentials: BTreeMap::from([(CredentialKind::Password, password)]),
        verifiable_addresses: vec![VerifiableAddress {
            id: AddressId::generate(&entropy()),
            value: email.to_owned(),
            via: Via::Email,
            verified: false,
            status: AddressStatus::Pending,
            verified_at: None,
            created_at: NOW,
            updated_at: NOW,
        }],
        recovery_addresses: vec![RecoveryAddress {
            id: AddressId::generate(&entropy()),
            value: email.to_owned(),
            via: Via::Email,
            created_at: NOW,
            updated_at: NOW,
        }],
        version: 1,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// An event about this subject that somebody is to hear of.
pub(crate) fn event(subject: &str) -> NewEvent {
    NewEvent {
        id: EventId::generate(&entropy()),
        kind: "login.after".to_owned(),
        subject: Some(subject.to_owned()),
        actor: Some("administrator".to_owned()),
        request_id: Some("request".to_owned()),
        session_id: Some(SessionId::generate(&entropy())),
        recipient: "https://hooks.example".to_owned(),
        notice: SealedNotice(entropy().bytes::<32>().to_vec()),
        occurred_at: NOW,
        deliver_after: NOW,
        expires_at: NOW + HOUR,
    }
}

/// The same without its credentials, as lookups that ask for none return it.
pub(crate) fn without_credentials(identity: &Identity) -> Identity {
    Identity { credentials: BTreeMap::new(), ..identity.clone() }
}

/// A running browser flow.
pub(crate) fn flow(kind: FlowKind) -> Flow {
    Flow {
        id: FlowId::generate(&entropy()),
        kind,
        flow_type: FlowType::Browser,
        state: FlowState::ChooseMethod,
        active: Some(FlowMethod::Password),
        issued_at: NOW,
        expires_at: NOW + HOUR,
        request_url: "http://127.0.0.1/self-service/login/browser".to_owned(),
        return_to: Some("http://127.0.0.1/after".to_owned()),
        csrf: Some(hash()),
        identity_id: None,
        session_id: None,
        schema_id: Some("default".to_owned()),
        requested_aal: Aal::Aal1,
        refresh: true,
        values: object(json!({"identifier": "a@example.org"})),
        messages: vec![PlacedMessage {
            node: Some("identifier".to_owned()),
            message: Message {
                id: 4_000_006,
                text: "No.".to_owned(),
                kind: MessageType::Error,
                context: object(json!({"reason": "no"})),
            },
        }],
        transient_payload: Some(json!({"a": [1]})),
        context: json!({"step": 1}),
        submissions: 0,
        completed_at: None,
        updated_at: NOW,
    }
}

/// The flow as it is once it is finished.
pub(crate) fn finished(flow: &Flow) -> Flow {
    Flow { state: FlowState::PassedChallenge, completed_at: Some(NOW), ..flow.clone() }
}

/// A session that has just begun.
pub(crate) fn session(owner: IdentityId) -> Session {
    Session {
        id: SessionId::generate(&entropy()),
        identity_id: owner,
        active: true,
        aal: Aal::Aal1,
        methods: vec![UsedMethod {
            method: AuthenticationMethod::Password,
            aal: Aal::Aal1,
            completed_at: NOW,
            provider: None,
            organization: None,
        }],
        devices: vec![Device {
            id: DeviceId::generate(&entropy()),
            ip_address: Some("192.0.2.1".to_owned()),
            user_agent: Some("Browser".to_owned()),
            location: None,
        }],
        authenticated_at: NOW,
        issued_at: NOW,
        expires_at: NOW + HOUR * 24,
    }
}

/// A new session and the hash of its token.
pub(crate) fn new_session(owner: IdentityId) -> (Session, TokenHash, SessionWrite) {
    let (session, token) = (session(owner), hash());
    (session.clone(), token, SessionWrite::Create { session, token })
}

/// A code for the first address of the identity.
pub(crate) fn code(flow: &Flow, identity: &Identity) -> NewCode {
    let address = &identity.verifiable_addresses[0];
    NewCode {
        id: CodeId::generate(&entropy()),
        flow_id: flow.id,
        code: hash(),
        identity: Some(identity.id),
        address: Some((address.via, address.value.clone())),
        created_at: NOW,
        expires_at: NOW + HOUR,
    }
}

/// A message that is due at once.
pub(crate) fn message(recipient: &str) -> NewMessage {
    NewMessage {
        id: MessageId::generate(&entropy()),
        channel: Channel::Email,
        recipient: recipient.to_owned(),
        template_type: TemplateType::VerificationCodeValid,
        content: SealedContent(vec![0, 1, 255]),
        created_at: NOW,
        send_after: NOW,
        expires_at: NOW + HOUR,
    }
}

/// An attempt to deliver.
pub(crate) fn dispatch(status: DispatchStatus) -> Dispatch {
    Dispatch { id: DispatchId::generate(&entropy()), status, error: Some("refused".to_owned()), created_at: NOW }
}

/// A key with everything set.
pub(crate) fn key(set: &str, kid: &str) -> StoredKey {
    StoredKey {
        id: KeyId::generate(&entropy()),
        set: set.to_owned(),
        kid: kid.to_owned(),
        algorithm: "ES256".to_owned(),
        usage: KeyUse::Signature,
        origin: KeyOrigin::Generated,
        public_jwk: json!({"kty": "EC", "kid": kid}),
        sealed_private: Some(vec![0, 1, 255]),
        succession: None,
        created_at: NOW,
        activates_at: NOW,
        retires_at: None,
        removes_at: None,
        held_until: None,
    }
}

/// A client with everything set.
pub(crate) fn client(id: &str) -> ClientRecord {
    let list = |text: &str| vec![text.to_owned(), "Ünï".to_owned()];
    let client = Client {
        id: id.parse().expect("a client_id"),
        name: format!("Client {id}"),
        redirect_uris: list("https://app.example.org/callback"),
        grant_types: list("authorization_code"),
        response_types: list("code id_token"),
        scope: list("openid"),
        audience: list("https://api.example.org"),
        owner: "owner".to_owned(),
        policy_uri: "https://app.example.org/policy".to_owned(),
        tos_uri: "https://app.example.org/tos".to_owned(),
        client_uri: "https://app.example.org".to_owned(),
        logo_uri: "https://app.example.org/logo".to_owned(),
        allowed_cors_origins: list("https://app.example.org"),
        contacts: list("ada@example.org"),
        subject_type: SubjectType::Pairwise,
        sector_identifier_uri: Some("https://app.example.org/sector".to_owned()),
        jwks_uri: Some("https://app.example.org/jwks".to_owned()),
        jwks: Some(json!({"keys": []})),
        token_endpoint_auth_method: AuthMethod::PrivateKeyJwt,
        token_endpoint_auth_signing_alg: Some("ES256".to_owned()),
        request_uris: list("https://app.example.org/request"),
        request_object_signing_alg: Some("ES256".to_owned()),
        userinfo_signed_response_alg: Some("RS256".to_owned()),
        id_token_signed_response_alg: Some("EdDSA".to_owned()),
        introspection_signed_response_alg: Some("ES256".to_owned()),
        frontchannel_logout_uri: Some("https://app.example.org/front".to_owned()),
        frontchannel_logout_session_required: true,
        backchannel_logout_uri: Some("https://app.example.org/back".to_owned()),
        backchannel_logout_session_required: true,
        post_logout_redirect_uris: list("https://app.example.org/after"),
        metadata: object(json!({"a": [1, 2.5, null]})),
        skip_consent: true,
        skip_logout_consent: Some(true),
        access_token_strategy: Some(AccessTokenStrategy::StatelessJwt),
        require_pushed_authorization_requests: true,
        dpop_bound_access_tokens: true,
        self_registered: true,
        lifespans: Lifespans {
            implicit_grant_access_token_lifespan: Some(orrery_core::duration::GoDuration(HOUR)),
            ..Lifespans::default()
        },
        created_at: NOW,
        updated_at: NOW,
    };
    let secrets = ClientSecrets {
        current: Some(SecretHash::Password("$argon2id$…".to_owned())),
        rotated: vec![(SecretHash::Keyed(hash()), NOW)],
        sealed: Some("c2VhbGVk".to_owned()),
    };
    ClientRecord { client, secrets, registration_token: Some(hash()), version: 1 }
}

fn object(value: Value) -> serde_json::Map<String, Value> {
    serde_json::from_value(value).expect("an object")
}
