//! What tcpdump has written of a link.

use std::fs;

use crate::link::Link;

/// The longest time between two adverts of a virtual router of IPv4 from 10.9.0.`host`, in seconds,
/// so far.
pub fn longest_silence(link: &Link, host: u8, vrid: u8) -> Result<f64, String> {
    let file = link.directory.join("packets.pcap");
    let capture = fs::read(file).map_err(|error| error.to_string())?;
    let is_advert = |frame: &[u8]| {
        frame.get(12..14) == Some(&[8, 0])
            && frame.get(23) == Some(&112)
            && frame.get(26..30) == Some(&[10, 9, 0, host])
            && frame.get(35) == Some(&vrid)
    };
    let packets = packets(&capture);
    let adverts = packets.iter().filter(|(_, frame)| is_advert(frame));
    let times: Vec<f64> = adverts.map(|(time, _)| *time).collect();
    let silences = times.windows(2).map(|pair| pair[1] - pair[0]);
    silences
        .max_by(f64::total_cmp)
        .ok_or_else(|| "no adverts in the capture".into())
}

/// The packets of a capture in the format of pcap-savefile(5), microseconds, with their times in
/// seconds.
pub fn packets(capture: &[u8]) -> Vec<(f64, &[u8])> {
    const FILE_HEADER: usize = 24;
    const PACKET_HEADER: usize = 16;
    let mut packets = Vec::new();
    let mut rest = capture.get(FILE_HEADER..).unwrap_or_default();
    while let Some((header, after)) = rest.split_first_chunk::<PACKET_HEADER>() {
        let word = |place: usize| {
            u32::from_ne_bytes([
                header[place],
                header[place + 1],
                header[place + 2],
                header[place + 3],
            ])
        };
        let length = word(8) as usize;
        let Some(frame) = after.get(..length) else {
            break;
        };
        packets.push((f64::from(word(0)) + f64::from(word(4)) / 1e6, frame));
        rest = &after[length..];
    }
    packets
}
