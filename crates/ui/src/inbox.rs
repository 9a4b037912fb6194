//! The text of a message, with our own links made clickable.

use serde::Serialize;

/// A piece of a message: plain text, or a link.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Part {
    text: String,
    href: Option<String>,
}

/// Splits a message at links that begin with `base`. Other addresses stay text: a trait value may have put them there.
pub(crate) fn parts(text: &str, base: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(base) {
        let end = rest[start..].find(char::is_whitespace).map_or(rest.len(), |length| start + length);
        let link = rest[start..end].trim_end_matches(['.', ',', ')', '>']);
        // `http://127.0.0.1:44331` begins with `http://127.0.0.1:4433` and is somebody else.
        let ours = matches!(link.as_bytes().get(base.len()), None | Some(b'/' | b'?'));
        parts.push(Part { text: rest[..start].to_owned(), href: None });
        parts.push(Part { text: link.to_owned(), href: ours.then(|| link.to_owned()) });
        rest = &rest[start + link.len()..];
    }
    parts.push(Part { text: rest.to_owned(), href: None });
    parts.retain(|part| !part.text.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_addresses_become_links() {
        let text = "Go to http://127.0.0.1:4433/x?code=1.\nNot http://127.0.0.1:44331/x or https://evil.example/";
        let links: Vec<_> = parts(text, "http://127.0.0.1:4433").into_iter().filter_map(|part| part.href).collect();
        assert_eq!(links, ["http://127.0.0.1:4433/x?code=1"]);
        let whole: String = parts(text, "http://127.0.0.1:4433").into_iter().map(|part| part.text).collect();
        assert_eq!(whole, text);
    }
}
