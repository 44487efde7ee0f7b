//! Which addresses lie in the public internet — the IANA registries of special-purpose addresses (RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is a public unicast one.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // This network, shared (carrier NAT), benchmarks, IETF assignments, former 6to4 relays, reserved; and Azure's
        // platform, a public address that answers virtual machines as 169.254.169.254 does.
        [0 | 240..=255, ..] | [192, 0, 0, _] | [192, 88, 99, _] | [168, 63, 129, 16] => true,
        [100, second, ..] => (64..128).contains(&second),
        [198, second, ..] => second == 18 || second == 19,
        _ => false,
    };
    !(special
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let words = address.segments();
    let v4 = |at: usize| {
        let ([one, two], [three, four]) = (words[at].to_be_bytes(), words[at + 1].to_be_bytes());
        is_public_v4(Ipv4Addr::new(one, two, three, four))
    };
    match words {
        // Addresses that carry one of IPv4: mapped, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => v4(6),
        [0x2002, ..] => v4(1),
        // IETF assignments (Teredo among them) and documentation.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        // Global unicast; everything else is local, multicast or unassigned.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn public_and_not() {
        for (text, public) in [
            ("8.8.8.8", true),
            ("192.0.1.1", true),
            ("100.63.255.255", true),
            ("172.32.0.1", true),
            ("168.63.129.15", true),
            ("168.63.129.16", false),
            ("169.254.169.254", false),
            ("100.100.100.200", false),
            ("2606:4700::1111", true),
            ("::127.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("::ffff:169.254.169.254", false),
            ("64:ff9b::a00:1", false),
            ("64:ff9b::808:808", true),
            ("64:ff9b::a9fe:a9fe", false),
            ("64:ff9b:1::808:808", false),
            ("2002:a00:1::", false),
            ("2002:808:808::", true),
            ("2001::1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), public, "{text}");
        }
    }

    /// The blocks of the IANA registries that are not globally reachable, and what is multicast or reserved, written
    /// out; nothing of the code above is used.
    const SPECIAL_V4: [(&str, u32); 16] = [
        ("0.0.0.0", 8),
        ("10.0.0.0", 8),
        ("100.64.0.0", 10),
        ("127.0.0.0", 8),
        ("168.63.129.16", 32),
        ("169.254.0.0", 16),
        ("172.16.0.0", 12),
        ("192.0.0.0", 24),
        ("192.0.2.0", 24),
        ("192.88.99.0", 24),
        ("192.168.0.0", 16),
        ("198.18.0.0", 15),
        ("198.51.100.0", 24),
        ("203.0.113.0", 24),
        ("224.0.0.0", 4),
        ("240.0.0.0", 4),
    ];
    const SPECIAL_V6: [(&str, u32); 3] = [("2001::", 23), ("2001:db8::", 32), ("3fff::", 20)];

    fn in_block_v4(address: u32, (block, prefix): (&str, u32)) -> bool {
        let block = u32::from(block.parse::<Ipv4Addr>().unwrap());
        (address ^ block).checked_shr(32 - prefix).unwrap_or(0) == 0
    }

    fn in_block_v6(address: u128, (block, prefix): (&str, u32)) -> bool {
        let block = u128::from(block.parse::<Ipv6Addr>().unwrap());
        (address ^ block) >> (128 - prefix) == 0
    }

    fn plain_v4(address: u32) -> bool {
        !SPECIAL_V4.iter().any(|block| in_block_v4(address, *block))
    }

    fn plain_v6(address: u128) -> bool {
        if in_block_v6(address, ("::ffff:0:0", 96)) || in_block_v6(address, ("64:ff9b::", 96)) {
            return plain_v4(address as u32);
        }
        if in_block_v6(address, ("2002::", 16)) {
            return plain_v4((address >> 80) as u32);
        }
        in_block_v6(address, ("2000::", 3)) && !SPECIAL_V6.iter().any(|block| in_block_v6(address, *block))
    }

    /// Addresses at random, and those at and around the edges of the blocks.
    fn v4() -> impl Strategy<Value = u32> {
        let near = (0..SPECIAL_V4.len(), -2_i64..3, any::<bool>()).prop_map(|(at, off, is_end)| {
            let (block, prefix) = SPECIAL_V4[at];
            let start = i64::from(u32::from(block.parse::<Ipv4Addr>().unwrap()));
            let size = 1_i64 << (32 - prefix);
            (start + off + if is_end { size - 1 } else { 0 }) as u32
        });
        prop_oneof![any::<u32>(), near]
    }

    fn v6() -> impl Strategy<Value = u128> {
        let carried = (0..4_usize, v4()).prop_map(|(form, v4)| match form {
            0 => 0xffff << 32 | u128::from(v4),
            1 => 0x64_ff9b << 96 | u128::from(v4),
            2 => 0x2002 << 112 | u128::from(v4) << 80,
            _ => u128::from(v4),
        });
        let global = any::<u128>().prop_map(|bits| 0x2 << 124 | bits >> 4);
        let registered = any::<u128>().prop_map(|bits| 0x2001 << 112 | (bits >> 16) & !(0xfc00_u128 << 96));
        prop_oneof![any::<u128>(), carried, global, registered]
    }

    proptest! {
        #[test]
        fn the_blocks_of_the_registries_and_no_others_v4(address in v4()) {
            prop_assert_eq!(is_public(IpAddr::from(Ipv4Addr::from(address))), plain_v4(address));
        }

        #[test]
        fn the_blocks_of_the_registries_and_no_others_v6(address in v6()) {
            prop_assert_eq!(is_public(IpAddr::from(Ipv6Addr::from(address))), plain_v6(address));
        }
    }
}
