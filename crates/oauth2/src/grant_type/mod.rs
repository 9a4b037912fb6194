//! The grants of the token endpoint, one file each.

pub mod authorization_code;
pub mod client_credentials;
pub mod device_code;
pub mod jwt_bearer;
pub mod refresh_token;
pub mod token_exchange;

/// A way to get tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantType {
    /// RFC 6749 section 4.1.
    AuthorizationCode,
    /// RFC 6749 section 6.
    RefreshToken,
    /// RFC 6749 section 4.4.
    ClientCredentials,
    /// RFC 6749 section 4.2, and the front channel of hybrid responses: not of the token endpoint.
    Implicit,
    /// RFC 7523 section 2.1.
    JwtBearer,
    /// RFC 8628 section 3.4.
    DeviceCode,
    /// RFC 8693.
    TokenExchange,
}

impl GrantType {
    /// The grants that the token endpoint serves.
    pub const SERVED: [Self; 6] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::JwtBearer,
        Self::TokenExchange,
    ];

    /// The value of `grant_type`, which is also what clients register.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::Implicit => "implicit",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }

    /// Reads a `grant_type` that the token endpoint serves.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::SERVED.into_iter().find(|grant_type| grant_type.name() == name)
    }
}
