//! A stored password hash of any accepted format.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

use super::argon2::{Argon2Hash, Memory};
use super::bcrypt::{self, BcryptHash};
use super::foreign::ForeignHash;
use crate::config::HashAlgorithm;

/// Longest text that is looked at as a hash, in bytes.
const MAX_LENGTH: usize = 1024;

/// A stored password hash, parsed and within the bounds that keep checking it affordable.
#[derive(Clone, PartialEq, Eq)]
pub enum PasswordHash {
    /// Argon2id or Argon2i in PHC notation.
    Argon2(Argon2Hash),
    /// bcrypt in modular crypt notation.
    Bcrypt(BcryptHash),
    /// Any other that an administrator may bring along.
    Foreign(ForeignHash),
}

/// The text is no password hash of an accepted format, or one that is too costly to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an accepted password hash, or its parameters are out of bounds")]
pub struct InvalidHash;

impl PasswordHash {
    /// Hashes a new password. Slow: runs on the pool's threads only.
    pub(super) fn create(
        algorithm: HashAlgorithm,
        password: &SecretString,
        salt: [u8; 16],
        memory: &mut Memory,
    ) -> Result<Self, InvalidHash> {
        let password = password.expose_secret().as_bytes();
        match algorithm {
            HashAlgorithm::Argon2id { memory_kib, iterations, parallelism } => {
                Argon2Hash::create(memory_kib, iterations, parallelism, salt, password, memory).map(Self::Argon2)
            }
            HashAlgorithm::Bcrypt { cost } => BcryptHash::create(cost, salt, password).map(Self::Bcrypt),
        }
    }

    /// Whether the hash was made of this password. Slow: runs on the pool's threads only.
    pub(super) fn matches(&self, password: &SecretString, memory: &mut Memory) -> bool {
        let password = password.expose_secret().as_bytes();
        match self {
            Self::Argon2(hash) => hash.matches(password, memory),
            Self::Bcrypt(hash) => hash.matches(password),
            Self::Foreign(hash) => hash.matches(password),
        }
    }

    /// Whether we would make the same hash of the same password now.
    #[must_use]
    pub fn is_made_by(&self, algorithm: HashAlgorithm) -> bool {
        match (self, algorithm) {
            (Self::Argon2(hash), HashAlgorithm::Argon2id { memory_kib, iterations, parallelism }) => {
                hash.is_like(memory_kib, iterations, parallelism)
            }
            (Self::Bcrypt(hash), HashAlgorithm::Bcrypt { cost }) => hash.cost() == cost,
            (Self::Argon2(_) | Self::Foreign(_), HashAlgorithm::Bcrypt { .. })
            | (Self::Bcrypt(_) | Self::Foreign(_), HashAlgorithm::Argon2id { .. }) => false,
        }
    }

    /// Whether this hash of `password` should be replaced by one of `algorithm`.
    #[must_use]
    pub fn needs_rehash(&self, algorithm: HashAlgorithm, password: &SecretString) -> bool {
        // bcrypt would forget everything beyond its limit, and with it what the other hash checks.
        let fits = match (self, algorithm) {
            (Self::Argon2(_) | Self::Foreign(_), HashAlgorithm::Bcrypt { .. }) => {
                password.expose_secret().len() <= bcrypt::MAX_BYTES
            }
            (Self::Bcrypt(_), HashAlgorithm::Bcrypt { .. }) | (_, HashAlgorithm::Argon2id { .. }) => true,
        };
        fits && !self.is_made_by(algorithm)
    }

    /// The text to store.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Argon2(hash) => hash.encode(),
            Self::Bcrypt(hash) => hash.encode(),
            Self::Foreign(hash) => hash.encode().to_owned(),
        }
    }
}

