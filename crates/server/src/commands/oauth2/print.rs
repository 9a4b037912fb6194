//! Printing tokens.

use openidconnect::OAuth2TokenResponse as _;
use serde_json::{Value, json};

use super::exchange::Tokens;
use crate::cli::Format;
use crate::commands::say;

/// Prints them: as the server sent them and with the claims beside them, or one on a line.
///
/// # Errors
/// When standard output fails.
#[expect(clippy::print_stderr, reason = "what to do next is no result")]
pub(super) fn print(format: Format, tokens: &Tokens) -> anyhow::Result<()> {
    let mut answer = serde_json::to_value(&tokens.response)?;
    let claims = serde_json::to_value(&tokens.claims)?;
    match format {
        Format::Json => {
            answer["claims"] = claims;
            say(&format!("{answer:#}"))
        }
        Format::Table => {
            for line in lines(&answer, &claims) {
                say(&line)?;
            }
            eprintln!("\nLook at one with: orrery token introspect {}", tokens.response.access_token().secret());
            Ok(())
        }
    }
}

/// What there is, with its name in front.
fn lines(answer: &Value, claims: &Value) -> impl Iterator<Item = String> {
    let seconds = answer["expires_in"].as_u64().map(|seconds| json!(format!("in {seconds} s")));
    [
        ("SUBJECT", Some(claims["sub"].clone())),
        ("SCOPE", Some(answer["scope"].clone())),
        ("EXPIRES", seconds),
        ("ACCESS TOKEN", Some(answer["access_token"].clone())),
        ("REFRESH TOKEN", Some(answer["refresh_token"].clone())),
        ("ID TOKEN", Some(answer["id_token"].clone())),
    ]
    .into_iter()
    .filter_map(|(name, value)| {
        let plain: String = value?.as_str()?.chars().filter(|c| !c.is_control()).collect();
        Some(format!("{name:<15}{plain}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_is_named_and_stays_on_its_line() {
        let answer = json!({"access_token": "a\u{1b}[2J\nb", "expires_in": 60, "token_type": "bearer"});
        let shown: Vec<_> = lines(&answer, &Value::Null).collect();
        assert_eq!(shown, ["EXPIRES        in 60 s", "ACCESS TOKEN   a[2Jb"]);
    }
}
