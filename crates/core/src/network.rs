//! Where requests come from, as far as limits are concerned.

use std::fmt;
use std::net::IpAddr;

/// An IPv4 address, or the /64 network that one IPv6 customer owns whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network([u8; 8]);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let mut network = [0; 8];
        match address.to_canonical() {
            // No IPv6 network begins with these bytes: 0000::/8 is reserved.
            IpAddr::V4(address) => network[4..].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => network.copy_from_slice(&address.octets()[..8]),
        }
        Self(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_customer_is_one_network_and_a_mapped_address_the_one_that_it_maps() {
        let network = |text: &str| Network::from(text.parse::<IpAddr>().expect("an address"));
        assert_eq!(network("2001:db8:0:1::1"), network("2001:db8:0:1:ffff::2"));
        assert_ne!(network("2001:db8:0:1::1"), network("2001:db8:0:2::1"));
        assert_eq!(network("::ffff:192.0.2.9"), network("192.0.2.9"));
        assert_ne!(network("192.0.2.9"), network("192.0.2.8"));
        assert_eq!(network("192.0.2.9").to_string(), "00000000c0000209");
    }
}
