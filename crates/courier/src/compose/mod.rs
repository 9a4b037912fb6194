//! From what happened to a rendered, sealed message. Pure: callers compose before their transaction begins.

mod builtin;
mod data;
mod library;
mod locale;
mod recipient;
mod sanitize;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use orrery_core::id::MessageId;
use orrery_core::{Entropy, Keyring, ProjectId, Timestamp};

use crate::message::{Channel, Content, NewMessage, TemplateType};
use library::{Library, Part};

pub use crate::gotmpl::TemplateError;
pub use data::TemplateData;
pub use library::TemplateFile;

/// Longest serialised template data with the headers of the request, in bytes.
const MAX_DATA: usize = 64 * 1024;

/// What an operator decides about every message.
#[derive(Debug, Clone)]
pub struct ComposerSettings {
    /// The name of the site, as the built-in texts mention it: the sender's name or the public host.
    pub site_name: String,
    /// The language when none that the recipient prefers is available: a tag such as `en`.
    pub default_locale: String,
    /// How long messages stay readable for operators.
    pub retention: Duration,
}

impl Default for ComposerSettings {
    fn default() -> Self {
        Self {
            site_name: "localhost".to_owned(),
            default_locale: "en".to_owned(),
            retention: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

/// A message that somebody should receive.
pub struct ComposeRequest<'a> {
    /// Whose message it is.
    pub project: ProjectId,
    /// How it travels.
    pub channel: Channel,
    /// A mail address, or a phone number in E.164.
    pub recipient: &'a str,
    /// The recipient's language: a tag or a whole `Accept-Language` header.
    pub locale: Option<&'a str>,
    /// What happened.
    pub data: TemplateData,
    /// The `request_url` of the flow that caused it.
    pub request_url: Option<&'a str>,
    /// The flow's `transient_payload`; null without one.
    pub transient_payload: serde_json::Value,
    /// Headers of the request that caused it, as far as others may know them.
    pub request_headers: BTreeMap<String, Vec<String>>,
}

impl fmt::Debug for ComposeRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComposeRequest")
            .field("channel", &self.channel)
            .field("template_type", &self.data.template_type())
            .finish_non_exhaustive()
    }
}

/// Why no message could be composed.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The recipient is not a mail address or not a phone number in E.164. Callers answer 400.
    #[error("the recipient is not a valid address for this channel")]
    InvalidRecipient,
    /// Traits, transient payload and headers together are too large for a message. Callers answer 400.
    #[error("the data of the message is too large")]
    TooLarge,
    /// There is no text of this kind for the channel: a defect of the caller.
    #[error("there is no {0:?} message for this channel")]
    NoText(TemplateType),
    /// The built-in template could not be rendered: a defect.
    #[error("the message could not be rendered")]
    Render(#[source] minijinja::Error),
    /// The content could not be serialised: a defect.
    #[error("the message could not be stored")]
    Serialise(#[from] serde_json::Error),
}

/// The texts of all messages, with the operator's overrides, checked and ready.
#[derive(Debug)]
pub struct Composer {
    settings: ComposerSettings,
    library: Library,
}

impl Composer {
    /// Prepares the built-in texts and the operator's overrides. A later file replaces an earlier one of the same
    /// path.
    ///
    /// # Errors
    /// When an override cannot be understood: its file, line and reason.
    pub fn new(settings: ComposerSettings, overrides: &[TemplateFile]) -> Result<Self, TemplateError> {
        Ok(Self { settings, library: Library::new(overrides)? })
    }

    /// Renders and seals a message.
    ///
    /// An override that fails while rendering is logged and the built-in text takes its place, so that a template
    /// never locks anybody out.
    ///
    /// # Errors
    /// See [`ComposeError`].
    pub fn compose(
        &self,
        request: &ComposeRequest<'_>,
        now: Timestamp,
        entropy: &dyn Entropy,
        keyring: &Keyring,
    ) -> Result<NewMessage, ComposeError> {
        if !recipient::is_valid(request.channel, request.recipient) {
            return Err(ComposeError::InvalidRecipient);
        }
        let content = self.content(request, now)?;
        let id = MessageId::generate(entropy);
        Ok(NewMessage {
            id,
            channel: request.channel,
            recipient: request.recipient.to_owned(),
            template_type: request.data.template_type(),
            content: content.seal(request.project, id, keyring, entropy)?,
            created_at: now,
            send_after: now,
            expires_at: now + self.settings.retention,
        })
    }

    fn content(&self, request: &ComposeRequest<'_>, now: Timestamp) -> Result<Content, ComposeError> {
        let variables = request.data.variables(request);
        let template_data = data::to_json(&variables, request.channel);
        let headers = request.request_headers.iter().flat_map(|(name, values)| std::iter::once(name).chain(values));
        if template_data.to_string().len() + headers.map(String::len).sum::<usize>() > MAX_DATA {
            return Err(ComposeError::TooLarge);
        }
        let languages = locale::preferences(request.locale, &self.settings.default_locale);
        let builtin = builtin::render(
            &self.library,
            &request.data,
            request.channel,
            builtin::Language::first_of(&languages),
            &self.settings.site_name,
        )?;
        let kind = request.data.template_type();
        let context = data::to_context(&variables);
        let text = |part, builtin| self.library.render_override(kind, part, &languages, &context).unwrap_or(builtin);
        let (subject, text, html) = match request.channel {
            Channel::Email => (
                sanitize::header_line(&text(Part::Subject, builtin.subject)),
                text(Part::Text, builtin.text),
                Some(text(Part::Html, builtin.html)),
            ),
            Channel::Sms => (String::new(), text(Part::Sms, builtin.text).trim().to_owned(), None),
        };
        Ok(Content {
            subject,
            text,
            html,
            locale: builtin.locale.to_owned(),
            template_data,
            request_headers: request.request_headers.clone(),
            useless_after: request.data.expires_in().map(|validity| now + validity),
        })
    }
}

#[cfg(test)]
mod tests;
