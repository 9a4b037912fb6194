//! The code that somebody reads from one screen and types on another.

use orrery_core::Entropy;

use crate::config::UserCode;

/// Longest text that is looked at.
const MAX: usize = 64;

/// A fresh code.
#[must_use]
pub fn generate(form: &UserCode, entropy: &dyn Entropy) -> String {
    let characters: Vec<char> = form.characters.chars().take(256).collect();
    let mut code = String::with_capacity(form.length);
    // Bytes beyond the largest multiple are drawn again, so that each character is equally likely.
    let limit = 256 - 256 % characters.len().max(1);
    let mut left = form.length;
    while left > 0 {
        let mut drawn = [0_u8; 1];
        entropy.fill(&mut drawn);
        let position = usize::from(drawn[0]);
        if let Some(character) = characters.get(position % characters.len().max(1)).filter(|_| position < limit) {
            code.push(*character);
            left -= 1;
        }
    }
    code
}

/// As people read it: in groups of four where it has eight characters.
#[must_use]
pub fn grouped(code: &str) -> String {
    match code.len() {
        8 if code.is_ascii() => format!("{}-{}", &code[..4], &code[4..]),
        _ => code.to_owned(),
    }
}

/// What was meant by what somebody typed: without gaps and, where the alphabet has one case only, in that case. `None`
/// when it cannot be a code.
#[must_use]
pub fn normalise(form: &UserCode, typed: &str) -> Option<String> {
    let kept: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').take(MAX).collect();
    let lower = form.characters.chars().any(char::is_lowercase);
    let upper = form.characters.chars().any(char::is_uppercase);
    let code = match (lower, upper) {
        (false, true) => kept.to_uppercase(),
        (true, false) => kept.to_lowercase(),
        (true, true) | (false, false) => kept,
    };
    let fits = code.chars().count() == form.length && code.chars().all(|c| form.characters.contains(c));
    fits.then_some(code)
}

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;

    use super::*;

    #[test]
    fn what_is_shown_can_be_typed() {
        for form in [UserCode::high(), UserCode::medium(), UserCode::low()] {
            let code = generate(&form, &SystemEntropy::default());
            assert_eq!(code.chars().count(), form.length);
            assert_eq!(normalise(&form, &grouped(&code)), Some(code.clone()));
            assert_eq!(normalise(&form, &format!(" {code} ")), Some(code));
        }
        let form = UserCode::medium();
        assert_eq!(normalise(&form, "abcd-efgh").as_deref(), Some("ABCDEFGH"));
        for wrong in ["", "ABCD", "ABCD-EFG1", "ABCD-EFGHI", "ÄBCD-EFGH"] {
            assert_eq!(normalise(&form, wrong), None, "{wrong}");
        }
    }
}
