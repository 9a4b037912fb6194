//! Which language a person reads, and the words in it.

use std::collections::BTreeMap;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde_json::{Map, Value};
use unic_langid::LanguageIdentifier;

/// The languages that the pages speak, the fallback first.
const CATALOGUES: [(&str, &str); 2] =
    [("en", include_str!("../locales/en.ftl")), ("de", include_str!("../locales/de.ftl"))];

/// A language that the pages speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language(usize);

impl Language {
    /// English, which every text exists in.
    pub const FALLBACK: Self = Self(0);

    /// The language's tag (`en`).
    #[must_use]
    pub fn code(self) -> &'static str {
        CATALOGUES.get(self.0).map_or("en", |(code, _)| code)
    }

    /// The language with this tag.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        CATALOGUES.iter().position(|(known, _)| *known == code).map(Self)
    }

    /// The first of these tags that is one of our languages; a region falls back to its language.
    #[must_use]
    pub fn first_of<'a>(tags: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        tags.into_iter().find_map(|tag| Self::from_code(&primary(tag)))
    }

    /// Every language.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..CATALOGUES.len()).map(Self)
    }

    /// The best of our languages for an `Accept-Language` header (RFC 9110 section 12.5.4): highest weight first, a
    /// region falls back to its language.
    #[must_use]
    pub fn negotiate(accept: &str) -> Self {
        let mut best = (Self::FALLBACK, 0_u16);
        for range in accept.split(',').take(32) {
            let (tag, weight) = range.split_once(';').map_or((range, 1000), |(tag, rest)| {
                let weight = rest.trim().strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok());
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1")]
                (tag, (weight.unwrap_or(0.0).clamp(0.0, 1.0) * 1000.0) as u16)
            });
            let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
            if let Some(language) = Self::from_code(&primary)
                && weight > best.1
            {
                best = (language, weight);
            }
        }
        best.0
    }
}

/// Every catalogue, parsed once.
pub struct Catalogues(Vec<FluentBundle<FluentResource>>);

impl Default for Catalogues {
    fn default() -> Self {
        let bundle = |(code, source): &(&str, &str)| {
            let language: LanguageIdentifier = code.parse().unwrap_or_default();
            let mut bundle = FluentBundle::new_concurrent(vec![language]);
            // No isolation marks: texts also stand in attributes and titles.
            bundle.set_use_isolating(false);
            // The catalogues are part of the program; a test proves that they parse without errors.
            let resource = FluentResource::try_new((*source).to_owned()).unwrap_or_else(|(partial, _)| partial);
            let _: Result<(), _> = bundle.add_resource(resource);
            bundle
        };
        Self(CATALOGUES.iter().map(bundle).collect())
    }
}

impl Catalogues {
    /// The text of a key in a language, else in English, else the key itself.
    #[must_use]
    pub fn text(&self, language: Language, key: &str, args: &BTreeMap<String, String>) -> String {
        let mut values = FluentArgs::new();
        for (name, value) in args {
            values.set(name.as_str(), FluentValue::from(value.as_str()));
        }
        [language, Language::FALLBACK]
            .into_iter()
            .find_map(|language| self.format(language, key, &values))
            .unwrap_or_else(|| key.to_owned())
    }

    /// A numbered message: the catalogue's translation if there is one, else the text that the flow carries. Messages that
    /// only carry a sentence (4000001) are translated by its first words; a number in it is `$number`.
    #[must_use]
    pub fn message(&self, language: Language, id: u64, text: &str, context: Option<&Map<String, Value>>) -> String {
        let mut values = FluentArgs::new();
        for (name, value) in context.into_iter().flatten() {
            match value {
                Value::String(text) => values.set(name.as_str(), text.clone()),
                Value::Number(number) => values.set(name.as_str(), number.to_string()),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {}
            }
        }
        let reason = values.get("reason").map(|_| by_words(text));
        if let Some((_, Some(number))) = &reason {
            values.set("number", number.clone());
        }
        let reason = reason.and_then(|(key, _)| self.format(language, &key, &values));
        reason.or_else(|| self.format(language, &format!("m{id}"), &values)).unwrap_or_else(|| text.to_owned())
    }

