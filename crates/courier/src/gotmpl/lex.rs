//! Text and actions, with white space trimmed and comments dropped.

use std::iter::Peekable;
use std::str::CharIndices;

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Literal text.
    Text(String),
    /// What stands between `{{` and `}}`.
    Action {
        /// The line of `{{`, from one.
        line: usize,
        /// Never empty.
        tokens: Vec<Token>,
    },
}

/// A word of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A keyword, function or constant.
    Word(String),
    /// `.`, `.A` or `.A.B`.
    Path(Vec<String>),
    /// `$` (empty name), `$x` or `$x.A`.
    Variable(String, Vec<String>),
    /// A quoted string, unescaped.
    Text(String),
    /// An integer or decimal number as written.
    Number(String),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `|`
    Pipe,
    /// `,`
    Comma,
    /// `:=`
    Declare,
}

/// Splits a template; an error is the line and the reason.
pub(super) fn items(source: &str) -> Result<Vec<Item>, (usize, String)> {
    let mut items = Vec::new();
    let mut rest = source;
    let mut trim_next = false;
    loop {
        let line = 1 + source[..source.len() - rest.len()].matches('\n').count();
        let (text, after) = match rest.split_once("{{") {
            Some((text, after)) => (text, Some(after)),
            None => (rest, None),
        };
        let line = line + text.matches('\n').count();
        let text = if trim_next { text.trim_start() } else { text };
        let trims_before = after.is_some_and(|after| after.starts_with('-') && starts_with_space(&after[1..]));
        let text = if trims_before { text.trim_end() } else { text };
        if !text.is_empty() {
            items.push(Item::Text(text.to_owned()));
        }
        let Some(after) = after else { return Ok(items) };
        let after = if trims_before { &after[1..] } else { after };
        let (tokens, length, trims_after) = action(after).map_err(|reason| (line, reason))?;
        if !tokens.is_empty() {
            items.push(Item::Action { line, tokens });
        }
        rest = &after[length..];
        trim_next = trims_after;
    }
}

fn starts_with_space(text: &str) -> bool {
    text.starts_with([' ', '\t', '\r', '\n'])
}

/// The tokens of one action, its length with `}}`, and whether it ends in ` -}}`. A comment has no tokens.
fn action(source: &str) -> Result<(Vec<Token>, usize, bool), String> {
    let trimmed = source.trim_start();
    if let Some(comment) = trimmed.strip_prefix("/*") {
        let (_, after) = comment.split_once("*/").ok_or("the comment is not closed with */")?;
        let end = after.trim_start();
        for (close, trims) in [("-}}", true), ("}}", false)] {
            if let Some(rest) = end.strip_prefix(close) {
                return Ok((Vec::new(), source.len() - rest.len(), trims));
            }
        }
        return Err("a comment must be the only thing in its action".to_owned());
    }
    let mut tokens = Vec::new();
    let mut chars = source.char_indices().peekable();
    while let Some((at, character)) = chars.next() {
        let rest = &source[at..];
        if rest.starts_with("}}") || rest.starts_with("-}}") {
            if tokens.is_empty() {
                return Err("the action is empty".to_owned());
            }
            let trims = character == '-';
            return Ok((tokens, at + if trims { 3 } else { 2 }, trims));
        }
        tokens.push(match character {
            ' ' | '\t' | '\r' | '\n' => continue,
            '(' => Token::Open,
            ')' => {
                if chars.peek().is_some_and(|(_, next)| *next == '.') {
                    return Err("a field of a parenthesis is not supported; give the value a name with :=".to_owned());
                }
                Token::Close
            }
            '|' => Token::Pipe,
            ',' => Token::Comma,
            ':' if chars.next_if(|(_, next)| *next == '=').is_some() => Token::Declare,
            '=' => return Err("assigning to a variable again with = is not supported".to_owned()),
            '"' => Token::Text(quoted(&mut chars)?),
            '`' => Token::Text(raw(&mut chars)?),
            '.' => Token::Path(fields(&mut chars, true)),
            '$' => Token::Variable(word(&mut chars, None), fields(&mut chars, false)),
            digit if digit.is_ascii_digit() => Token::Number(number(digit, &mut chars)?),
            '-' if chars.peek().is_some_and(|(_, next)| next.is_ascii_digit()) => {
                Token::Number(number('-', &mut chars)?)
            }
            letter if is_letter(letter) => Token::Word(word(&mut chars, Some(letter))),
            other => return Err(format!("the character {other:?} is not supported here")),
        });
    }
    Err("the action is not closed with }}".to_owned())
}

