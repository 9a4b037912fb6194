//! One page: the layout's values, the words, and the rendered text.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use minijinja::value::Kwargs;
use minijinja::{Value, context};

use crate::authorization::Authorizations;
use crate::config::UiConfig;
use crate::frontend::Frontend;
use crate::locale::{Catalogues, Language};
use crate::templates::Templates;
use crate::view::Words;

/// The style sheet of every page.
pub(crate) const STYLE: &str = include_str!("../assets/app.css");
/// The built-in mark.
pub(crate) const MARK: &str = include_str!("../assets/mark.svg");

/// The built-in pages.
pub struct Pages {
    pub(crate) config: UiConfig,
    pub(crate) frontend: Arc<dyn Frontend>,
    /// The OAuth2 surface, where it runs in this process.
    pub(crate) authorizations: Option<Arc<dyn Authorizations>>,
    pub(crate) catalogues: Arc<Catalogues>,
    templates: Templates,
    /// Versions of the style sheets: they are cached for ever under it.
    assets: String,
    theme: String,
}

/// One request's page: which language, where, and who looks at it.
pub(crate) struct PageContext<'a> {
    pub(crate) language: Language,
    /// Path and query without `lang`, for the language links.
    pub(crate) location: &'a str,
    pub(crate) signed_in: bool,
    pub(crate) wide: bool,
}

impl Pages {
    /// Compiles the templates and catalogues.
    ///
    /// # Errors
    /// When a template does not parse.
    pub fn new(config: UiConfig, frontend: Arc<dyn Frontend>) -> Result<Self, minijinja::Error> {
        let theme = config.theme_css();
        Ok(Self {
            frontend,
            authorizations: None,
            catalogues: Arc::new(Catalogues::default()),
            templates: Templates::new()?,
            assets: version(STYLE),
            theme: version(&theme),
            config,
        })
    }

    /// The same with the pages of the OAuth2 surface: consent and logout.
    #[must_use]
    pub fn with_authorizations(self, authorizations: Arc<dyn Authorizations>) -> Self {
        Self { authorizations: Some(authorizations), ..self }
    }

    /// The words of one language.
    pub(crate) fn words(&self, language: Language) -> Words<'_> {
        Words { catalogues: &self.catalogues, language }
    }

    /// A text without values.
    pub(crate) fn text(&self, language: Language, key: &str) -> String {
        self.catalogues.text(language, key, &BTreeMap::new())
    }

    /// Renders a page.
    pub(crate) fn render(
        &self,
        template: &str,
        page: &PageContext<'_>,
        values: Value,
    ) -> Result<String, minijinja::Error> {
        let language = page.language;
        let catalogues = Arc::clone(&self.catalogues);
        let translate = move |key: &str, values: Kwargs| -> Result<String, minijinja::Error> {
            let mut args = BTreeMap::new();
            for name in values.args() {
                args.insert(name.to_owned(), values.get::<String>(name)?);
            }
            values.assert_all_used()?;
            Ok(catalogues.text(language, key, &args))
        };
        let mut nav = Vec::new();
        if page.signed_in {
            nav.push(context! { href => format!("{}/ui/account", self.config.base()), text => self.text(language, "nav-account") });
        }
        if self.config.inbox {
            nav.push(context! { href => format!("{}/ui/inbox", self.config.base()), text => self.text(language, "nav-inbox") });
        }
        let languages: Vec<Value> = Language::all()
            .map(|other| {
                let separator = if page.location.contains('?') { '&' } else { '?' };
                context! {
                    code => other.code(),
                    name => self.text(other, "language-name"),
                    current => other == language,
                    href => format!("{}{}{separator}lang={}", self.config.base(), page.location, other.code()),
                }
            })
            .collect();
        let layout = context! {
            base => self.config.base(),
            lang => language.code(),
            brand => context! {
                name => self.config.name.clone(),
                logo => self.config.logo_url.as_ref().map(ToString::to_string),
                themed => !self.config.theme.is_empty(),
                version => self.theme.clone(),
            },
            assets => self.assets.clone(),
            wide => page.wide,
            nav, languages,
            t => Value::from_function(translate),
        };
        self.templates.render(template, &layout, &values)
    }
}

fn version(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
