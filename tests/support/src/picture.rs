//! Small JPEG pictures: their markers are sound by ITU-T T.81, their scan is noise.

/// A picture of this size.
#[must_use]
pub fn jpeg(width: u16, height: u16, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8];
    segment(&mut bytes, 0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    let mut table = vec![0];
    table.extend([1; 64]);
    segment(&mut bytes, 0xdb, &table);
    let mut frame = vec![8];
    frame.extend(height.to_be_bytes());
    frame.extend(width.to_be_bytes());
    frame.extend([1, 1, 0x11, 0]);
    segment(&mut bytes, 0xc0, &frame);
    segment(&mut bytes, 0xda, &[1, 1, 0, 0, 63, 0]);
    for i in 0..200_u64 {
        let byte = (i * 11 + seed * 7) as u8;
        bytes.push(byte);
        if byte == 0xff {
            bytes.push(0);
        }
    }
    // A restart marker, and the end.
    bytes.extend([0xff, 0xd0, 1, 2, 3, 0xff, 0xd9]);
    bytes
}

/// Writes a marker with its segment.
pub fn segment(out: &mut Vec<u8>, code: u8, content: &[u8]) {
    out.extend([0xff, code]);
    out.extend(u16::try_from(content.len() + 2).expect("a small segment").to_be_bytes());
    out.extend_from_slice(content);
}
