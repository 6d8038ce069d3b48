//! A local disk that refuses: code 9, and nothing that was proven is lost.

use std::os::unix::fs::PermissionsExt as _;

use crate::judge;
use crate::media::{composite, long};
use crate::program::Case;
use crate::servers::{Server, world};

pub(crate) fn an_output_folder_that_is_a_file() {
    let recording = composite();
    Server::Loopback.upload("disk-file/", &recording.files);
    let case = Case::new("out-is-a-file").s3(Server::Loopback, "disk-file/", "");
    std::fs::write(case.out(), "mine").expect("written");
    case.fetch(&recording.sid, &[]).expect(9);
    assert_eq!(std::fs::read_to_string(case.out()).expect("the file"), "mine");
}

/// Whoever runs this as root may write anywhere, so the folder is read-only as a mount.
pub(crate) fn an_output_folder_that_is_read_only() {
    let recording = composite();
    Server::Loopback.upload("disk-read-only/", &recording.files);
    let case = Case::new("out-is-read-only").s3(Server::Loopback, "disk-read-only/", "");
    std::fs::create_dir(case.out()).expect("a folder");
    std::fs::set_permissions(case.out(), std::fs::Permissions::from_mode(0o555)).expect("changed");
    let script = format!(
        "mount -t tmpfs -o ro,size=1m none \"$RECFETCH_OUT\" && exec \"$recfetch\" fetch {}",
        recording.sid
    );
    let ran = case.shell(&["unshare", "-rm"], &script);
    ran.expect(9);
    assert!(ran.stderr.contains("--out"), "{}", ran.stderr);
}

/// The listing tells the sizes, so nothing is begun that cannot end.
pub(crate) fn a_full_disk_is_foreseen_from_the_listing() {
    let recording = long(120);
    Server::Loopback.upload("disk-foreseen/", &recording.files);
    let case = Case::new("foreseen").s3(Server::Loopback, "disk-foreseen/", "");
    let ran = on_a_small_disk(&case, &format!("fetch {}", recording.sid));
    let before = ran.stdout.split("---").next().expect("a part");
    assert!(before.contains("payload=0\n"), "fetched although there is no room:\n{}", ran.said());
    assert!(ran.stderr.contains("room"), "{}", ran.stderr);
    is_whole_in_the_end(&case, &recording);
}

/// A web server has no listing: the disk itself is what tells.
pub(crate) fn a_full_disk_is_met_on_the_way() {
    let recording = long(120);
    let folder = world().nginx.root.join("disk-met");
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, bytes) in &recording.files {
        std::fs::write(folder.join(name), bytes).expect("written");
    }
    let case = Case::new("met").web("prod", "disk-met");
    let ran = on_a_small_disk(&case, &format!("fetch {} --playlist {}", recording.sid, recording.playlist()));
    let before = ran.stdout.split("---").next().expect("a part");
    assert!(!before.contains("payload=0\n"), "nothing fetched before it was full:\n{}", ran.said());
    is_whole_in_the_end(&case, &recording);
}

/// A mirror on a disk that is full has no mark, and the run ends at once: asking again makes no room.
pub(crate) fn a_full_disk_at_the_destination() {
    let recording = long(120);
    Server::Loopback.upload("disk-cold/", &recording.files);
    let case = Case::new("full-cold").s3(Server::Loopback, "disk-cold/", "");
    let cold = case.out();
    let case = case.settings(&format!("[store.cold]\nvendor = \"dir\"\npath = \"{}\"\n", cold.display()));
    std::fs::create_dir(&cold).expect("a folder");
    let script = format!(
        "mount -t tmpfs -o size=2m none \"$RECFETCH_OUT\" || exit 96
         \"$recfetch\" mirror {sid} --from prod --to cold; [ $? = 9 ] || exit 98
         [ ! -e \"$RECFETCH_OUT/{sid}/mirror.json\" ] || exit 97
         mount -o remount,size=64m \"$RECFETCH_OUT\" || exit 96
         \"$recfetch\" mirror {sid} --from prod --to cold || exit
         cp -a \"$RECFETCH_OUT\" grown",
        sid = recording.sid,
    );
    let started = std::time::Instant::now();
    let ran = case.shell(&["unshare", "-rm"], &script);
    ran.expect(0);
    assert!(ran.stderr.contains("make room on the disk of cold"), "{}", ran.stderr);
    assert!(started.elapsed() < std::time::Duration::from_secs(40), "asked again for a minute");
    is_whole_in_the_end(&case, &recording);
}

/// Runs on a disk that is too small, then again after it grew, and copies the bag out.
fn on_a_small_disk(case: &Case, arguments: &str) -> crate::program::Ran {
    std::fs::create_dir(case.out()).expect("a folder");
    let script = format!(
        "mount -t tmpfs -o size=2m none \"$RECFETCH_OUT\" || exit 99
         \"$recfetch\" {arguments} --store prod; code=$?
         echo \"code=$code\"
         echo \"payload=$(ls \"$RECFETCH_OUT\"/*/data 2>/dev/null | wc -l)\"
         echo ---
         [ $code = 9 ] || exit 98
         mount -o remount,size=64m \"$RECFETCH_OUT\" || exit 97
         \"$recfetch\" {arguments} --store prod --join || exit
         cp -a \"$RECFETCH_OUT\" grown"
    );
    let ran = case.shell(&["unshare", "-rm"], &script);
    ran.expect(0);
    ran
}

fn is_whole_in_the_end(case: &Case, recording: &crate::media::Recording) {
    let bag = case.path().join("grown").join(&recording.sid);
    let report = std::fs::read_to_string(bag.join("report.json")).expect("a report");
    let report = serde_json::from_str(&report).expect("JSON");
    judge::bag_is_valid(&bag);
    judge::bag_has_every_byte(&bag, &report, recording);
}
