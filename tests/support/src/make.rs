//! Makes buckets full of recordings, as large as a benchmark wants them: every slice is sound, no two are
//! alike, their clock runs on from one to the next, and the playlist says what is there.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use crate::mp4::{self, Mp4Spec};
use crate::recording::{Plan, Tags};
use crate::ts::{self, SliceSpec, Tracks};

/// The clock at the start of a recording.
const FIRST_PTS: u64 = 126_000;

/// Recordings of so many slices each.
#[derive(Clone, Debug)]
pub struct Hls {
    pub recordings: u32,
    pub slices: u32,
    /// Of a slice; rounded down to whole packets.
    pub bytes: usize,
    /// How long a slice plays.
    pub seconds: u32,
    pub tracks: Tracks,
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// The ID of each recording.
    pub sids: Vec<String>,
    /// Names of the playlists (or of the film), in the order of the IDs.
    pub heads: Vec<String>,
    pub files: u64,
    pub bytes: u64,
}

/// Makes recordings in segments, all in this folder.
pub fn hls(dir: &Path, spec: &Hls) -> io::Result<Made> {
    std::fs::create_dir_all(dir)?;
    let mut made = Made::default();
    for number in 0..spec.recordings {
        let mut plan = Plan::new(&vec![u64::from(spec.seconds) * 1000; spec.slices as usize]);
        plan.sid = sid(number);
        plan.tags = match spec.tracks {
            Tracks::AudioVideo => Tags::AudioVideo,
            Tracks::Audio => Tags::Audio,
            Tracks::Video => Tags::Video,
        };
        for (n, name) in plan.slice_names().into_iter().enumerate() {
            let n = n as u64;
            let slice = ts::slice(&SliceSpec {
                start_pts: FIRST_PTS + n * u64::from(spec.seconds) * 90_000,
                duration_ms: spec.seconds * 1000,
                tracks: spec.tracks,
                bytes_target: spec.bytes,
                // Far apart, so that the noise of one does not run into that of another.
                seed: (u64::from(number) << 24 | n).wrapping_mul(0xd134_2543_de82_ef95),
                picture: (spec.tracks != Tracks::Audio).then_some((640, 480)),
                adts: true,
            });
            made.write(dir, &name, &slice)?;
        }
        made.write(dir, &plan.playlist_name(), plan.playlist().as_bytes())?;
        made.sids.push(plan.sid.clone());
        made.heads.push(plan.playlist_name());
    }
    Ok(made)
}

/// Makes one recording that is one MP4 of about so many bytes which plays so long.
pub fn film(dir: &Path, bytes: u64, seconds: u32) -> io::Result<Made> {
    std::fs::create_dir_all(dir)?;
    let plan = Plan::new(&[u64::from(seconds) * 1000]);
    let spec = Mp4Spec { duration_ms: seconds * 1000, ..mp4::recording_spec(1) };
    let spec = Mp4Spec { sample_bytes: mp4::sample_bytes(&spec, bytes), ..spec };
    let name = format!("{}_0.mp4", plan.stem());
    let mut file = BufWriter::with_capacity(1 << 20, File::create_new(dir.join(&name))?);
    let bytes = mp4::write(&spec, &mut file)?;
    file.flush()?;
    Ok(Made { sids: vec![plan.sid], heads: vec![name], files: 1, bytes })
}

impl Made {
    fn write(&mut self, dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.files += 1;
        self.bytes += bytes.len() as u64;
        File::create_new(dir.join(name))?.write_all(bytes)
    }
}

/// The ID of recording number n: 32 hexadecimal digits that look like chance.
fn sid(number: u32) -> String {
    const FIRST: u128 = 0x38f8_e3cf_dc47_4cd5_6fc1_ceba_380d_7e1b;
    format!("{:032x}", FIRST.wrapping_mul(u128::from(number) * 2 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slices_of_a_set_are_all_there_and_all_different() {
        let dir = tempfile::tempdir().expect("folder");
        let spec = Hls { recordings: 2, slices: 3, bytes: 188 * 600, seconds: 5, tracks: Tracks::AudioVideo };
        let made = hls(dir.path(), &spec).expect("made");
        assert_eq!(made.files, 8);
        let mut all = Vec::new();
        for head in &made.heads {
            let playlist = std::fs::read_to_string(dir.path().join(head)).expect("a playlist");
            assert!(playlist.ends_with("#EXT-X-ENDLIST\n"));
            for name in playlist.lines().filter(|line| !line.starts_with('#')) {
                all.push(std::fs::read(dir.path().join(name)).expect("a slice"));
            }
        }
        assert_eq!(all.len(), 6);
        assert!(all.iter().all(|slice| slice.len() == 188 * 600));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6);
    }

    #[test]
    fn a_film_has_the_bytes_that_it_would_have_in_memory() {
        let dir = tempfile::tempdir().expect("folder");
        let made = film(dir.path(), 1_000_000, 60).expect("made");
        let bytes = std::fs::read(dir.path().join(&made.heads[0])).expect("a film");
        assert_eq!(bytes.len() as u64, made.bytes);
        assert!((950_000..=1_050_000).contains(&bytes.len()), "{}", bytes.len());
        let spec = Mp4Spec { duration_ms: 60_000, ..mp4::recording_spec(1) };
        let spec = Mp4Spec { sample_bytes: mp4::sample_bytes(&spec, 1_000_000), ..spec };
        assert!(bytes == mp4::file(&spec));
    }
}
