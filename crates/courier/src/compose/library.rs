//! All templates, compiled once, and the bounds that they run under.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{self, Write};

use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value};

use super::builtin;
use crate::gotmpl::{self, TemplateError};
use crate::message::TemplateType;

/// Steps that one template may take.
const FUEL: u64 = 200_000;
/// Depth of inclusion and recursion.
const RECURSION: usize = 32;
/// Longest rendered text, in bytes.
const MAX_OUTPUT: usize = 256 * 1024;
/// Longest SMS, in bytes: ten parts of an ordinary one.
const MAX_SMS: usize = 1_600;
/// Longest source of an override, in bytes.
const MAX_SOURCE: usize = 256 * 1024;

/// An override, as the server read it.
#[derive(Debug, Clone)]
pub struct TemplateFile {
    /// The path below the override directory, with slashes: `login_code/valid/email.body.gotmpl`, or for one
    /// language `login_code/valid/de/email.body.gotmpl`. Ending in `.gotmpl` it is a template as Kratos uses them, in
    /// `.jinja` one of minijinja; anything else is ignored.
    pub path: String,
    /// What stands in it.
    pub content: String,
}

/// A part of a message that can be overridden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Subject,
    Html,
    Text,
    Sms,
}

impl Part {
    const ALL: [Self; 4] = [Self::Subject, Self::Html, Self::Text, Self::Sms];

    /// The file name without its last extension.
    const fn stem(self) -> &'static str {
        match self {
            Self::Subject => "email.subject",
            Self::Html => "email.body",
            Self::Text => "email.body.plaintext",
            Self::Sms => "sms.body",
        }
    }

    /// What the names of its partials begin with.
    const fn family(self) -> &'static str {
        match self {
            Self::Subject => "email.subject",
            Self::Html | Self::Text => "email.body",
            Self::Sms => "sms.body",
        }
    }
}

/// Which override of which language; none for the one that serves all languages.
type Key = (TemplateType, Part, Option<String>);

pub(super) struct Library {
    environment: Environment<'static>,
    overrides: HashMap<Key, String>,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Library({} overrides)", self.overrides.len())
    }
}

