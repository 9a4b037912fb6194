//! Making new keys. Slow for RSA: never on a thread that serves requests.

use aws_lc_rs::encoding::{AsBigEndian, AsDer};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwk::KeyPair as _;
use josekit::jwk::alg::rsa::RsaKeyPair as JoseRsaKeyPair;
use zeroize::Zeroizing;

use super::{InvalidJwk, Jwk, RawJwk};
use crate::algorithm::{Curve, Scheme, SigningAlgorithm};
use crate::config::RsaSize;
use crate::error::KeyError;
use crate::store::KeyUse;

/// A new key, from the operating system's randomness.
///
/// # Errors
/// [`KeyError::Invalid`] for HMAC algorithms: a shared secret belongs to two parties and is imported, not made here.
pub fn generate(algorithm: SigningAlgorithm, usage: KeyUse, kid: String, rsa_size: RsaSize) -> Result<Jwk, KeyError> {
    let mut raw = match algorithm.scheme() {
        Scheme::Rsa(..) => rsa(rsa_size)?,
        Scheme::Ecdsa(curve) => ecdsa(curve)?,
        Scheme::Ed25519 => ed25519()?,
        Scheme::Hmac(_) => {
            return Err(InvalidJwk::new("alg", "cannot be generated: import symmetric keys instead").into());
        }
    };
    raw.kty = Some(algorithm.scheme().key_type().to_owned());
    raw.crv = algorithm.scheme().curve().map(str::to_owned);
    raw.alg = Some(algorithm.name().to_owned());
    raw.usage = Some(usage.as_str().to_owned());
    raw.kid = Some(kid);
    // The same door as for a stranger's key: whatever comes out of here is known to work.
    Ok(Jwk::import(raw)?)
}

fn rsa(size: RsaSize) -> Result<RawJwk, KeyError> {
    let size = match size {
        RsaSize::Bits2048 => KeySize::Rsa2048,
        RsaSize::Bits3072 => KeySize::Rsa3072,
        RsaSize::Bits4096 => KeySize::Rsa4096,
    };
    let pair = RsaKeyPair::generate(size).map_err(|_| KeyError::Crypto)?;
    let der = pair.as_der().map_err(|_| KeyError::Crypto)?;
    let jwk = JoseRsaKeyPair::from_der(der.as_ref()).map_err(|_| KeyError::Crypto)?.to_jwk_key_pair();
    serde_json::from_value(serde_json::Value::Object(jwk.into())).map_err(|_| KeyError::Crypto)
}

fn ecdsa(curve: Curve) -> Result<RawJwk, KeyError> {
    let pair = EcdsaKeyPair::generate(crate::sign::ecdsa_signing(curve)).map_err(|_| KeyError::Crypto)?;
    let private = pair.private_key().as_be_bytes().map_err(|_| KeyError::Crypto)?;
    // An uncompressed point: 4, x, y.
    let point = pair.public_key().as_ref();
    let (x, y) =
        point.get(1..).and_then(|coordinates| coordinates.split_at_checked(curve.length())).ok_or(KeyError::Crypto)?;
    Ok(RawJwk {
        x: Some(URL_SAFE_NO_PAD.encode(x)),
        y: Some(URL_SAFE_NO_PAD.encode(y)),
        d: Some(URL_SAFE_NO_PAD.encode(private.as_ref()).into()),
        ..RawJwk::default()
    })
}

fn ed25519() -> Result<RawJwk, KeyError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Crypto)?;
    let seed = pair.seed().map_err(|_| KeyError::Crypto)?;
    let seed = Zeroizing::new(seed.as_be_bytes().map_err(|_| KeyError::Crypto)?.as_ref().to_vec());
    Ok(RawJwk {
        x: Some(URL_SAFE_NO_PAD.encode(pair.public_key().as_ref())),
        d: Some(URL_SAFE_NO_PAD.encode(&*seed).into()),
        ..RawJwk::default()
    })
}
