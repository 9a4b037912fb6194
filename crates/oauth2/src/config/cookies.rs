//! Cookies of this surface.

/// Attributes and names of cookies.
#[derive(Debug, Clone, Default)]
pub struct CookieConfig {
    /// `Domain`.
    pub domain: Option<String>,
    /// Whether `Secure` is set.
    pub secure: bool,
    /// Whether `SameSite=None` is sent, for pages in frames; `Lax` otherwise.
    pub same_site_none: bool,
    /// Name of the session cookie.
    pub session_name: Option<String>,
    /// Path of the session cookie; `/` when unset.
    pub session_path: Option<String>,
}

impl CookieConfig {
    /// A name as browsers are told it. They refuse one with the prefix `__Host-` from any other host, and take it only for the
    /// whole host.
    #[must_use]
    pub fn full_name(&self, name: &str, path: &str) -> String {
        let prefix = if self.secure && self.domain.is_none() && path == "/" { "__Host-" } else { "" };
        format!("{prefix}{name}")
    }

    /// The path of the cookie that remembers a sign-in.
    #[must_use]
    pub fn session_path(&self) -> &str {
        self.session_path.as_deref().unwrap_or("/")
    }

    /// The name of the cookie that remembers a sign-in.
    #[must_use]
    pub fn session_name(&self) -> String {
        self.session_name.clone().unwrap_or_else(|| self.full_name("orrery_oauth2_session", self.session_path()))
    }
}
