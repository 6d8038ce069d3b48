//! One message while its bytes come.

use super::{Block, md5, sha256};

/// What is computed of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sums {
    /// SHA-256.
    Sha256,
    /// MD5 besides.
    Sha256AndMd5,
}

/// The digests of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) sha256: [u8; 32],
    pub(crate) md5: Option<[u8; 16]>,
}

/// A message of which a part came.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(super) sha256: [u32; 8],
    pub(super) md5: Option<[u32; 4]>,
    /// What does not fill a block yet.
    partial: Block,
    size: u64,
}

impl Message {
    pub(crate) fn new(sums: Sums) -> Self {
        let md5 = match sums {
            Sums::Sha256 => None,
            Sums::Sha256AndMd5 => Some(md5::START),
        };
        Self { sha256: sha256::START, md5, partial: [0; 64], size: 0 }
    }

    /// Takes the next bytes, alone.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let blocks = self.take_ends(bytes);
        self.compress(blocks);
    }

    /// Ends the message.
    pub(crate) fn finish(mut self) -> Digests {
        let filled = self.filled();
        let bits = self.size.wrapping_mul(8);
        let mut last = [[0; 64]; 2];
        last[0][..filled].copy_from_slice(&self.partial[..filled]);
        last[0][filled] = 0x80;
        // The length goes behind the mark, into the same block where it fits.
        let used = if filled < 56 { 1 } else { 2 };
        let mut of_md5 = last;
        last[used - 1][56..].copy_from_slice(&bits.to_be_bytes());
        of_md5[used - 1][56..].copy_from_slice(&bits.to_le_bytes());
        sha256::compress(&mut self.sha256, &last[..used]);
        let mut digests = Digests { sha256: [0; 32], md5: None };
        for (bytes, word) in digests.sha256.chunks_exact_mut(4).zip(self.sha256) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        if let Some(state) = &mut self.md5 {
            md5::compress(state, &of_md5[..used]);
            let mut md5 = [0; 16];
            for (bytes, word) in md5.chunks_exact_mut(4).zip(*state) {
                bytes.copy_from_slice(&word.to_le_bytes());
            }
            digests.md5 = Some(md5);
        }
        digests
    }

    /// Takes what fills the block that was started and what does not fill one any more; gives back the whole
    /// blocks between, which have to be compressed before anything else is taken.
    pub(super) fn take_ends<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [Block] {
        let filled = self.filled();
        self.size = self.size.wrapping_add(bytes.len() as u64);
        if filled > 0 {
            let (head, rest) = bytes.split_at(bytes.len().min(64 - filled));
            self.partial[filled..filled + head.len()].copy_from_slice(head);
            if filled + head.len() < 64 {
                return &[];
            }
            let block = self.partial;
            self.compress(&[block]);
            bytes = rest;
        }
        let (blocks, tail) = bytes.as_chunks::<64>();
        self.partial[..tail.len()].copy_from_slice(tail);
        blocks
    }

    fn compress(&mut self, blocks: &[Block]) {
        sha256::compress(&mut self.sha256, blocks);
        if let Some(state) = &mut self.md5 {
            md5::compress(state, blocks);
        }
    }

    fn filled(&self) -> usize {
        usize::try_from(self.size % 64).unwrap_or_default()
    }
}

/// What the crates say.
pub(super) fn judges(text: &[u8]) -> Digests {
    use ::md5::Digest as _;
    Digests { sha256: sha2::Sha256::digest(text).into(), md5: Some(::md5::Md5::digest(text).into()) }
}
