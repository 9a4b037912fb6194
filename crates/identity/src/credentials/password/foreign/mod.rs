//! Hashes of other systems: checked as they are, never made, and replaced at the next successful sign-in.
//!
//! Every parameter is bounded when the text is parsed, so that no hash that anybody brings along can take more than some
//! seconds of one thread, or more than the memory of a usual hash of ours.

mod crypt;
mod digest;
mod function;
mod hmac;
mod pbkdf2;
mod scrypt;

use self::crypt::Crypt;
use self::digest::SaltedDigest;
use self::hmac::KeyedDigest;
use self::pbkdf2::Pbkdf2;
use self::scrypt::Scrypt;
use super::InvalidHash;

/// The longest salt or key, in bytes.
const MAX_SALT: usize = 256;
/// The longest output, in bytes: longer ones add nothing but work.
const MAX_OUTPUT: usize = 128;

/// A parsed hash of another system, within bounds, and the text that it came as.
#[derive(Clone, PartialEq, Eq)]
pub struct ForeignHash {
    text: String,
    scheme: Scheme,
}

#[derive(Clone, PartialEq, Eq)]
enum Scheme {
    Pbkdf2(Pbkdf2),
    Scrypt(Scrypt),
    Digest(SaltedDigest),
    Keyed(KeyedDigest),
    Crypt(Crypt),
}

impl ForeignHash {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidHash> {
        let scheme = if text.starts_with('{') {
            Scheme::Digest(SaltedDigest::parse_ldap(text)?)
        } else {
            let (name, rest) = text.strip_prefix('$').and_then(|named| named.split_once('$')).ok_or(InvalidHash)?;
            match name {
                "scrypt" => Scheme::Scrypt(Scrypt::parse(rest)?),
                "firescrypt" => Scheme::Scrypt(Scrypt::parse_firebase(rest)?),
                "md5" | "sha1" | "sha256" | "sha512" => Scheme::Digest(SaltedDigest::parse(name, rest)?),
                "1" | "5" | "6" | "md5-crypt" | "sha256-crypt" | "sha512-crypt" => {
                    Scheme::Crypt(Crypt::parse(name, rest)?)
                }
                _ => match name.split_once('-') {
                    Some(("pbkdf2", function)) => Scheme::Pbkdf2(Pbkdf2::parse(function, rest)?),
                    Some(("hmac", function)) => Scheme::Keyed(KeyedDigest::parse(function, rest)?),
                    Some(_) | None => return Err(InvalidHash),
                },
            }
        };
        Ok(Self { text: text.to_owned(), scheme })
    }

    pub(super) fn encode(&self) -> &str {
        &self.text
    }

    /// Memory that a check needs.
    pub(super) fn memory_kib(&self) -> usize {
        match &self.scheme {
            Scheme::Scrypt(hash) => hash.memory_kib(),
            Scheme::Pbkdf2(_) | Scheme::Digest(_) | Scheme::Keyed(_) | Scheme::Crypt(_) => 4,
        }
    }

    /// Slow: runs on the pool's threads only.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        match &self.scheme {
            Scheme::Pbkdf2(hash) => hash.matches(password),
            Scheme::Scrypt(hash) => hash.matches(password),
            Scheme::Digest(hash) => hash.matches(password),
            Scheme::Keyed(hash) => hash.matches(password),
            Scheme::Crypt(hash) => hash.matches(password),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use secrecy::SecretString;
    use serde::Deserialize;

    use crate::credentials::password::PasswordHash;
    use crate::credentials::password::argon2::Memory;

    /// Made by other implementations; see `tests/password-hashes/generate.py`.
    const VECTORS: &str = include_str!("../../../../tests/password-hashes/hashes.json");

    #[derive(Deserialize)]
    struct Vector {
        made_by: String,
        password: String,
        hash: String,
    }