type Chars<'a> = Peekable<CharIndices<'a>>;

fn is_letter(character: char) -> bool {
    character == '_' || character.is_alphabetic()
}

fn word(chars: &mut Chars<'_>, first: Option<char>) -> String {
    let mut word: String = first.into_iter().collect();
    while let Some((_, next)) = chars.next_if(|(_, next)| is_letter(*next) || next.is_ascii_digit()) {
        word.push(next);
    }
    word
}

/// The fields after a dot that was read (`started`) or may follow.
fn fields(chars: &mut Chars<'_>, started: bool) -> Vec<String> {
    let mut fields = Vec::new();
    let mut dot = started;
    loop {
        if !dot && chars.next_if(|(_, next)| *next == '.').is_none() {
            return fields;
        }
        dot = false;
        let field = word(chars, None);
        if field.is_empty() {
            return fields;
        }
        fields.push(field);
    }
}

fn number(first: char, chars: &mut Chars<'_>) -> Result<String, String> {
    let mut number = String::from(first);
    while let Some((_, next)) = chars.next_if(|(_, next)| next.is_ascii_alphanumeric() || *next == '.') {
        number.push(next);
    }
    if number.parse::<i64>().is_err() && (number.parse::<f64>().is_err() || !number.contains('.')) {
        return Err(format!("the number {number} is not supported"));
    }
    Ok(number)
}

fn raw(chars: &mut Chars<'_>) -> Result<String, String> {
    let mut text = String::new();
    for (_, character) in chars {
        if character == '`' {
            return Ok(text);
        }
        text.push(character);
    }
    Err("the string is not closed".to_owned())
}

fn quoted(chars: &mut Chars<'_>) -> Result<String, String> {
    let mut text = String::new();
    while let Some((_, character)) = chars.next() {
        match character {
            '"' => return Ok(text),
            '\n' => break,
            '\\' => text.push(match chars.next().map(|(_, escape)| escape) {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(same @ ('"' | '\\' | '\'')) => same,
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).map(|(_, digit)| digit).collect();
                    u32::from_str_radix(&digits, 16)
                        .ok()
                        .and_then(char::from_u32)
                        .ok_or_else(|| format!("the escape \\u{digits} is not a character"))?
                }
                Some(other) => return Err(format!("the escape \\{other} is not supported")),
                None => break,
            }),
            other => text.push(other),
        }
    }
    Err("the string is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Item {
        Item::Text(text.to_owned())
    }

    fn path(line: usize, field: &str) -> Item {
        Item::Action { line, tokens: vec![Token::Path(vec![field.to_owned()])] }
    }

    #[test]
    fn trim_marks_remove_white_space_and_comments_vanish() {
        let source = "a \n {{- .B -}} \n c {{/* no \n }} */}}d{{- /* x */ -}} e{{ .F }}";
        assert_eq!(items(source), Ok(vec![text("a"), path(2, "B"), text("c "), text("d"), text("e"), path(4, "F")]));
    }

    #[test]
    fn strings_may_hold_delimiters() {
        let Ok(found) = items("{{ \"}}\\\"\\u00e4\" }}{{ `\\}}` }}") else { panic!("lexes") };
        assert_eq!(
            found,
            vec![
                Item::Action { line: 1, tokens: vec![Token::Text("}}\"ä".to_owned())] },
                Item::Action { line: 1, tokens: vec![Token::Text("\\}}".to_owned())] },
            ]
        );
    }

    #[test]
    fn errors_name_the_line() {
        for (source, line, word) in [
            ("\n\n{{ .A", 3, "closed"),
            ("{{ \"x }}", 1, "string"),
            ("\n{{ }}", 2, "empty"),
            ("{{ /* x }}", 1, "comment"),
            ("{{ $x = 1 }}", 1, "again"),
            ("{{ 0x1 }}", 1, "number"),
            ("{{ (f).X }}", 1, "parenthesis"),
            ("{{ 'a' }}", 1, "character"),
        ] {
            let (at, reason) = items(source).expect_err(source);
            assert!(at == line && reason.contains(word), "{source}: {at} {reason}");
        }
    }
}
