//! The pages' edge: language, headers, and one file per page.

mod account;
mod assets;
mod consent;
mod device;
mod flows;
mod inbox;
mod logout;
mod message;
mod refusal;
mod settings;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::Value;
use orrery_web::{Context, Listener, Routes};

use crate::frontend::Trouble;
use crate::locale::Language;
use crate::page::{PageContext, Pages};

pub use refusal::for_people;

/// Where the chosen language is kept; not a secret.
const LANGUAGE_COOKIE: &str = "orrery_language";

/// Every page, on the public listener.
#[must_use]
pub fn public() -> Routes {
    Routes::new(Listener::Public, "ui")
        .get("/", None, flows::home)
        .get("/ui", None, flows::home)
        .get("/ui/login", None, flows::login)
        .get("/ui/registration", None, flows::registration)
        .get("/ui/verification", None, flows::verification)
        .get("/ui/recovery", None, flows::recovery)
        .get("/ui/settings", None, settings::show)
        .get("/ui/error", None, message::error)
        .get("/ui/account", None, account::show)
        .post("/ui/account/sessions/revoke", None, account::end_one)
        .post("/ui/account/sessions/revoke-others", None, account::end_others)
        .get("/ui/inbox", None, inbox::list)
        .get("/ui/inbox/{id}", None, inbox::show)
        .and(assets())
}

/// What every page looks like.
#[must_use]
pub fn assets() -> Routes {
    Routes::new(Listener::Public, "ui")
        .get("/ui/assets/app.css", None, assets::style)
        .get("/ui/assets/theme.css", None, assets::theme)
        .get("/ui/assets/mark.svg", None, assets::mark)
        .get("/favicon.ico", None, assets::mark)
}

/// The pages of the OAuth2 surface.
#[must_use]
pub fn oauth2() -> Routes {
    Routes::new(Listener::Public, "ui")
        .get("/ui/consent", None, consent::show)
        .post("/ui/consent", None, consent::answer)
        .get("/ui/device", None, device::show)
        .get("/ui/device/done", None, device::done)
        .get("/ui/device/denied", None, device::denied)
        .get("/ui/logout", None, logout::ask)
        .post("/ui/logout", None, logout::confirm)
        .get("/ui/signed-out", None, logout::done)
        .get("/ui/oauth2/error", None, logout::error)
}

/// A request for a page.
pub(crate) struct Visit<'a> {
    pub(crate) pages: &'a Pages,
    pub(crate) request: &'a HttpRequest,
    pub(crate) context: &'a Context,
    pub(crate) language: Language,
    /// Set when the address names a language: it is remembered.
    chosen: Option<Language>,
    /// The person chose the language, now or before.
    own_choice: bool,
    location: String,
    /// Where the page's form may lead besides.
    form_targets: Vec<String>,
    /// Where the page's images may come from besides.
    images: Vec<String>,
}

impl<'a> Visit<'a> {
    pub(crate) fn new(pages: &'a Pages, request: &'a HttpRequest, context: &'a Context) -> Self {
        let query: Vec<(String, String)> =
            web::Query::from_query(request.query_string()).map(web::Query::into_inner).unwrap_or_default();
        let chosen = query.iter().find(|(name, _)| name == "lang").and_then(|(_, code)| Language::from_code(code));
        let remembered = || request.cookie(LANGUAGE_COOKIE).and_then(|cookie| Language::from_code(cookie.value()));
        let own_choice = chosen.or_else(remembered);
        let negotiated = || Language::negotiate(context.accept_language.as_deref().unwrap_or_default());
        let mut rest = url::form_urlencoded::Serializer::new(String::new());
        rest.extend_pairs(query.iter().filter(|(name, _)| name != "lang"));
        let rest = rest.finish();
        let separator = if rest.is_empty() { "" } else { "?" };
        Self {
            pages,
            request,
            context,
            language: own_choice.unwrap_or_else(negotiated),
            chosen,
            own_choice: own_choice.is_some(),
            location: format!("{}{separator}{rest}", request.path()),
            form_targets: Vec::new(),
            images: Vec::new(),
        }
    }

    /// One query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.request.query_string().as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// Takes the first of an application's languages that there is, unless the person chose one: it knows better than the
    /// browser's settings.
    pub(crate) fn prefer(&mut self, locales: &[String]) {
        let known = Language::first_of(locales.iter().map(String::as_str)).filter(|_| !self.own_choice);
        self.language = known.unwrap_or(self.language);
    }

