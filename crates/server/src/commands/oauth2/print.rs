//! Printing tokens.

use orrery_keys::foreign;
use serde_json::{Value, json};

use super::exchange::Tokens;
use crate::cli::Format;
use crate::commands::client::plain;
use crate::commands::say;

/// Prints them: in JSON with all claims of the ID token beside them, or one on a line.
///
/// # Errors
/// When standard output fails.
#[expect(clippy::print_stderr, reason = "what to do next is no result")]
pub(super) fn print(format: Format, tokens: &Tokens) -> anyhow::Result<()> {
    let mut answer = serde_json::to_value(&tokens.response)?;
    match format {
        Format::Json => {
            // The library knows some claims only; the token, which is known to be good, has them all.
            let claims = answer["id_token"].as_str().and_then(foreign::peek).map(|token| token.claims);
            answer["claims"] = json!(claims);
            say(&format!("{answer:#}"))
        }
        Format::Table => {
            for line in lines(tokens.subject().as_deref(), &answer) {
                say(&line)?;
            }
            eprintln!("\nLook at one with: orrery token introspect - (it is read from standard input)");
            Ok(())
        }
    }
}

/// What there is, with its name in front.
fn lines(subject: Option<&str>, answer: &Value) -> impl Iterator<Item = String> {
    let said = |name: &str| answer[name].as_str().map(plain);
    let seconds = answer["expires_in"].as_u64().map(|seconds| format!("in {seconds} s"));
    [
        ("SUBJECT", subject.map(plain)),
        ("SCOPE", said("scope")),
        ("EXPIRES", seconds),
        ("ACCESS TOKEN", said("access_token")),
        ("REFRESH TOKEN", said("refresh_token")),
        ("ID TOKEN", said("id_token")),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(format!("{name:<15}{}", value?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_is_named_and_stays_on_its_line() {
        let answer = json!({"access_token": "a\u{1b}[2J\nb", "expires_in": 60, "token_type": "bearer"});
        let shown: Vec<_> = lines(None, &answer).collect();
        assert_eq!(shown, ["EXPIRES        in 60 s", "ACCESS TOKEN   a\u{fffd}[2J\u{fffd}b"]);
    }
}