    #[test]
    fn hashes_of_other_implementations_are_accepted_and_fit_no_other_password() {
        let vectors: Vec<Vector> = serde_json::from_str(VECTORS).expect("vectors");
        assert!(vectors.len() > 300);
        let mut memory = Memory::default();
        for Vector { made_by, password, hash } in vectors {
            let parsed: PasswordHash = hash.parse().unwrap_or_else(|_| panic!("{made_by}: {hash}"));
            let mut matches = |password: String| parsed.matches(&SecretString::from(password), &mut memory);
            assert!(matches(password.clone()), "{made_by}: {hash} of {password:?}");
            assert!(!matches(format!("y{password}")), "{made_by}: {hash}");
            assert!(!matches(String::new()), "{made_by}: {hash}");
            assert_eq!(parsed.encode().parse(), Ok(parsed), "{made_by}: {hash}");
        }
    }

    #[test]
    fn every_documented_scheme_has_a_vector() {
        let vectors: Vec<Vector> = serde_json::from_str(VECTORS).expect("vectors");
        for scheme in [
            "$2$",
            "$2a$",
            "$2b$",
            "$2y$",
            "$2z$",
            "$argon2id$",
            "$argon2i$",
            "$pbkdf2-sha1$",
            "$pbkdf2-sha224$",
            "$pbkdf2-sha256$",
            "$pbkdf2-sha384$",
            "$pbkdf2-sha512$",
            "$scrypt$",
            "$firescrypt$",
            "{SSHA}",
            "{SSHA256}",
            "{SSHA512}",
            "$sha1$pf=",
            "$sha256$pf=",
            "$sha512$pf=",
            "$md5$pf=",
            "$md5$4",
            "$md5-crypt$",
            "$sha256-crypt$",
            "$sha512-crypt$",
            "$1$",
            "$5$",
            "$6$",
            "$hmac-md4$",
            "$hmac-md5$",
            "$hmac-sha1$",
            "$hmac-sha224$",
            "$hmac-sha256$",
            "$hmac-sha384$",
            "$hmac-sha512$",
        ] {
            assert!(vectors.iter().any(|vector| vector.hash.starts_with(scheme)), "{scheme}");
        }
    }

    #[test]
    fn hashes_that_nobody_could_afford_to_check_are_refused() {
        let (salt, hash) = ("c29tZXNhbHQ=", "bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc=");
        for bad in [
            format!("$pbkdf2-sha256$i=10000001,l=32${salt}${hash}"),
            // So many blocks of it.
            format!("$pbkdf2-sha1$i=9000000,l=32${salt}${hash}"),
            format!("$pbkdf2-sha256$i=0,l=32${salt}${hash}"),
            format!("$pbkdf2-md5$i=1000,l=32${salt}${hash}"),
            format!("$scrypt$ln=262144,r=8,p=1${salt}${hash}"),
            format!("$scrypt$ln=18,r=8,p=1${salt}${hash}"),
            format!("$scrypt$ln=16384,r=9,p=1${salt}${hash}"),
            format!("$scrypt$ln=16384,r=8,p=11${salt}${hash}"),
            format!("$scrypt$ln=16383,r=8,p=1${salt}${hash}"),
            format!("$firescrypt$ln=18,r=8,p=1${salt}${hash}$Bw==${hash}"),
            format!("$firescrypt$ln=14,r=8,p=1${salt}${hash}$Bw=="),
            format!("$sha512-crypt$rounds=1000001${}", "saltsalt$x"),
            format!("$hmac-sha256$MTIz${salt}"),
            format!("$sha256$pf=e1BBU1NXT1JEfQ==${salt}$MTIz"),
            // A template without the password would let anybody in.
            format!("$sha256$pf=e1NBTFR9${salt}${hash}"),
            "{SSHA}MTIz".to_owned(),
            "{MD5}MTIz".to_owned(),
            "$md5-crypt$saltsalt$tooshort".to_owned(),
            "$1$salt$".to_owned(),
            "$pbkdf2-".to_owned(),
            "$md5$".to_owned(),
            "{".to_owned(),
        ] {
            assert!(bad.parse::<PasswordHash>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_long_password_cannot_make_a_cheap_hash_dear() {
        let crypt = "$5$rounds=1000$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5";
        let hash: PasswordHash = crypt.parse().expect("accepted");
        let begin = Instant::now();
        assert!(!hash.matches(&SecretString::from("x".repeat(4096)), &mut Memory::default()));
        assert!(begin.elapsed() < Duration::from_secs(2));
    }
}
