//! What a configuration refers to: identity schemas, message templates, programs, certificates of mail servers.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use orrery_core::outbound::{OutboundClient, OutboundRequest, Trust};
use orrery_courier::compose::TemplateFile;
use orrery_courier::config::CourierSettings;
use orrery_identity::schema::{IdentitySchema, Schemas};
use tokio::runtime::Handle;

use super::programs::Programs;
use crate::config::Config;
use crate::config::identity::Identity;

/// No schema, template or certificate is larger.
const LARGEST: usize = 1 << 20;
/// No server takes longer to hand one out.
const PATIENCE: Duration = Duration::from_secs(10);
/// Folders of templates are not nested deeper: `<type>/<outcome>/<language>/<file>`.
const DEEPEST: usize = 4;

/// The schema that is used when none is configured: people with an e-mail address and a name.
const DEFAULT_SCHEMA: &str = include_str!("../../assets/default.schema.json");

/// Everything that a configuration refers to, read and understood.
pub(super) struct Resolved {
    pub(super) schemas: Schemas,
    pub(super) courier: CourierSettings,
    pub(super) documents: Documents,
    pub(super) programs: Programs,
}

/// Programs and keys, by the references that name them.
#[derive(Default)]
pub(super) struct Documents(BTreeMap<String, Arc<[u8]>>);

impl Documents {
    /// What a reference of the configuration names.
    pub(super) fn bytes(&self, reference: &str) -> anyhow::Result<Arc<[u8]>> {
        self.0.get(reference).cloned().with_context(|| format!("{} was not read", shown(reference)))
    }

    /// The same as text.
    pub(super) fn text(&self, reference: &str) -> anyhow::Result<Arc<str>> {
        let bytes = self.bytes(reference)?;
        let text = std::str::from_utf8(&bytes).with_context(|| format!("{} is not UTF-8 text", shown(reference)))?;
        Ok(text.into())
    }
}

/// The operator's list of breached passwords may be larger than anything else.
const LARGEST_LIST: usize = 64 << 20;

/// A reference of the configuration.
struct Reference {
    /// The key that holds it.
    key: String,
    to: String,
    kind: Kind,
}

/// What a reference names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Keys,
    List,
    Program,
}

impl Kind {
    /// Bytes that it may have.
    const fn largest(self) -> usize {
        match self {
            Self::Keys | Self::Program => LARGEST,
            Self::List => LARGEST_LIST,
        }
    }
}

/// Every reference to a program, to keys or to a list.
fn referred(identity: &Identity) -> Vec<Reference> {
    let mut references = Vec::new();
    let mut add = |key: String, to: &str, kind| references.push(Reference { key, to: to.to_owned(), kind });
    if let Some(list) = &identity.selfservice.methods.password.config.breached_passwords {
        let key = "identity.selfservice.methods.password.config.breached_passwords";
        add(key.to_owned(), list, Kind::List);
    }
    for (name, template) in &identity.session.whoami.tokenizer.templates {
        let key = |part: &str| format!("identity.session.whoami.tokenizer.templates.{name}.{part}");
        add(key("jwks_url"), &template.jwks_url, Kind::Keys);
        if let Some(mapper) = &template.claims_mapper_url {
            add(key("claims_mapper_url"), mapper, Kind::Program);
        }
    }
    for list in identity.selfservice.flows.hook_lists() {
        for body in list.hooks.iter().filter_map(|hook| hook.web_hook().ok()??.body) {
            add(list.key.clone(), &body, Kind::Program);
        }
    }
    references
}