impl Library {
    pub(super) fn new(files: &[TemplateFile]) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        gotmpl::functions::prepare(&mut environment).map_err(|error| TemplateError {
            file: "built-in".to_owned(),
            line: 1,
            reason: error.to_string(),
        })?;
        environment.set_auto_escape_callback(auto_escape);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION);
        let mut library = Self { environment, overrides: HashMap::new() };
        for (name, source) in builtin::LAYOUTS {
            library.add(name, name, source)?;
        }
        // The last file of a path wins; sorted, so that errors and partials do not depend on the order of a directory.
        let files: BTreeMap<&str, &str> =
            files.iter().map(|file| (file.path.trim_start_matches("./"), file.content.as_str())).collect();
        for (path, source) in &files {
            if source.len() > MAX_SOURCE {
                return Err(TemplateError {
                    file: (*path).to_owned(),
                    line: 1,
                    reason: format!("the template is longer than {MAX_SOURCE} bytes"),
                });
            }
            if path.ends_with(".jinja") {
                library.add(path, path, source)?;
            } else if path.ends_with(".gotmpl") && key_of(path).is_some() {
                library.add_go_template(path, &files)?;
            }
            if let Some(key) = key_of(path) {
                library.overrides.insert(key, (*path).to_owned());
            }
        }
        Ok(library)
    }

    /// Renders a template under the library's bounds.
    pub(super) fn render(&self, name: &str, context: &Value) -> Result<String, Error> {
        let template = self.environment.get_template(name)?;
        let limit = if file_name(name).starts_with("sms.") { MAX_SMS } else { MAX_OUTPUT };
        let mut out = Bounded { text: Vec::new(), limit };
        template.render_captured_to(context.clone(), &mut out)?;
        String::from_utf8(out.text).map_err(|_| Error::new(ErrorKind::InvalidOperation, "the text is not UTF-8"))
    }

    /// Renders a text that is not a file.
    pub(super) fn render_text(&self, source: &str, context: &Value) -> Result<String, Error> {
        self.environment.render_named_str("text.txt", source, context.clone())
    }

    /// The override in the best language that has one, else the one for all languages, else nothing.
    pub(super) fn render_override(
        &self,
        kind: TemplateType,
        part: Part,
        languages: &[String],
        context: &Value,
    ) -> Option<String> {
        let localised = languages.iter().map(|language| Some(language.clone()));
        let name = localised.chain([None]).find_map(|language| self.overrides.get(&(kind, part, language)))?;
        match self.render(name, context) {
            Ok(text) => Some(text),
            Err(error) => {
                // Only where: what a failed expression saw may be personal.
                tracing::error!(template = %name, line = error.line(), kind = %error.kind(), "a template override failed; the built-in text was sent");
                None
            }
        }
    }

    fn add(&mut self, name: &str, file: &str, source: &str) -> Result<(), TemplateError> {
        self.environment.add_template_owned(name.to_owned(), source.to_owned()).map_err(|error| TemplateError {
            file: file.to_owned(),
            line: error.line().unwrap_or(1),
            reason: error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
        })
    }

    /// Adds a Go template with what it may include: its siblings of the same family by file name, and what they
    /// define. Its own definitions win.
    fn add_go_template(&mut self, path: &str, files: &BTreeMap<&str, &str>) -> Result<(), TemplateError> {
        let directory = &path[..path.len() - file_name(path).len()];
        let family = key_of(path).map_or("", |(_, part, _)| part.family());
        let is_sibling = |other: &str| {
            other.ends_with(".gotmpl")
                && other.strip_prefix(directory).is_some_and(|name| !name.contains('/') && name.starts_with(family))
        };
        let mut named: BTreeMap<String, String> = BTreeMap::new();
        let mut uses = Vec::new();
        let siblings = files.keys().copied().filter(|other| is_sibling(other) && *other != path);
        for file in siblings.chain([path]) {
            let translated = gotmpl::translate(path, file, files.get(file).copied().unwrap_or_default())?;
            named.extend(translated.defines);
            uses.extend(translated.uses.into_iter().map(|(name, line)| (file, name, line)));
            if file == path {
                self.add(path, file, &translated.main)?;
            }
            named.insert(file_name(file).to_owned(), translated.main);
        }
        for (name, source) in &named {
            self.add(&format!("{path}//{name}"), path, source)?;
        }
        match uses.into_iter().find(|(_, name, _)| !named.contains_key(name)) {
            None => Ok(()),
            Some((file, name, line)) => Err(TemplateError {
                file: file.to_owned(),
                line,
                reason: format!("there is no template named {name:?} here"),
            }),
        }
    }
}

/// What a path overrides.
fn key_of(path: &str) -> Option<Key> {
    let (directory, name) = path.rsplit_once('/')?;
    let stem = name.strip_suffix(".gotmpl").or_else(|| name.strip_suffix(".jinja"))?;
    let part = Part::ALL.into_iter().find(|part| part.stem() == stem)?;
    TemplateType::ALL.into_iter().find_map(|kind| match directory.strip_prefix(kind.directory())? {
        "" => Some((kind, part, None)),
        below => {
            let language = below.strip_prefix('/').filter(|language| !language.contains('/'))?;
            Some((kind, part, Some(language.to_ascii_lowercase().replace('_', "-"))))
        }
    })
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// HTML unless the file, or the one that a named template belongs to, is plain text by its name.
fn auto_escape(name: &str) -> AutoEscape {
    let file = file_name(name.split("//").next().unwrap_or(name));
    let is_text = file.ends_with(".txt")
        || file.starts_with("email.subject")
        || file.starts_with("email.body.plaintext")
        || file.starts_with("sms.");
    if is_text { AutoEscape::None } else { AutoEscape::Html }
}

/// A writer that refuses to grow beyond its limit.
struct Bounded {
    text: Vec<u8>,
    limit: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() + bytes.len() > self.limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the message is too long"));
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
