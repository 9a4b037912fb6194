//! What the account page says about a session: device, place and times in plain words.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;

use crate::frontend::SignedIn;
use crate::locale::Language;
use crate::page::Pages;
use crate::view::display_name;

/// A session in plain words.
#[derive(Debug, Serialize)]
pub(crate) struct SessionView {
    id: String,
    device: String,
    place: Option<String>,
    methods: Vec<String>,
    since: String,
    since_text: String,
    until: String,
    until_text: String,
}

/// An address and whether it is proven.
#[derive(Debug, Serialize)]
pub(crate) struct AddressView {
    label: String,
    value: String,
    verified: bool,
}

/// Who is signed in.
#[derive(Debug, Serialize)]
pub(crate) struct PersonView {
    id: String,
    name: String,
    addresses: Vec<AddressView>,
}

impl PersonView {
    pub(crate) fn new(pages: &Pages, language: Language, signed_in: &SignedIn) -> Self {
        let identity = &signed_in.session["identity"];
        let id = text(&identity["id"]);
        let addresses = identity["verifiable_addresses"].as_array().into_iter().flatten().map(|address| AddressView {
            label: pages.text(language, if address["via"] == "sms" { "address-sms" } else { "address-email" }),
            value: text(&address["value"]),
            verified: address["verified"] == true,
        });
        Self {
            name: identity["traits"].as_object().and_then(display_name).unwrap_or_else(|| id.clone()),
            addresses: addresses.collect(),
            id,
        }
    }
}

impl SessionView {
    pub(crate) fn new(pages: &Pages, language: Language, session: &Value) -> Self {
        let device = session["devices"].as_array().and_then(|devices| devices.last()).unwrap_or(&Value::Null);
        let agent = device["user_agent"].as_str().unwrap_or_default();
        let address = device["ip_address"].as_str().map(|address| network(pages, language, address));
        let place = [device["location"].as_str().map(str::to_owned), address].into_iter().flatten();
        let place: Vec<_> = place.filter(|part| !part.is_empty()).collect();
        let mut methods: Vec<String> = Vec::new();
        for used in session["authentication_methods"].as_array().into_iter().flatten() {
            let word = pages.text(language, &format!("method-{}", used["method"].as_str().unwrap_or_default()));
            if !methods.contains(&word) {
                methods.push(word);
            }
        }
        let since = text(&session["authenticated_at"]);
        let until = text(&session["expires_at"]);
        Self {
            id: text(&session["id"]),
            device: device_name(pages, language, agent),
            place: (!place.is_empty()).then(|| place.join(" · ")),
            methods,
            since_text: moment(&since),
            since,
            until_text: moment(&until),
            until,
        }
    }
}

/// An address that says something to nobody but an administrator, in words where there are some.
fn network(pages: &Pages, language: Language, address: &str) -> String {
    let local = match address.parse::<IpAddr>() {
        Ok(ip) if ip.is_loopback() => return pages.text(language, "place-here"),
        Ok(IpAddr::V4(ip)) => ip.is_private() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_unique_local() || ip.is_unicast_link_local(),
        Err(_) => false,
    };
    if local {
        let args = [("address".to_owned(), address.to_owned())];
        return pages.catalogues.text(language, "place-local", &args.into());
    }
    address.to_owned()
}

/// "Firefox on Linux" from a `User-Agent`: the marks that browsers have kept stable for a decade, most specific first.
fn device_name(pages: &Pages, language: Language, agent: &str) -> String {
    const BROWSERS: [(&str, &str); 7] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
        ("OpenAPI-Generator/", "SDK"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let named =
        |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => {
            let args = [("browser".to_owned(), browser.to_owned()), ("system".to_owned(), system.to_owned())];
            pages.catalogues.text(language, "device-on", &args.into())
        }
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => pages.text(language, "device-unknown"),
    }
}

/// `2026-11-23 08:15 UTC` from RFC 3339: readable everywhere without a script that knows the time zone.
pub(crate) fn moment(rfc3339: &str) -> String {
    match (rfc3339.get(..10), rfc3339.get(11..16)) {
        (Some(date), Some(time)) => format!("{date} {time} UTC"),
        _ => rfc3339.to_owned(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
