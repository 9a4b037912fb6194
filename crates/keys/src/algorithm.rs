//! The signature algorithms of RFC 7518 and RFC 8037 that Orrery signs and verifies with.

use std::fmt;

use josekit::jws::JwsAlgorithm;

/// The name that RFC 9864 gives to what is called `EdDSA` here.
pub const ED25519: &str = "Ed25519";

/// A JWS algorithm. `none` is not one, so that it can never be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// Ed25519.
    EdDSA,
    /// HMAC with SHA-256. Keys can be imported, not generated.
    HS256,
    /// HMAC with SHA-512. Keys can be imported, not generated.
    HS512,
}

impl SigningAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 12] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
        Self::HS256,
        Self::HS512,
    ];

    /// The `alg` value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
            Self::HS256 => "HS256",
            Self::HS512 => "HS512",
        }
    }

    /// Reads an `alg` value, which is case-sensitive. `EdDSA` stands for Ed25519 alone here, so that the name which RFC 9864
    /// gives that means the same; what we sign bears the older name, which more libraries know.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name == ED25519 {
            return Some(Self::EdDSA);
        }
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// How the algorithm signs, which also says what kind of key it needs.
    #[must_use]
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::RS256 => Scheme::Rsa(Padding::Pkcs1, Hash::Sha256),
            Self::RS384 => Scheme::Rsa(Padding::Pkcs1, Hash::Sha384),
            Self::RS512 => Scheme::Rsa(Padding::Pkcs1, Hash::Sha512),
            Self::PS256 => Scheme::Rsa(Padding::Pss, Hash::Sha256),
            Self::PS384 => Scheme::Rsa(Padding::Pss, Hash::Sha384),
            Self::PS512 => Scheme::Rsa(Padding::Pss, Hash::Sha512),
            Self::ES256 => Scheme::Ecdsa(Curve::P256),
            Self::ES384 => Scheme::Ecdsa(Curve::P384),
            Self::ES512 => Scheme::Ecdsa(Curve::P521),
            Self::EdDSA => Scheme::Ed25519,
            Self::HS256 => Scheme::Hmac(Hash::Sha256),
            Self::HS512 => Scheme::Hmac(Hash::Sha512),
        }
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl JwsAlgorithm for SigningAlgorithm {
    fn name(&self) -> &str {
        Self::name(*self)
    }

    fn box_clone(&self) -> Box<dyn JwsAlgorithm> {
        Box::new(*self)
    }
}

/// The families of algorithms, with what tells their members apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// RSA signatures.
    Rsa(Padding, Hash),
    /// ECDSA; the curve decides the hash.
    Ecdsa(Curve),
    /// EdDSA on Curve25519.
    Ed25519,
    /// A keyed hash: whoever can verify can also sign.
    Hmac(Hash),
}

impl Scheme {
    /// The `kty` of the keys.
    #[must_use]
    pub const fn key_type(self) -> &'static str {
        match self {
            Self::Rsa(..) => "RSA",
            Self::Ecdsa(_) => "EC",
            Self::Ed25519 => "OKP",
            Self::Hmac(_) => "oct",
        }
    }

    /// The `crv` of the keys, where there is one.
    #[must_use]
    pub const fn curve(self) -> Option<&'static str> {
        match self {
            Self::Ecdsa(curve) => Some(curve.name()),
            Self::Ed25519 => Some("Ed25519"),
            Self::Rsa(..) | Self::Hmac(_) => None,
        }
    }
}

/// RSA signature paddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// RSASSA-PKCS1-v1_5.
    Pkcs1,
    /// RSASSA-PSS; the salt is as long as the hash.
    Pss,
}

/// The hash functions of SHA-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// The curves of RFC 7518 section 6.2.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// P-256.
    P256,
    /// P-384.
    P384,
    /// P-521.
    P521,
}

impl Curve {
    /// The `crv` value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// Bytes of a coordinate and of a private key.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_none_is_not_an_algorithm() {
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(SigningAlgorithm::parse(algorithm.name()), Some(algorithm));
            assert_eq!(serde_json::to_value(algorithm).expect("text"), algorithm.name());
        }
        for other in ["none", "None", "", "rs256", "HS384", "RS256 "] {
            assert_eq!(SigningAlgorithm::parse(other), None, "{other}");
        }
    }
}
