//! Checking a key that somebody else made.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{InvalidJwk, Jwk, RawJwk, check_name};
use crate::algorithm::{Scheme, SigningAlgorithm};
use crate::sign::{Signer, Verifier};
use crate::store::KeyUse;

/// Most certificates of an `x5c` chain.
const MAX_CERTIFICATES: usize = 10;
/// Longest certificate in base64.
const MAX_CERTIFICATE: usize = 16 * 1024;

/// Key management algorithms (RFC 7518 section 4.1) that a stored key may name, with their key type. Orrery keeps
/// and publishes such keys and never uses them.
const KEY_MANAGEMENT: [(&str, &str); 13] = [
    ("RSA-OAEP", "RSA"),
    ("RSA-OAEP-256", "RSA"),
    ("ECDH-ES", "EC"),
    ("ECDH-ES+A128KW", "EC"),
    ("ECDH-ES+A192KW", "EC"),
    ("ECDH-ES+A256KW", "EC"),
    ("A128KW", "oct"),
    ("A192KW", "oct"),
    ("A256KW", "oct"),
    ("A128GCMKW", "oct"),
    ("A192GCMKW", "oct"),
    ("A256GCMKW", "oct"),
    ("dir", "oct"),
];

impl Jwk {
    /// Checks every member. A missing `use` means `sig`; a missing `alg` means what the key type signs with by
    /// default; an empty text counts as missing.
    ///
    /// # Errors
    /// Names the first member that is missing, malformed or does not fit the others.
    pub fn import(mut raw: RawJwk) -> Result<Self, InvalidJwk> {
        drop_empty(&mut raw);
        let kid = raw.kid.clone().ok_or_else(|| InvalidJwk::new("kid", "is missing"))?;
        check_name("kid", &kid)?;
        let usage = match raw.usage.as_deref() {
            None => KeyUse::Signature,
            Some(usage) => KeyUse::parse(usage).ok_or_else(|| InvalidJwk::new("use", "must be sig or enc"))?,
        };
        let material = material(&raw)?;
        let algorithm = raw.alg.clone().unwrap_or_else(|| material.name().to_owned());
        let algorithm = match SigningAlgorithm::parse(&algorithm) {
            Some(named) => {
                check_material(named, &raw)?;
                // Under the name that its signatures will bear.
                named.name().to_owned()
            }
            None if usage == KeyUse::Encryption
                && KEY_MANAGEMENT.contains(&(&algorithm, material.scheme().key_type())) =>
            {
                check_encryption(material, &raw)?;
                algorithm
            }
            None => return Err(InvalidJwk::new("alg", "is not supported for this kty and use")),
        };
        check_certificates(&raw)?;
        raw.usage = Some(usage.as_str().to_owned());
        raw.alg = Some(algorithm.clone());
        Ok(Self { raw, kid, algorithm, usage })
    }

    /// Puts a stored key together again. `public` and `private` were checked when they were stored.
    ///
    /// # Errors
    /// When the row does not hold a key.
    pub(crate) fn restore(public: RawJwk, private: Option<RawJwk>) -> Result<Self, InvalidJwk> {
        let raw = match private {
            Some(private) => public.with_private(private),
            None => public,
        };
        let missing = |member| InvalidJwk::new(member, "is missing");
        let kid = raw.kid.clone().ok_or_else(|| missing("kid"))?;
        let algorithm = raw.alg.clone().ok_or_else(|| missing("alg"))?;
        let usage = raw.usage.as_deref().and_then(KeyUse::parse).ok_or_else(|| missing("use"))?;
        Ok(Self { raw, kid, algorithm, usage })
    }
}

/// Clients written in Go send unset members as empty texts.
fn drop_empty(raw: &mut RawJwk) {
    let RawJwk { usage, kty, kid, alg, crv, n, e, x, y, x5c, d, p, q, dp, dq, qi, k } = raw;
    for member in [usage, kty, kid, alg, crv, n, e, x, y] {
        member.take_if(|text| text.is_empty());
    }
    for member in [d, p, q, dp, dq, qi, k] {
        member.take_if(|text| text.is_empty());
    }
    x5c.take_if(|chain| chain.is_empty());
}

