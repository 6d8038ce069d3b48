//! Small WebM files that are sound by RFC 9559. Their payload is noise, so nothing can decode them.

/// What a file should be like. The same specification always gives the same bytes.
#[derive(Debug, Clone)]
pub struct WebMSpec {
    /// How long it plays; rounded up to whole blocks.
    pub duration_ms: u32,
    /// Time of the first block in milliseconds.
    pub start_ms: u32,
    /// From block to block, in milliseconds: 40 for pictures, 20 for Opus.
    pub step_ms: u32,
    pub track: Track,
    /// Bytes in each block.
    pub block_bytes: usize,
    pub sizes: Sizes,
    pub blocks: Blocks,
    /// Another number gives another payload.
    pub seed: u64,
}

/// The one track of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// `V_VP8`, 640 by 480.
    Video,
    /// `A_OPUS`.
    Audio,
}

/// What a writer knew of sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes {
    /// All, as a writer that can seek does; with duration, cues and tags.
    Known,
    /// Neither of the segment nor of its clusters, as live muxers write.
    Unknown,
    /// Of clusters only.
    KnownClusters,
}

/// How blocks are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// `SimpleBlock`s.
    Simple,
    /// `BlockGroup`s with a duration.
    Groups,
}

impl Default for WebMSpec {
    fn default() -> Self {
        Self {
            duration_ms: 2000,
            start_ms: 0,
            step_ms: 40,
            track: Track::Video,
            block_bytes: 100,
            sizes: Sizes::Known,
            blocks: Blocks::Simple,
            seed: 0,
        }
    }
}

/// The bytes of a file.
#[must_use]
pub fn file(spec: &WebMSpec) -> Vec<u8> {
    let mut header = Vec::new();
    for (id, value) in [(0x4286, 1), (0x42f7, 1), (0x42f2, 4), (0x42f3, 8)] {
        element(&mut header, id, &[value]);
    }
    element(&mut header, 0x4282, b"webm");
    element(&mut header, 0x4287, &[4]);
    element(&mut header, 0x4285, &[2]);

    let mut info = Vec::new();
    element(&mut info, 0x2a_d7b1, &1_000_000_u32.to_be_bytes());
    element(&mut info, 0x4d80, b"recfetch test");
    if spec.sizes == Sizes::Known {
        let end = f64::from(spec.start_ms + spec.duration_ms.next_multiple_of(spec.step_ms));
        element(&mut info, 0x4489, &end.to_be_bytes());
    }

    let mut segment = Vec::new();
    element(&mut segment, 0xec, &[0; 16]);
    element(&mut segment, 0x1549_a966, &info);
    let mut tracks = Vec::new();
    element(&mut tracks, 0xae, &entry(spec));
    element(&mut segment, 0x1654_ae6b, &tracks);
    clusters(&mut segment, spec);
    if spec.sizes == Sizes::Known {
        element(&mut segment, 0x1c53_bb6b, &[0xbb, 0x83, 0xb3, 0x81, 0]);
        element(&mut segment, 0x1254_c367, &[0x73, 0x73, 0x80]);
    }

    let mut bytes = Vec::new();
    element(&mut bytes, 0x1a45_dfa3, &header);
    match spec.sizes {
        Sizes::Known => element(&mut bytes, 0x1853_8067, &segment),
        Sizes::Unknown | Sizes::KnownClusters => open_element(&mut bytes, 0x1853_8067, &segment),
    }
    bytes
}

/// A slice of pictures that plays so long, as Agora's individual mode has it.
#[must_use]
pub fn slice(duration_ms: u32, seed: u64) -> Vec<u8> {
    file(&WebMSpec { duration_ms, seed, ..WebMSpec::default() })
}

fn entry(spec: &WebMSpec) -> Vec<u8> {
    let mut entry = Vec::new();
    element(&mut entry, 0xd7, &[1]);
    element(&mut entry, 0x73c5, &[1]);
    match spec.track {
        Track::Video => {
            element(&mut entry, 0x83, &[1]);
            element(&mut entry, 0x86, b"V_VP8");
            let mut video = Vec::new();
            element(&mut video, 0xb0, &640_u16.to_be_bytes());
            element(&mut video, 0xba, &480_u16.to_be_bytes());
            element(&mut entry, 0xe0, &video);
        }
        Track::Audio => {
            element(&mut entry, 0x83, &[2]);
            element(&mut entry, 0x86, b"A_OPUS");
            element(&mut entry, 0xe1, &[0x9f, 0x81, 1]);
        }
    }
    element(&mut entry, 0x23_e383, &(u64::from(spec.step_ms) * 1_000_000).to_be_bytes());
    entry
}

/// A cluster for each second.
fn clusters(out: &mut Vec<u8>, spec: &WebMSpec) {
    let blocks = spec.duration_ms.div_ceil(spec.step_ms).max(1);
    let mut cluster = Vec::new();
    let mut cluster_at = 0;
    for n in 0..blocks {
        let time = spec.start_ms + n * spec.step_ms;
        if n == 0 || time - cluster_at >= 1000 {
            flush(out, &mut cluster, spec.sizes);
            cluster_at = time;
            element(&mut cluster, 0xe7, &time.to_be_bytes());
        }
        let relative = i16::try_from(time - cluster_at).expect("a cluster of a second");
        let is_key = n == 0 || spec.track == Track::Audio;
        let mut block = vec![0x81];
        block.extend(relative.to_be_bytes());
        block.push(if is_key && spec.blocks == Blocks::Simple { 0x80 } else { 0 });
        block.extend((0..spec.block_bytes).map(|i| (spec.seed as usize * 31 + n as usize * 7 + i) as u8));
        match spec.blocks {
            Blocks::Simple => element(&mut cluster, 0xa3, &block),
            Blocks::Groups => {
                let mut group = Vec::new();
                element(&mut group, 0xa1, &block);
                element(&mut group, 0x9b, &spec.step_ms.to_be_bytes());
                if !is_key {
                    element(&mut group, 0xfb, &[0xd8]);
                }
                element(&mut cluster, 0xa0, &group);
            }
        }
    }
    flush(out, &mut cluster, spec.sizes);
}

fn flush(out: &mut Vec<u8>, cluster: &mut Vec<u8>, sizes: Sizes) {
    if cluster.is_empty() {
        return;
    }
    match sizes {
        Sizes::Known | Sizes::KnownClusters => element(out, 0x1f43_b675, cluster),
        Sizes::Unknown => open_element(out, 0x1f43_b675, cluster),
    }
    cluster.clear();
}

/// Writes an element of known size.
pub fn element(out: &mut Vec<u8>, id: u32, content: &[u8]) {
    write_id(out, id);
    let size = content.len() as u64;
    if size < 0x7f {
        out.push(0x80 | size as u8);
    } else {
        out.extend((1 << 56 | size).to_be_bytes());
    }
    out.extend_from_slice(content);
}

/// Writes an element of unknown size.
pub fn open_element(out: &mut Vec<u8>, id: u32, content: &[u8]) {
    write_id(out, id);
    out.extend([1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    out.extend_from_slice(content);
}

fn write_id(out: &mut Vec<u8>, id: u32) {
    out.extend(id.to_be_bytes().into_iter().skip_while(|byte| *byte == 0));
}
