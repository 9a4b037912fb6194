//! Which new passwords are acceptable.

use secrecy::{ExposeSecret, SecretString};

use super::bcrypt;
use crate::config::{HashAlgorithm, PasswordPolicy};

/// Passwords and identifiers longer than this many characters are not compared: the work grows with both.
const COMPARED: usize = 256;
/// Fewer changes than this between password and identifier are too few.
const MIN_DISTANCE: usize = 5;

/// Why a password is not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyViolation {
    /// Message 4000032.
    TooShort {
        /// Bytes needed at least.
        min_length: usize,
        /// Bytes given.
        actual_length: usize,
    },
    /// Message 4000031: it resembles what the person signs in as.
    TooSimilar,
    /// Message 4000033: bcrypt would ignore the end of it.
    TooLong {
        /// Bytes allowed at most.
        max_length: usize,
        /// Bytes given.
        actual_length: usize,
    },
}

/// Checks a new password against the policy: length, then resemblance to any of the identifiers.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(
    policy: &PasswordPolicy,
    algorithm: HashAlgorithm,
    password: &SecretString,
    identifiers: &[String],
) -> Result<(), PolicyViolation> {
    let password = password.expose_secret();
    let actual_length = password.len();
    if actual_length < policy.min_length {
        return Err(PolicyViolation::TooShort { min_length: policy.min_length, actual_length });
    }
    match algorithm {
        HashAlgorithm::Bcrypt { .. } if actual_length > bcrypt::MAX_BYTES => {
            return Err(PolicyViolation::TooLong { max_length: bcrypt::MAX_BYTES, actual_length });
        }
        HashAlgorithm::Bcrypt { .. } | HashAlgorithm::Argon2id { .. } => {}
    }
    if policy.similarity_check && identifiers.iter().any(|identifier| resembles(password, identifier)) {
        return Err(PolicyViolation::TooSimilar);
    }
    Ok(())
}

/// Whether only a few changes lie between the two, or more than half of the password occurs in the identifier.
fn resembles(password: &str, identifier: &str) -> bool {
    let password: Vec<char> = password.to_lowercase().chars().take(COMPARED + 1).collect();
    let identifier: Vec<char> = identifier.to_lowercase().chars().take(COMPARED + 1).collect();
    if password.len() > COMPARED || identifier.len() > COMPARED {
        return false;
    }
    strsim::generic_levenshtein(&Characters(&password), &Characters(&identifier)) < MIN_DISTANCE
        || longest_common_substring(&password, &identifier) * 2 > password.len()
}

/// Length of the longest run of characters that occurs in both.
fn longest_common_substring(a: &[char], b: &[char]) -> usize {
    let mut best = 0;
    // `row[j + 1]` is the length of the common run that ends at the present character of `a` and at `b[j]`.
    let mut row = vec![0; b.len() + 1];
    for x in a {
        for j in (0..b.len()).rev() {
            row[j + 1] = if *x == b[j] { row[j] + 1 } else { 0 };
            best = best.max(row[j + 1]);
        }
    }
    best
}

/// What `strsim` can compare.
struct Characters<'a>(&'a [char]);

impl<'a> IntoIterator for &Characters<'a> {
    type Item = char;
    type IntoIter = std::iter::Copied<std::slice::Iter<'a, char>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARGON2ID: HashAlgorithm = HashAlgorithm::Argon2id { memory_kib: 256, iterations: 1, parallelism: 1 };
    const POLICY: PasswordPolicy = PasswordPolicy { enabled: true, min_length: 8, similarity_check: true };

    fn verdict(password: &str, identifiers: &[&str]) -> Result<(), PolicyViolation> {
        let identifiers: Vec<_> = identifiers.iter().map(|identifier| (*identifier).to_owned()).collect();
        check(&POLICY, ARGON2ID, &SecretString::from(password), &identifiers)
    }

    #[test]
    fn length_counts_bytes() {
        assert_eq!(verdict("1234567", &[]), Err(PolicyViolation::TooShort { min_length: 8, actual_length: 7 }));
        assert_eq!(verdict("12345678", &[]), Ok(()));
        assert_eq!(verdict("ääää", &[]), Ok(()), "four characters, eight bytes");
    }

    #[test]
    fn a_short_and_similar_password_is_called_short() {
        assert!(matches!(verdict("ada", &["ada"]), Err(PolicyViolation::TooShort { .. })));
    }

    #[test]
    fn what_resembles_an_identifier_is_refused() {
        for (password, identifier) in [
            ("ada@example.org", "ada@example.org"),
            ("ADA@EXAMPLE.ORG", "ada@example.org"),
            ("ada@example.org1234", "ada@example.org"),
            ("1ada@exampel.org", "ada@example.org"),
            ("adalovelace", "adalovelace@example.org"),
            ("lovelace1815", "ada.lovelace@example.org"),
            ("+491701234567", "+491701234567"),
        ] {
            assert_eq!(verdict(password, &["somebody", identifier]), Err(PolicyViolation::TooSimilar), "{password}");
        }
        for (password, identifier) in [
            ("correct horse battery staple", "ada@example.org"),
            ("lovelace-and-babbage", "ada.lovelace@example.org"),
            ("xkcd-example-936", "ada@example.org"),
        ] {
            assert_eq!(verdict(password, &[identifier]), Ok(()), "{password}");
        }
    }

    #[test]
    fn similarity_can_be_switched_off() {
        let policy = PasswordPolicy { similarity_check: false, ..POLICY };
        let same = "ada@example.org".to_owned();
        assert_eq!(check(&policy, ARGON2ID, &SecretString::from(same.clone()), &[same]), Ok(()));
    }

    #[test]
    fn very_long_texts_are_not_compared() {
        let long = "a".repeat(100_000);
        assert_eq!(verdict(&long, &[&long]), Ok(()));
    }

    #[test]
    fn bcrypt_refuses_what_it_would_cut() {
        let bcrypt = |length: usize| {
            check(&POLICY, HashAlgorithm::Bcrypt { cost: 12 }, &SecretString::from("x".repeat(length)), &[])
        };
        assert_eq!(bcrypt(72), Ok(()));
        assert_eq!(bcrypt(73), Err(PolicyViolation::TooLong { max_length: 72, actual_length: 73 }));
        assert_eq!(verdict(&"x".repeat(73), &[]), Ok(()), "Argon2 has no such limit");
    }

    #[test]
    fn common_runs_are_found_anywhere() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        for (a, b, length) in [("abcdef", "zzcdezz", 3), ("abc", "abc", 3), ("", "abc", 0), ("aXbXc", "abc", 1)] {
            assert_eq!(longest_common_substring(&chars(a), &chars(b)), length, "{a} {b}");
        }
    }
}
