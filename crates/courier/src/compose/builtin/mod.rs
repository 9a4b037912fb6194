//! The messages as they read without overrides.
//!
//! No text shows anything that its recipient or a stranger chose: no name, no trait, no page address of the
//! request. Somebody who registers another person's address must not be able to put a word into that person's
//! inbox. Codes stand in the body only, because mail servers log subjects.
//!
//! A new language is a file like `de.rs` and its lines in [`Language`].

mod de;
mod en;

use minijinja::{Value, context};

use super::library::Library;
use super::{ComposeError, TemplateData};
use crate::message::{Channel, TemplateType};

/// Name and source of the layouts that all built-in mails share.
pub(super) const LAYOUTS: [(&str, &str); 2] =
    [("layout.html", include_str!("layout.html")), ("layout.txt", include_str!("layout.txt"))];

/// A language of the built-in texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    German,
}

impl Language {
    const ALL: [Self; 2] = [Self::English, Self::German];

    const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The first preferred language that the texts exist in, else English.
    pub(super) fn first_of(preferences: &[String]) -> Self {
        preferences
            .iter()
            .find_map(|tag| Self::ALL.into_iter().find(|language| language.tag() == tag))
            .unwrap_or(Self::English)
    }

    const fn texts(self, kind: TemplateType) -> Texts {
        match self {
            Self::English => en::texts(kind),
            Self::German => de::texts(kind),
        }
    }

    const fn phrases(self) -> Phrases {
        match self {
            Self::English => en::PHRASES,
            Self::German => de::PHRASES,
        }
    }
}

/// What one message says. Each text may use `{{ site }}`; `sms` also `{{ code }}` and `{{ validity }}`.
struct Texts {
    subject: &'static str,
    /// Why the recipient gets this, and what to do.
    lead: &'static str,
    /// The words on the link.
    button: &'static str,
    /// What to do if it was not the recipient.
    closing: &'static str,
    /// The whole SMS, where there is one.
    sms: Option<&'static str>,
}

/// What all messages of a language share.
struct Phrases {
    /// May use `{{ minutes }}`, `{{ hours }}` and `{{ days }}`: the largest that divides evenly is above zero.
    validity: &'static str,
    /// Introduces the link in full, for programs that show no button.
    link: &'static str,
    /// Introduces the moment of an event.
    when: &'static str,
    /// The last line.
    footer: &'static str,
}

/// A rendered built-in message.
pub(super) struct Rendered {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
    pub(super) locale: &'static str,
}

/// Renders the built-in texts; for SMS only `text` has content.
pub(super) fn render(
    library: &Library,
    data: &TemplateData,
    channel: Channel,
    language: Language,
    site: &str,
) -> Result<Rendered, ComposeError> {
    let (texts, phrases) = (language.texts(data.template_type()), language.phrases());
    let say = |text: &str, context: &Value| library.render_text(text, context).map_err(ComposeError::Render);
    let validity = match data.expires_in() {
        None => String::new(),
        Some(validity) => say(phrases.validity, &units(validity.as_secs().div_ceil(60)))?,
    };
    let words = context! { site, code => data.code(), validity => validity.as_str() };
    let locale = language.tag();
    if channel == Channel::Sms {
        let text = texts.sms.ok_or(ComposeError::NoText(data.template_type()))?;
        let text = say(text, &words)?;
        return Ok(Rendered { subject: String::new(), text, html: String::new(), locale });
    }
    let subject = say(texts.subject, &words)?;
    let page = context! {
        locale,
        subject => subject.as_str(),
        lead => say(texts.lead, &words)?,
        code => data.code(),
        link => data.link(),
        button => texts.button,
        link_hint => phrases.link,
        when => phrases.when,
        happened_at => data.happened_at().map(readable),
        closing => say(texts.closing, &words)?,
        footer => say(phrases.footer, &words)?,
    };
    let text = library.render("layout.txt", &page).map_err(ComposeError::Render)?;
    let html = library.render("layout.html", &page).map_err(ComposeError::Render)?;
    Ok(Rendered { subject, text, html, locale })
}

/// A number of minutes in the largest unit that divides it.
fn units(minutes: u64) -> Value {
    match minutes {
        m if m >= 2 * 1440 && m.is_multiple_of(1440) => context! { days => m / 1440 },
        m if m >= 60 && m.is_multiple_of(60) => context! { hours => m / 60 },
        m => context! { minutes => m },
    }
}

/// `2026-11-23 08:15 UTC`.
fn readable(at: orrery_core::Timestamp) -> String {
    let text = at.to_rfc3339();
    format!("{} {} UTC", text.get(..10).unwrap_or_default(), text.get(11..16).unwrap_or_default())
}
