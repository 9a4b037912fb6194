//! Who is behind the connection, believing only configured proxies.

use std::net::IpAddr;

use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

use super::MAX_TEXT;

/// The client as far as it can be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) ip: Option<IpAddr>,
    pub(super) location: Option<String>,
}

/// The client behind `peer` (none on a Unix socket, which only a local proxy can open).
///
/// `X-Forwarded-For` is read from the right, because only the entries that trusted proxies appended are true: the
/// first address from the right that is no trusted proxy is the client.
pub(super) fn behind(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Client {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|net| net.contains(&ip.to_canonical()));
    if peer.is_some_and(|ip| !is_trusted(ip)) {
        return Client { ip: peer.map(|ip| ip.to_canonical()), location: None };
    }
    let mut ip = peer;
    for entry in forwarded_for(headers) {
        // What follows to the left of an unreadable entry cannot be attributed to anyone.
        let Some(address) = entry else { break };
        ip = Some(address);
        if !is_trusted(address) {
            break;
        }
    }
    Client { ip: ip.map(|ip| ip.to_canonical()), location: location(headers) }
}

/// Every entry of every `X-Forwarded-For` header, last first.
fn forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let mut entries: Vec<_> = headers
        .get_all("x-forwarded-for")
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|entry| std::str::from_utf8(entry).ok().and_then(address))
        .collect();
    entries.reverse();
    entries.into_iter()
}

/// An address, with or without a port.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let plain = entry.trim_start_matches('[').trim_end_matches(']');
    plain.parse().ok().or_else(|| entry.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
}

/// City and country as the edge network reports them.
fn location(headers: &HeaderMap) -> Option<String> {
    let parts: Vec<_> = ["cf-ipcity", "cf-ipcountry"]
        .iter()
        .filter_map(|name| headers.get(*name))
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .filter(|part| !part.is_empty())
        .collect();
    let text: String = parts.join(", ").chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn seen(peer: Option<&str>, forwarded: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(
                HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_str(value).expect("a header value"),
            );
        }
        let trusted = ["10.0.0.0/8".parse().expect("valid"), "fd00::/8".parse().expect("valid")];
        behind(peer.map(|ip| ip.parse().expect("valid")), &headers, &trusted).ip.map(|ip| ip.to_string())
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        assert_eq!(seen(Some("203.0.113.9"), &["1.1.1.1"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(seen(Some("10.0.0.1"), &["1.1.1.1, 203.0.113.9"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(seen(Some("10.0.0.1"), &["1.1.1.1", "203.0.113.9, 10.2.3.4"]).as_deref(), Some("203.0.113.9"));
    }

    #[test]
    fn an_unreadable_entry_ends_the_walk() {
        assert_eq!(seen(Some("10.0.0.1"), &["1.1.1.1, nonsense"]).as_deref(), Some("10.0.0.1"));
        assert_eq!(seen(Some("10.0.0.1"), &["1.1.1.1, nonsense, 10.0.0.2"]).as_deref(), Some("10.0.0.2"));
    }

    #[test]
    fn sockets_ports_and_mapped_addresses_are_understood() {
        assert_eq!(seen(None, &["203.0.113.9:4711"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(seen(None, &["[2001:db8::1]:4711"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(seen(Some("::ffff:10.0.0.1"), &["2001:db8::1"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(seen(None, &[]), None);
    }

    #[test]
    fn location_headers_of_a_stranger_are_ignored() {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("cf-ipcity"), HeaderValue::from_static("Bonn"));
        headers.insert(HeaderName::from_static("cf-ipcountry"), HeaderValue::from_static("DE"));
        assert_eq!(behind(Some(IpAddr::from([203, 0, 113, 9])), &headers, &[]).location, None);
        assert_eq!(behind(None, &headers, &[]).location.as_deref(), Some("Bonn, DE"));
    }
}