    /// Lets the page's form lead there: an origin, or a scheme with its colon.
    pub(crate) fn allow_form(&mut self, target: Option<&str>) {
        let safe =
            |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'\''));
        self.form_targets.extend(target.filter(safe).map(str::to_owned));
    }

    /// Lets the page show an image from that origin.
    pub(crate) fn allow_image(&mut self, address: Option<&str>) {
        let origin = address.and_then(|address| url::Url::parse(address).ok()).map(|url| url.origin());
        self.images.extend(origin.filter(url::Origin::is_tuple).map(|origin| origin.ascii_serialization()));
    }

    /// A text with one value.
    pub(crate) fn text_of(&self, key: &str, name: &str, value: &str) -> String {
        let values = std::collections::BTreeMap::from([(name.to_owned(), value.to_owned())]);
        self.pages.catalogues.text(self.language, key, &values)
    }

    /// "See other": to an address of the OAuth2 surface.
    pub(crate) fn leave(&self, address: &str) -> HttpResponse {
        let mut response = HttpResponse::SeeOther();
        response.insert_header((header::LOCATION, address)).insert_header((header::CACHE_CONTROL, "no-store"));
        response.finish()
    }

    /// An address below the public base URL.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.pages.config.base())
    }

    /// "See other": to a page or a flow.
    pub(crate) fn redirect(&self, path: &str) -> HttpResponse {
        let mut response = HttpResponse::SeeOther();
        response.insert_header((header::LOCATION, self.url(path)));
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        response.finish()
    }

    /// Renders a page.
    pub(crate) fn page(&self, status: StatusCode, template: &str, look: Look, values: Value) -> HttpResponse {
        let page = PageContext {
            language: self.language,
            location: &self.location,
            signed_in: matches!(look, Look::Account | Look::Settings),
            wide: matches!(look, Look::Account | Look::Wide),
        };
        match self.pages.render(template, &page, values) {
            Ok(html) => self.answer(status, html),
            Err(error) => {
                tracing::error!(template, error = %error, "a page could not be rendered");
                HttpResponse::InternalServerError().content_type("text/plain").body("This page could not be rendered.")
            }
        }
    }

    fn answer(&self, status: StatusCode, html: String) -> HttpResponse {
        let mut response = HttpResponse::build(status);
        response
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CONTENT_SECURITY_POLICY, self.content_policy()))
            .insert_header((header::CACHE_CONTROL, "private, no-store"))
            .insert_header((header::VARY, "Cookie, Accept-Language"))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((header::X_FRAME_OPTIONS, "DENY"))
            .insert_header((header::REFERRER_POLICY, "no-referrer"))
            .insert_header((header::CONTENT_LANGUAGE, self.language.code()));
        if let Some(language) = self.chosen {
            let cookie = format!("{LANGUAGE_COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax", language.code());
            response.insert_header((header::SET_COOKIE, cookie));
        }
        response.body(html)
    }

    /// No script, no frame, nothing from elsewhere. `form-action` names the places that `return_to` may lead to, because
    /// browsers apply it to the redirects after a submit too.
    fn content_policy(&self) -> HeaderValue {
        let mut policy = String::from(
            "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; img-src 'self' data:",
        );
        if let Some(logo) = &self.pages.config.logo_url {
            policy.push_str(&format!(" {}", logo.origin().ascii_serialization()));
        }
        for image in &self.images {
            policy.push_str(&format!(" {image}"));
        }
        policy.push_str("; form-action 'self'");
        for target in &self.pages.config.form_targets {
            policy.push_str(&format!(" {}", target.origin().ascii_serialization()));
        }
        for target in &self.form_targets {
            policy.push_str(&format!(" {target}"));
        }
        HeaderValue::from_str(&policy)
            .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'; form-action 'self'"))
    }

    /// The page for something that cannot be shown.
    pub(crate) fn trouble(&self, trouble: Trouble, restart: Option<&str>) -> HttpResponse {
        message::trouble(self, trouble, restart)
    }
}

/// How a page is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// One card in the middle.
    Card,
    /// Wider, for lists.
    Wide,
    /// Wider, with the account in the navigation.
    Account,
    /// As wide as one form, with the account in the navigation.
    Settings,
}