    fn format(&self, language: Language, key: &str, args: &FluentArgs<'_>) -> Option<String> {
        let bundle = self.0.get(language.0)?;
        let pattern = bundle.get_message(key)?.value()?;
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(args), &mut errors);
        // A translation whose values are missing would show raw placeholders: the original text is better.
        errors.is_empty().then(|| text.into_owned())
    }
}

/// The key of a sentence, of its first six words, and the first number in it.
fn by_words(sentence: &str) -> (String, Option<String>) {
    let words = || sentence.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let key = words().take(6).fold("reason".to_owned(), |key, word| key + "-" + &word.to_ascii_lowercase());
    (key, words().find(|word| word.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn keys(source: &str) -> BTreeSet<&str> {
        source.lines().filter_map(|line| line.split_once(" = ").map(|(key, _)| key)).collect()
    }

    #[test]
    fn catalogues_parse_and_translate_the_same_keys() {
        let english = keys(CATALOGUES[0].1);
        for (code, source) in CATALOGUES {
            assert!(FluentResource::try_new(source.to_owned()).is_ok(), "{code} does not parse");
            let pages: BTreeSet<_> =
                keys(source).into_iter().filter(|key| !is_number(key) && !key.starts_with("reason-")).collect();
            assert_eq!(pages, english, "{code}");
        }
    }

    fn is_number(key: &str) -> bool {
        key.strip_prefix('m').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    }

    #[test]
    fn sentences_are_translated_by_their_first_words() {
        let catalogues = Catalogues::default();
        let german = Language::from_code("de").expect("German");
        let said = |reason: &str| {
            let context = serde_json::json!({ "reason": reason });
            catalogues.message(german, 4_000_001, reason, context.as_object())
        };
        assert_eq!(
            said("There were too many attempts. Please try again in 15 minutes."),
            "Das waren zu viele Versuche. Versuche es in 15 min noch einmal."
        );
        assert_eq!(said("No message can be sent to this address."), "An diese Adresse kann keine Nachricht gehen.");
        assert_eq!(said("A schema's own words."), "A schema's own words.");
    }

    #[test]
    fn accept_language_is_weighed() {
        for (header, code) in [
            ("", "en"),
            ("fr", "en"),
            ("de-AT", "de"),
            ("fr, de;q=0.5, en;q=0.4", "de"),
            ("en, de;q=0.9", "en"),
            ("de;q=0", "en"),
            ("de;q=nonsense, en;q=0.1", "en"),
        ] {
            assert_eq!(Language::negotiate(header).code(), code, "{header}");
        }
    }

    #[test]
    fn the_first_language_that_exists_is_taken() {
        let first = |tags: &[&str]| Language::first_of(tags.iter().copied()).map(Language::code);
        assert_eq!(first(&["fr-CA", "de-CH", "en"]), Some("de"));
        assert_eq!(first(&["EN-gb"]), Some("en"));
        assert_eq!(first(&["fr", "", "-", "d", "x".repeat(1000).as_str()]), None);
    }

    #[test]
    fn messages_fall_back_to_the_text_of_the_flow() {
        let catalogues = Catalogues::default();
        let german = Language::from_code("de").expect("German");
        let context = serde_json::json!({"min_length": 8, "actual_length": 3});
        let text = catalogues.message(german, 4_000_032, "original", context.as_object());
        assert_eq!(text, "Das Passwort braucht mindestens 8 Zeichen, nicht 3.");
        assert_eq!(catalogues.message(german, 4_000_032, "original", None), "original");
        assert_eq!(catalogues.message(german, 999, "original", None), "original");
        assert_eq!(catalogues.message(Language::FALLBACK, 4_000_032, "original", context.as_object()), "original");
    }
}