impl FromStr for PasswordHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        if text.len() > MAX_LENGTH {
            return Err(InvalidHash);
        }
        match text.strip_prefix('$').and_then(|rest| rest.split('$').next()) {
            Some("argon2id" | "argon2i") => Argon2Hash::parse(text).map(Self::Argon2),
            Some("2" | "2a" | "2b" | "2y" | "2z") => BcryptHash::parse(text).map(Self::Bcrypt),
            Some(_) | None => ForeignHash::parse(text).map(Self::Foreign),
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Argon2(_) => "PasswordHash(argon2, …)",
            Self::Bcrypt(_) => "PasswordHash(bcrypt, …)",
            Self::Foreign(_) => "PasswordHash(foreign, …)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> PasswordHash {
        text.parse().expect("an accepted hash")
    }

    fn matches(hash: &str, password: &str) -> bool {
        parse(hash).matches(&SecretString::from(password), &mut Memory::default())
    }

    #[test]
    fn argon2_hashes_of_the_reference_implementation_are_accepted() {
        // From the test program of the Argon2 reference implementation (P-H-C/phc-winner-argon2, src/test.c).
        for (hash, password) in [
            ("$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", "password"),
            ("$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E", "password"),
            ("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"),
            ("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password"),
            (
                "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94",
                "differentpassword",
            ),
        ] {
            assert!(matches(hash, password), "{hash}");
            assert!(!matches(hash, "Password"), "{hash}");
        }
    }

    #[test]
    fn bcrypt_hashes_of_other_implementations_are_accepted() {
        // From jBCrypt's test vectors; the tail is the same under every accepted prefix.
        for (tail, password) in [
            ("06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.", ""),
            ("06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe", "a"),
            ("06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i", "abc"),
            ("06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC", "abcdefghijklmnopqrstuvwxyz"),
        ] {
            for prefix in ["$2$", "$2a$", "$2b$", "$2y$", "$2z$"] {
                let hash = format!("{prefix}{tail}");
                assert!(matches(&hash, password), "{hash}");
                assert!(!matches(&hash, "somebody else's"), "{hash}");
            }
        }
    }

    #[test]
    fn padding_of_salt_and_hash_is_accepted() {
        assert!(matches(
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ=$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc=",
            "password"
        ));
    }

    #[test]
    fn hashes_that_nobody_could_afford_to_check_are_refused() {
        let salt_and_hash = "c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";
        for bad in [
            format!("$argon2id$v=19$m=1048577,t=2,p=2${salt_and_hash}"),
            format!("$argon2id$v=19$m=256,t=11,p=2${salt_and_hash}"),
            format!("$argon2id$v=19$m=256,t=2,p=17${salt_and_hash}"),
            format!("$argon2id$v=19$m=256,t=0,p=2${salt_and_hash}"),
            format!("$argon2id$v=16$m=256,t=2,p=2${salt_and_hash}"),
            format!("$argon2d$v=19$m=256,t=2,p=2${salt_and_hash}"),
            format!("$argon2id$v=19$m=256,t=2,p=2,x=1${salt_and_hash}"),
            format!("$argon2id$v=19$m=256,t=2,p=2${salt_and_hash}$more"),
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$".to_owned(),
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$AAAA".to_owned(),
            "$2a$16$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.".to_owned(),
            "$2a$03$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.".to_owned(),
            "$2x$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.".to_owned(),
            "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s".to_owned(),
            "$2a$06$ÄCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s".to_owned(),
            "password".to_owned(),
            "$".to_owned(),
            String::new(),
            "$argon2id$".repeat(200),
        ] {
            assert_eq!(bad.parse::<PasswordHash>(), Err(InvalidHash), "{bad}");
        }
    }

    #[test]
    fn only_what_differs_from_the_configuration_is_hashed_again() {
        let configured = HashAlgorithm::Argon2id { memory_kib: 256, iterations: 2, parallelism: 1 };
        let stronger = HashAlgorithm::Argon2id { memory_kib: 512, iterations: 2, parallelism: 1 };
        let bcrypt = HashAlgorithm::Bcrypt { cost: 4 };
        let short = SecretString::from("correct horse");
        let long = SecretString::from("x".repeat(73));
        let create = |algorithm| PasswordHash::create(algorithm, &short, [7; 16], &mut Memory::default());
        let ours = create(configured).expect("parameters are in bounds");
        assert_eq!(ours.encode().parse(), Ok(ours.clone()));
        assert!(!ours.needs_rehash(configured, &short));
        assert!(ours.needs_rehash(stronger, &short));
        assert!(ours.needs_rehash(bcrypt, &short));
        assert!(!ours.needs_rehash(bcrypt, &long), "bcrypt would cut the password");
        let old = create(bcrypt).expect("parameters are in bounds");
        assert_eq!(old.encode().parse(), Ok(old.clone()));
        assert!(!old.needs_rehash(bcrypt, &short));
        assert!(old.needs_rehash(configured, &short));
        let imported =
            parse("$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHRzb21lc2E$tsEVYKap1h6scGt5ovl9aLRGOqOth+AMB+KwHpDFZPs");
        assert!(imported.needs_rehash(configured, &short), "argon2i is not argon2id");
        let imported = parse("$md5$4QrcOUm6Wau+VuBX8g+IPg==");
        assert!(imported.needs_rehash(configured, &long) && imported.needs_rehash(bcrypt, &short));
        assert!(!imported.needs_rehash(bcrypt, &long) && !imported.is_made_by(bcrypt));
    }

    #[test]
    fn what_could_not_be_checked_again_is_not_made() {
        let algorithm =
            |memory_kib, iterations, parallelism| HashAlgorithm::Argon2id { memory_kib, iterations, parallelism };
        for costly in [
            algorithm(1_048_577, 1, 1),
            algorithm(256, 11, 1),
            algorithm(256, 1, 17),
            HashAlgorithm::Bcrypt { cost: 16 },
            HashAlgorithm::Bcrypt { cost: 3 },
        ] {
            let made = PasswordHash::create(costly, &SecretString::from("x"), [0; 16], &mut Memory::default());
            assert_eq!(made, Err(InvalidHash), "{costly:?}");
        }
    }

    #[test]
    fn a_hash_does_not_print_itself() {
        let hash = parse("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc");
        assert!(!format!("{hash:?}").contains("bQk8"));
    }
}