/// Reads it all, away from the threads that serve.
pub(super) async fn resolve(
    config: &Config,
    site: &str,
    outbound: Arc<dyn OutboundClient>,
) -> anyhow::Result<Resolved> {
    let (config, site, reader) =
        (config.identity.clone(), site.to_owned(), Reader { outbound, runtime: Handle::current() });
    let read = move || {
        let mut schemas = Vec::new();
        for source in &config.schemas {
            let schema =
                reader.text(&source.url).and_then(|document| Ok(IdentitySchema::parse(&source.id, &document)?));
            schemas
                .push(schema.with_context(|| format!("the identity schema `{}` ({})", source.id, shown(&source.url)))?);
        }
        if schemas.is_empty() {
            schemas.push(IdentitySchema::parse("default", DEFAULT_SCHEMA)?);
        }
        let mut courier =
            config.courier.resolve(&site, |reference| reader.read(reference).map_err(|why| format!("{why:#}")))?;
        if let Some(folder) = &config.courier.template_override_path {
            let mut templates = Vec::new();
            collect(Path::new(folder), "", DEEPEST, &mut templates)
                .with_context(|| format!("courier.template_override_path: {folder}"))?;
            // Those that are named one by one win over those of the folder.
            templates.append(&mut courier.templates);
            courier.templates = templates;
        }
        let mut documents = Documents::default();
        let mut programs: Programs =
            courier.programs().map(|(key, source)| (format!("identity.{key}"), Arc::clone(source))).collect();
        for Reference { key, to, kind } in referred(&config) {
            let content = reader.read_at_most(&to, kind.largest()).with_context(|| format!("{key}: {}", shown(&to)))?;
            documents.0.insert(to.clone(), content.into());
            if kind == Kind::Program {
                programs.push((key, documents.text(&to)?));
            }
        }
        Ok(Resolved { schemas: Schemas::new(schemas), courier, documents, programs })
    };
    tokio::task::spawn_blocking(read).await?
}

/// Reads references; called on a thread that may wait.
struct Reader {
    outbound: Arc<dyn OutboundClient>,
    runtime: Handle,
}

impl Reader {
    fn text(&self, reference: &str) -> anyhow::Result<String> {
        String::from_utf8(self.read(reference)?).context("it is not UTF-8 text")
    }

    fn read(&self, reference: &str) -> anyhow::Result<Vec<u8>> {
        self.read_at_most(reference, LARGEST)
    }

    fn read_at_most(&self, reference: &str, largest: usize) -> anyhow::Result<Vec<u8>> {
        match reference.split_once("://") {
            Some(("file", path)) => file(Path::new(path), largest),
            Some(("base64", text)) => STANDARD
                .decode(text)
                .or_else(|_| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')))
                .context("it is not base64"),
            Some(("http" | "https", _)) => self.runtime.block_on(self.fetch(reference, largest)),
            _ => Err(anyhow!("begin with file://, https://, http:// or base64://")),
        }
    }

    async fn fetch(&self, url: &str, largest: usize) -> anyhow::Result<Vec<u8>> {
        let request = OutboundRequest {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            trust: Trust::Operator,
            timeout: PATIENCE,
            max_response_bytes: largest,
        };
        let answer = self.outbound.send(request).await?;
        if answer.status != 200 {
            return Err(anyhow!("the server answers {} instead of 200", answer.status));
        }
        Ok(answer.body)
    }
}

fn file(path: &Path, largest: usize) -> anyhow::Result<Vec<u8>> {
    let mut content = Vec::new();
    let file = std::fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    file.take(largest as u64 + 1).read_to_end(&mut content)?;
    if content.len() > largest {
        return Err(anyhow!("{} is larger than {largest} bytes", path.display()));
    }
    Ok(content)
}

/// Every template below a folder, by its path with slashes.
fn collect(folder: &Path, below: &str, depth: usize, found: &mut Vec<TemplateFile>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let kind = entry.path().metadata()?;
        if kind.is_dir() && depth > 0 {
            collect(&entry.path(), &path, depth - 1, found)?;
        } else if kind.is_file() && (path.ends_with(".gotmpl") || path.ends_with(".jinja")) {
            let content = String::from_utf8(file(&entry.path(), LARGEST)?)
                .with_context(|| format!("{path} is not UTF-8 text"))?;
            found.push(TemplateFile { content, path });
        }
    }
    Ok(())
}

/// A reference in an error: a whole base64 document says nothing to anybody.
fn shown(reference: &str) -> &str {
    if reference.starts_with("base64://") { "base64://…" } else { reference }
}
