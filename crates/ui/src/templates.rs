//! The templates, compiled once.

use minijinja::{AutoEscape, Environment, Value, context};

const TEMPLATES: [(&str, &str); 12] = [
    ("layout.html", include_str!("../templates/layout.html")),
    ("form.html", include_str!("../templates/form.html")),
    ("flow.html", include_str!("../templates/flow.html")),
    ("home.html", include_str!("../templates/home.html")),
    ("settings.html", include_str!("../templates/settings.html")),
    ("account.html", include_str!("../templates/account.html")),
    ("message.html", include_str!("../templates/message.html")),
    ("consent.html", include_str!("../templates/consent.html")),
    ("device.html", include_str!("../templates/device.html")),
    ("logout.html", include_str!("../templates/logout.html")),
    ("inbox.html", include_str!("../templates/inbox.html")),
    ("inbox_message.html", include_str!("../templates/inbox_message.html")),
];

/// Renders pages. Everything that is not a template is escaped.
pub(crate) struct Templates(Environment<'static>);

impl Templates {
    /// Compiles every template.
    ///
    /// # Errors
    /// When one does not parse; a test proves that none of ours does.
    pub(crate) fn new() -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        for (name, source) in TEMPLATES {
            environment.add_template(name, source)?;
        }
        Ok(Self(environment))
    }

    /// Renders a page: the page's own values over those of the layout.
    pub(crate) fn render(&self, name: &str, layout: &Value, page: &Value) -> Result<String, minijinja::Error> {
        self.0.get_template(name)?.render(context! { ..page.clone(), ..layout.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_compiles() {
        assert!(Templates::new().is_ok());
    }
}
