//! The digests that other systems use, by the names that their hashes give them.

use ::hmac::{Hmac, KeyInit, Mac};
use md4::Md4;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// A digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Md4,
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// Does something with the type that computes the digest.
macro_rules! with {
    ($function:expr, $D:ident => $do:expr) => {
        match $function {
            Function::Md4 => {
                type $D = Md4;
                $do
            }
            Function::Md5 => {
                type $D = Md5;
                $do
            }
            Function::Sha1 => {
                type $D = Sha1;
                $do
            }
            Function::Sha224 => {
                type $D = Sha224;
                $do
            }
            Function::Sha256 => {
                type $D = Sha256;
                $do
            }
            Function::Sha384 => {
                type $D = Sha384;
                $do
            }
            Function::Sha512 => {
                type $D = Sha512;
                $do
            }
        }
    };
}

impl Function {
    /// By its name in a hash.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "md4" => Self::Md4,
            "md5" => Self::Md5,
            "sha1" => Self::Sha1,
            "sha224" => Self::Sha224,
            "sha256" => Self::Sha256,
            "sha384" => Self::Sha384,
            "sha512" => Self::Sha512,
            _ => return None,
        })
    }

    /// Bytes of its output.
    pub(super) fn length(self) -> usize {
        with!(self, D => D::output_size())
    }

    /// Of these parts, one after the other.
    pub(super) fn digest<'a>(self, parts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
        with!(self, D => parts.fold(D::new(), Digest::chain_update).finalize().to_vec())
    }

    /// HMAC (RFC 2104).
    pub(super) fn hmac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        // A key may have any length, so this never fails.
        with!(self, D => Hmac::<D>::new_from_slice(key)
            .map_or_else(|_| Vec::new(), |hmac| hmac.chain_update(message).finalize().into_bytes().to_vec()))
    }

    /// PBKDF2 with HMAC (RFC 8018).
    pub(super) fn pbkdf2(self, password: &[u8], salt: &[u8], iterations: u32, output: &mut [u8]) {
        with!(self, D => ::pbkdf2::pbkdf2_hmac::<D>(password, salt, iterations, output));
    }
}
