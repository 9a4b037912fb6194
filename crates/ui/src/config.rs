//! How the built-in pages look and where they live.

use url::Url;

/// Settings of the built-in pages.
#[derive(Debug, Clone)]
pub struct UiConfig {
    /// Base URL of the public listener, without a trailing slash.
    pub public_url: Url,
    /// The name at the top of every page.
    pub name: String,
    /// A logo instead of the built-in mark.
    pub logo_url: Option<Url>,
    /// CSS variables that override the theme, as `(name without dashes, value)`; see `assets/app.css`.
    pub theme: Vec<(String, String)>,
    /// Origins besides our own that a form may lead to, because `return_to` does: `form-action` of the content policy.
    pub form_targets: Vec<Url>,
    /// Whether the development inbox is shown.
    pub inbox: bool,
}

impl UiConfig {
    /// The theme as a style sheet. A value that could leave its declaration is dropped.
    #[must_use]
    pub fn theme_css(&self) -> String {
        let safe = |text: &str, extra: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
        };
        let mut css = String::from(":root {\n");
        for (name, value) in &self.theme {
            if safe(name, "-") && safe(value, " #%(),.-\"'") {
                css.push_str(&format!("  --{name}: {value};\n"));
            }
        }
        css.push_str("}\n");
        css
    }

    /// The public base URL as text without a trailing slash.
    #[must_use]
    pub fn base(&self) -> &str {
        self.public_url.as_str().trim_end_matches('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_value_cannot_leave_its_declaration() {
        let config = UiConfig {
            public_url: "http://127.0.0.1:4433/".parse().expect("url"),
            name: "Orrery".into(),
            logo_url: None,
            theme: vec![
                ("accent".into(), "#aa3300".into()),
                ("font".into(), "\"Inter\", sans-serif".into()),
                ("evil".into(), "red;} body{background:url(//evil)".into()),
                ("evil}".into(), "red".into()),
            ],
            form_targets: Vec::new(),
            inbox: false,
        };
        assert_eq!(config.theme_css(), ":root {\n  --accent: #aa3300;\n  --font: \"Inter\", sans-serif;\n}\n");
        assert_eq!(config.base(), "http://127.0.0.1:4433");
    }
}
