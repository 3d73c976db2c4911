//! The order of a listing, as ipvsadm 1.31 has it; scripts compare listings byte for byte.
//!
//! Addresses are compared by the sign of their difference in 32 bits, so 192.168.0.1 comes before
//! 10.0.0.1 (they lie more than half of the address space apart), and with addresses spread wider
//! than that the relation is not transitive: the outcome depends on the algorithm. It is that of
//! glibc's `qsort` up to 2.36, a merge sort that halves at n/2 and takes the left one when it is
//! not greater.

use std::net::IpAddr;

use super::{DestinationRow, ServiceId, ServiceRow};

/// Sorts services by firewall mark, family, protocol, address, port.
pub fn sort_services(rows: Vec<ServiceRow>) -> Vec<ServiceRow> {
    merge_sort(rows, |a, b| {
        compare_services(&a.service.id, &b.service.id) <= 0
    })
}

/// Sorts destinations by address and port.
pub fn sort_destinations(rows: Vec<DestinationRow>) -> Vec<DestinationRow> {
    merge_sort(rows, |a, b| {
        let (a, b) = (&a.destination.endpoint, &b.destination.endpoint);
        let address = compare_addresses(&a.address, &b.address);
        let port = || i32::from(a.port) - i32::from(b.port);
        (if address != 0 { address } else { port() }) <= 0
    })
}

/// Negative when `a` comes before `b`. A mark counts as a signed number.
fn compare_services(a: &ServiceId, b: &ServiceId) -> i32 {
    let mark = |id: &ServiceId| match id {
        ServiceId::Mark { mark, .. } => mark.get(),
        ServiceId::Address { .. } => 0,
    };
    let difference = mark(a).wrapping_sub(mark(b)) as i32;
    if difference != 0 {
        return difference;
    }
    let difference = a.family() as i32 - b.family() as i32;
    if difference != 0 {
        return difference;
    }
    match (a, b) {
        (
            ServiceId::Address {
                protocol: p,
                endpoint: e,
            },
            ServiceId::Address {
                protocol: q,
                endpoint: f,
            },
        ) => {
            let protocol = i32::from(p.0) - i32::from(q.0);
            let address = compare_addresses(&e.address, &f.address);
            let port = i32::from(e.port) - i32::from(f.port);
            [protocol, address, port]
                .into_iter()
                .find(|&d| d != 0)
                .unwrap_or(0)
        }
        _ => 0,
    }
}

/// Compares word by word; the first address decides whether there are four words or one.
fn compare_addresses(a: &IpAddr, b: &IpAddr) -> i32 {
    if let (IpAddr::V4(a), IpAddr::V4(b)) = (a, b) {
        return u32::from(*a).wrapping_sub(u32::from(*b)) as i32;
    }
    let (a, b) = (words(a), words(b));
    let count = if a[1..] == [None; 3] { 1 } else { 4 };
    (0..count)
        .map(|i| a[i].unwrap_or(0).wrapping_sub(b[i].unwrap_or(0)) as i32)
        .find(|&difference| difference != 0)
        .unwrap_or(0)
}

/// The 32-bit words of an address, in host order; an IPv4 address has only the first.
fn words(address: &IpAddr) -> [Option<u32>; 4] {
    match address {
        IpAddr::V4(address) => [Some(u32::from(*address)), None, None, None],
        IpAddr::V6(address) => {
            let bits = u128::from(*address);
            [96, 64, 32, 0].map(|shift| Some((bits >> shift) as u32))
        }
    }
}

/// A top-down merge sort that does the very comparisons of glibc's, also where `not_after` is no
/// order. It moves indices; the items move once.
fn merge_sort<T>(items: Vec<T>, not_after: fn(&T, &T) -> bool) -> Vec<T> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    let mut merged = Vec::with_capacity(items.len());
    sort(&mut order, &mut merged, &|a, b| {
        not_after(&items[a], &items[b])
    });
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    order
        .into_iter()
        .filter_map(|index| items[index].take())
        .collect()
}

fn sort(order: &mut [usize], merged: &mut Vec<usize>, not_after: &dyn Fn(usize, usize) -> bool) {
    if order.len() <= 1 {
        return;
    }
    let (left, right) = order.split_at_mut(order.len() / 2);
    sort(left, merged, not_after);
    sort(right, merged, not_after);
    merged.clear();
    let (mut left, mut right) = (&*left, &*right);
    while let ([l, left_rest @ ..], [r, right_rest @ ..]) = (left, right) {
        if not_after(*l, *r) {
            merged.push(*l);
            left = left_rest;
        } else {
            merged.push(*r);
            right = right_rest;
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
    order.copy_from_slice(merged);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(a: &str, b: &str) -> bool {
        compare_addresses(&a.parse().unwrap(), &b.parse().unwrap()) < 0
    }

    #[test]
    fn addresses_far_apart_are_ordered_by_the_wrapped_difference() {
        assert!(before("10.0.0.1", "10.0.0.2"));
        assert!(before("192.168.0.1", "10.0.0.1"));
        assert!(before("2001:db8::1", "2001:db8::2"));
        assert!(before("ff05::1", "2001:db8::1"));
    }

    #[test]
    fn the_merge_sort_keeps_equal_items_in_place() {
        let sorted = merge_sort(
            vec![(2, 'a'), (1, 'a'), (2, 'b'), (1, 'b'), (0, 'a')],
            |a, b| a.0 <= b.0,
        );
        assert_eq!(sorted, [(0, 'a'), (1, 'a'), (1, 'b'), (2, 'a'), (2, 'b')]);
    }
}
