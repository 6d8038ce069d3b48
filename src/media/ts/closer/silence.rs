//! Whether a frame of AAC holds nothing (ISO/IEC 14496-3, 4.4.2).
//!
//! No decoding and no threshold: a frame is silent where each of its channels says that its whole spectrum is
//! zero (no band, or only bands of codebook 0). Encoders write that for digital silence at every bit rate,
//! however they pad it. Whatever is not understood counts as sound: tools that make something of nothing
//! (noise substitution, band replication), other profiles than LC, and frames that contradict themselves.

use super::super::bits::Bits;

/// Whether a whole ADTS frame is silent for sure.
pub(super) fn is_silent(frame: &[u8]) -> bool {
    let &[_, second, third, _, _, _, seventh, ref body @ ..] = frame else { return false };
    let is_lc = third >> 6 == 1;
    let one_block = seventh & 3 == 0;
    let body = if second & 1 == 0 { body.get(2..).unwrap_or(&[]) } else { body };
    is_lc && one_block && silent_block(&mut Bits::plain(body.to_vec())).is_some()
}

/// Of the bands of a channel: how many, in how many groups of windows.
#[derive(Clone, Copy)]
struct Bands {
    each: u64,
    groups: u64,
    short: bool,
}

/// `Some` where all of it was read and is silent.
fn silent_block(bits: &mut Bits) -> Option<()> {
    let mut channels = 0;
    loop {
        match bits.take(3)? {
            // One channel, for itself or for low frequencies.
            0 | 3 => {
                bits.take(4)?;
                silent_channel(bits, None)?;
                channels += 1;
            }
            1 => {
                bits.take(4)?;
                let shared = if bits.take(1)? == 1 { Some(shared_bands(bits)?) } else { None };
                silent_channel(bits, shared)?;
                silent_channel(bits, shared)?;
                channels += 2;
            }
            4 => pass_data(bits)?,
            6 => pass_fill(bits)?,
            7 => return (channels > 0).then_some(()),
            _ => return None,
        }
    }
}

fn shared_bands(bits: &mut Bits) -> Option<Bands> {
    let bands = read_bands(bits)?;
    match bits.take(2)? {
        // One bit for each band says whether it is coded as middle and side.
        1 => bits.pass(usize::try_from(bands.each * bands.groups).ok()?)?,
        0 | 2 => {}
        _ => return None,
    }
    Some(bands)
}

fn read_bands(bits: &mut Bits) -> Option<Bands> {
    let (reserved, sequence, _shape) = (bits.take(1)?, bits.take(2)?, bits.take(1)?);
    if reserved != 0 {
        return None;
    }
    if sequence == 2 {
        let each = bits.take(4)?;
        // A set bit puts a window into the group of the one before.
        let groups = 8 - u64::from(bits.take(7)?.count_ones());
        return Some(Bands { each, groups, short: true });
    }
    let each = bits.take(6)?;
    let predicted = bits.take(1)? == 1;
    (!predicted).then_some(Bands { each, groups: 1, short: false })
}

fn silent_channel(bits: &mut Bits, shared: Option<Bands>) -> Option<()> {
    let _gain = bits.take(8)?;
    let bands = match shared {
        Some(bands) => bands,
        None => read_bands(bits)?,
    };
    let width = if bands.short { 3 } else { 5 };
    let more = (1 << width) - 1;
    for _ in 0..bands.groups {
        let mut band = 0;
        while band < bands.each {
            if bits.take(4)? != 0 {
                return None;
            }
            loop {
                let length = bits.take(width)?;
                band += length;
                if length != more {
                    break;
                }
            }
        }
        if band != bands.each {
            return None;
        }
    }
    // Pulses, noise shaping and gain control have something to work on.
    (bits.take(3)? == 0).then_some(())
}

fn pass_data(bits: &mut Bits) -> Option<()> {
    bits.take(4)?;
    let aligned = bits.take(1)? == 1;
    let mut bytes = bits.take(8)?;
    if bytes == 255 {
        bytes += bits.take(8)?;
    }
    if aligned {
        bits.align();
    }
    bits.pass(usize::try_from(bytes).ok()? * 8)
}

fn pass_fill(bits: &mut Bits) -> Option<()> {
    let mut bytes = bits.take(4)?;
    if bytes == 15 {
        bytes += bits.take(8)?.checked_sub(1)?;
    }
    if bytes == 0 {
        return Some(());
    }
    // Band replication may make sound where there is none.
    if matches!(bits.take(4)?, 13 | 14) {
        return None;
    }
    bits.pass(usize::try_from(bytes).ok()? * 8 - 4)
}
