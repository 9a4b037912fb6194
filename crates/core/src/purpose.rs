//! What keys are for.

macro_rules! purposes {
    ($($(#[$meta:meta])* $name:ident = $label:literal,)+) => {
        /// What a hash or a sealed value is for. The purpose is mixed into the key, so that a value of one kind can never
        /// be replayed as another.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Purpose {
            $($(#[$meta])* $name,)+
        }

        impl Purpose {
            /// How many there are.
            pub(crate) const COUNT: usize = [$(Self::$name),+].len();

            /// The label that separates keys. Changing one invalidates everything stored under it.
            pub(crate) const fn label(self) -> &'static [u8] {
                match self {
                    $(Self::$name => $label,)+
                }
            }
        }
    };
}

purposes! {
    /// Session tokens.
    SessionToken = b"orrery/session-token/v1",
    /// Logout tokens.
    LogoutToken = b"orrery/logout-token/v1",
    /// One-time codes sent by mail or SMS.
    OneTimeCode = b"orrery/one-time-code/v1",
    /// Codes that are exchanged for a session token.
    ExchangeCode = b"orrery/exchange-code/v1",
    /// Session and continuity cookies.
    Cookie = b"orrery/cookie/v1",
    /// Page tokens of lists.
    PageToken = b"orrery/page-token/v1",
    /// Private keys in the key store.
    PrivateKey = b"orrery/private-key/v1",
    /// Credential secrets that must be readable (TOTP secrets, provider tokens).
    CredentialSecret = b"orrery/credential-secret/v1",
    /// Counters of attempts, keyed so that the table reveals no identifier.
    AttemptCounter = b"orrery/attempt-counter/v1",
    /// Browsers that signed in before, and whose account it was.
    KnownBrowser = b"orrery/known-browser/v1",
    /// Access tokens of administrators and projects.
    AdminToken = b"orrery/admin-token/v1",
    /// Bodies of queued messages, which carry codes.
    MessageBody = b"orrery/message-body/v1",
    /// Calls that the outbox makes, which carry personal data and what authenticates them.
    EventNotice = b"orrery/event-notice/v1",
    /// Opaque OAuth2 access tokens.
    AccessToken = b"orrery/access-token/v1",
    /// OAuth2 refresh tokens.
    RefreshToken = b"orrery/refresh-token/v1",
    /// The refresh token that follows another: derived from it, so that a client that asks twice is answered alike.
    RefreshSuccessor = b"orrery/refresh-successor/v1",
    /// What shows that a refresh token, whether it still counts or not, was made here.
    RefreshFamily = b"orrery/refresh-family/v1",
    /// OAuth2 authorization codes.
    AuthorizationCode = b"orrery/authorization-code/v1",
    /// Device codes and user codes (RFC 8628).
    DeviceCode = b"orrery/device-code/v1",
    /// Registration access tokens (RFC 7592).
    RegistrationToken = b"orrery/registration-token/v1",
    /// Client secrets that the server generated.
    ClientSecret = b"orrery/client-secret/v1",
    /// Login, consent, logout and device challenges and verifiers.
    Challenge = b"orrery/challenge/v1",
    /// References to pushed authorization requests (RFC 9126).
    PushedRequest = b"orrery/pushed-request/v1",
    /// Identifiers of assertions and proofs that may be used once (`jti`).
    AssertionId = b"orrery/assertion-id/v1",
    /// Nonces that a server hands out for DPoP proofs (RFC 9449 section 8).
    DpopNonce = b"orrery/dpop-nonce/v1",
    /// Nonces for proofs of keys that credentials are bound to.
    CredentialNonce = b"orrery/credential-nonce/v1",
}