/// The algorithm that a key of this type signs with when it names none.
fn material(raw: &RawJwk) -> Result<SigningAlgorithm, InvalidJwk> {
    let curve = raw.crv.as_deref();
    match raw.kty.as_deref() {
        Some("RSA") => Ok(SigningAlgorithm::RS256),
        Some("EC") => match curve {
            Some("P-256") => Ok(SigningAlgorithm::ES256),
            Some("P-384") => Ok(SigningAlgorithm::ES384),
            Some("P-521") => Ok(SigningAlgorithm::ES512),
            Some(_) => Err(InvalidJwk::new("crv", "must be P-256, P-384 or P-521 for kty EC")),
            None => Err(InvalidJwk::new("crv", "is missing")),
        },
        Some("OKP") => match curve {
            Some("Ed25519") => Ok(SigningAlgorithm::EdDSA),
            Some(_) => Err(InvalidJwk::new("crv", "must be Ed25519 for kty OKP")),
            None => Err(InvalidJwk::new("crv", "is missing")),
        },
        Some("oct") => Ok(SigningAlgorithm::HS256),
        Some(_) => Err(InvalidJwk::new("kty", "must be RSA, EC, OKP or oct")),
        None => Err(InvalidJwk::new("kty", "is missing")),
    }
}

/// The members fit the algorithm and each other, and no member of another key type hides among them.
fn check_material(algorithm: SigningAlgorithm, raw: &RawJwk) -> Result<(), InvalidJwk> {
    let scheme = algorithm.scheme();
    if raw.kty.as_deref() != Some(scheme.key_type()) {
        return Err(InvalidJwk::new("kty", "does not fit alg"));
    }
    if raw.crv.as_deref() != scheme.curve() {
        return Err(InvalidJwk::new("crv", "does not fit alg"));
    }
    refuse_foreign(scheme, raw)?;
    Verifier::new(algorithm, raw)?;
    if raw.d.is_some() || raw.k.is_some() {
        Signer::new(algorithm, raw)?;
    }
    Ok(())
}

/// The members of a key management key are those of a signing key, except that a symmetric one may be shorter.
fn check_encryption(material: SigningAlgorithm, raw: &RawJwk) -> Result<(), InvalidJwk> {
    if !matches!(material.scheme(), Scheme::Hmac(_)) {
        return check_material(material, raw);
    }
    refuse_foreign(material.scheme(), raw)?;
    if RawJwk::secret("k", raw.k.as_ref())?.len() < 16 {
        return Err(InvalidJwk::new("k", "must have at least 16 bytes"));
    }
    Ok(())
}

/// A stray private member would be kept as public, and a stray public one would be published unchecked.
fn refuse_foreign(scheme: Scheme, raw: &RawJwk) -> Result<(), InvalidJwk> {
    let members = [
        ("n", raw.n.is_some()),
        ("e", raw.e.is_some()),
        ("x", raw.x.is_some()),
        ("y", raw.y.is_some()),
        ("d", raw.d.is_some()),
        ("p", raw.p.is_some()),
        ("q", raw.q.is_some()),
        ("dp", raw.dp.is_some()),
        ("dq", raw.dq.is_some()),
        ("qi", raw.qi.is_some()),
        ("k", raw.k.is_some()),
    ];
    let own: &[_] = match scheme {
        Scheme::Rsa(..) if raw.d.is_some() => &["n", "e", "d", "p", "q", "dp", "dq", "qi"],
        Scheme::Rsa(..) => &["n", "e"],
        Scheme::Ecdsa(_) => &["x", "y", "d"],
        Scheme::Ed25519 => &["x", "d"],
        Scheme::Hmac(_) => &["k"],
    };
    match members.iter().find(|(name, present)| *present && !own.contains(name)) {
        Some((name, _)) => Err(InvalidJwk::new(name, "does not belong to a key of this kind")),
        None => Ok(()),
    }
}

/// Certificates are published as they are: they must decode, and the first must be about this key.
fn check_certificates(raw: &RawJwk) -> Result<(), InvalidJwk> {
    let Some(chain) = &raw.x5c else { return Ok(()) };
    let wrong = |reason| Err(InvalidJwk::new("x5c", reason));
    if chain.len() > MAX_CERTIFICATES || chain.iter().any(|certificate| certificate.len() > MAX_CERTIFICATE) {
        return wrong("has too many or too long certificates");
    }
    let mut certificates = Vec::with_capacity(chain.len());
    for certificate in chain {
        match STANDARD.decode(certificate) {
            Ok(der) => certificates.push(der),
            Err(_) => return wrong("is not a list of base64 certificates"),
        }
    }
    // The subject's key stands in the certificate as the very bytes of `n` or `x`.
    let key = match (&raw.n, &raw.x) {
        (Some(n), _) => RawJwk::bytes("n", Some(n))?,
        (None, Some(x)) => RawJwk::bytes("x", Some(x))?,
        (None, None) => return wrong("does not belong to a symmetric key"),
    };
    match certificates.first() {
        Some(first) if first.windows(key.len()).any(|window| window == key) => Ok(()),
        Some(_) | None => wrong("does not certify this key"),
    }
}

#[cfg(test)]
mod tests;
