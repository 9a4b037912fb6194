//! Which addresses a URL of a caller may reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use arc_swap::ArcSwap;
use ipnet::IpNet;
use url::Host;

/// The judge of addresses: everything that is not plainly public is refused, unless the operator made an exception.
pub(super) struct Guard {
    exceptions: ArcSwap<Vec<IpNet>>,
}

impl Guard {
    pub(super) fn new(exceptions: &[IpNet]) -> Self {
        Self { exceptions: ArcSwap::from_pointee(exceptions.to_vec()) }
    }

    pub(super) fn replace(&self, exceptions: Vec<IpNet>) {
        self.exceptions.store(Arc::new(exceptions));
    }

    pub(super) fn allows(&self, address: IpAddr) -> bool {
        let plain = address.to_canonical();
        is_public(plain) || self.exceptions.load().iter().any(|network| network.contains(&plain))
    }

    /// A name is judged when it is resolved.
    pub(super) fn allows_literal(&self, host: &Host<&str>) -> bool {
        match host {
            Host::Domain(_) => true,
            Host::Ipv4(address) => self.allows((*address).into()),
            Host::Ipv6(address) => self.allows((*address).into()),
        }
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// By the IANA registry of special-purpose IPv4 addresses.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        0 | 10 | 127 => true,
        100 => b & 0xc0 == 64,
        169 => b == 254,
        172 => b & 0xf0 == 16,
        // 192.0.0.0/24 protocol assignments, 192.0.2.0/24 documentation, 192.88.99.0/24 6to4 relays, 192.168.0.0/16.
        192 => b == 168 || (b == 0 && (c == 0 || c == 2)) || (b == 88 && c == 99),
        198 => b & 0xfe == 18 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        // Multicast, reserved, broadcast.
        224..=255 => true,
        _ => false,
    };
    !special
}

/// Only global unicast (2000::/3), without the parts of it that embed or stand for something else.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    match segments {
        // NAT64 64:ff9b::/96 leads to the IPv4 address in its end.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(embedded(high, low)),
        // 6to4 2002::/16 leads to the IPv4 address after the prefix.
        [0x2002, high, low, ..] => is_public_v4(embedded(high, low)),
        // 2001::/23 protocol assignments (Teredo, ORCHID, benchmarks), documentation 2001:db8::/32 and 3fff::/20.
        [0x2001, second, ..] => second >= 0x0200 && second != 0x0db8,
        [0x3fff, second, ..] => second >= 0x1000,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(text: &str) -> bool {
        Guard::new(&["10.1.0.0/16".parse().expect("a network")]).allows(text.parse().expect("an address"))
    }

    #[test]
    fn private_and_special_addresses_are_refused_in_every_disguise() {
        for address in [
            "127.0.0.1",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
            "fec0::1",
        ] {
            assert!(!allowed(address), "{address}");
        }
    }

    #[test]
    fn public_addresses_and_exceptions_are_allowed() {
        for address in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "2001:4860::8888",
            "64:ff9b::101:101",
            "2002:101:101::1",
            "10.1.2.3",
            "::ffff:10.1.2.3",
        ] {
            assert!(allowed(address), "{address}");
        }
    }
}
