//! `recfetch` as a user runs it, against real servers, judged by other people's programs.
//!
//! `scripts/test` installs what this needs and says where it is in `RECFETCH_TOOLS`. Without that each test
//! is listed as ignored.

#![allow(
    clippy::unwrap_used,
    clippy::exit,
    clippy::print_stderr,
    reason = "a test, and the end of a program"
)]

mod cases;
mod hosts;
mod judge;
mod media;
mod program;
mod queue;
mod servers;
mod shapes;
mod tools;
mod vendors;

use std::path::Path;

use cases::{
    backup, checking, crash, disk, fleet, forms, hosts as names, joining, judges, manners, mirror, oss,
    qiniu, refusal, store, whole,
};
use libtest_mimic::{Arguments, Trial};
use media::FORMS;
use rustix::process::Signal;
use servers::Server;
use tools::Tools;
use vendors::Vendor;

const VARIABLE: &str = "RECFETCH_TOOLS";

/// What a test needs beyond the servers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Servers,
    Mounts,
    /// Mounts, and the port that https means.
    Hosts,
}

type OfServer = fn(Server);
type Alone = fn();
type Test = (String, Needs, Box<dyn FnOnce() + Send>);

fn main() {
    let mut arguments = Arguments::from_args();
    // They wait for servers, disks and rate limits more than they work.
    arguments.test_threads.get_or_insert(4);
    let tests = tests();
    let tools = std::env::var_os(VARIABLE);
    let mut why_not = "";
    let mut mounts = true;
    let mut listens = true;
    match &tools {
        None => {
            why_not = "needs scripts/test";
            eprintln!("{} tests with real servers left out: run scripts/test", tests.len());
        }
        Some(_) if arguments.list => {}
        Some(venv) => match Tools::find(Path::new(venv)) {
            Err(what) => {
                eprintln!("{VARIABLE} is set, but {what}");
                std::process::exit(101);
            }
            Ok(tools) => {
                mounts = tools::may_mount();
                if !mounts {
                    let count = tests.iter().filter(|(_, needs, _)| *needs == Needs::Mounts).count();
                    eprintln!("{count} tests of full disks left out: this user may not mount in a namespace");
                }
                listens = hosts::may_listen();
                if !listens {
                    eprintln!(
                        "tests of the vendors' host names left out: port 443 of 127.0.0.1 cannot be had"
                    );
                }
                servers::start(tools);
            }
        },
    }
    let trials = tests.into_iter().map(|(name, needs, run)| {
        let (missing, why) = match needs {
            Needs::Servers => (false, ""),
            Needs::Mounts => (!mounts, "needs mounts"),
            Needs::Hosts => (!mounts || !listens, "needs mounts and port 443"),
        };
        let missing = tools.is_none() || missing;
        let kind = if missing && why_not.is_empty() { why } else { why_not };
        let run = move || {
            run();
            Ok(())
        };
        Trial::test(name, run).with_kind(if missing { kind } else { "" }).with_ignored_flag(missing)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    servers::stop();
    conclusion.exit();
}

fn tests() -> Vec<Test> {
    let mut tests: Vec<Test> = Vec::new();
    let mut add =
        |name: &str, needs: Needs, run: Box<dyn FnOnce() + Send>| tests.push((name.to_owned(), needs, run));
    for (name, recording) in FORMS {
        for vendor in Vendor::ALL {
            let run = Box::new(move || whole::comes_home(vendor, &recording()));
            add(&format!("whole::{name}_from_{}", vendor.word()), Needs::Servers, run);
        }
    }
    for vendor in Vendor::ALL.into_iter().filter(|vendor| *vendor != Vendor::Seaweed) {
        let run = Box::new(move || whole::one_bit_is_not_called_whole(vendor));
        add(&format!("whole::one_bit_is_not_called_whole_from_{}", vendor.word()), Needs::Servers, run);
    }
    for vendor in Vendor::ALL {
        let run = Box::new(move || whole::a_large_film_comes_in_parts(vendor));
        add(&format!("whole::a_large_film_in_parts_from_{}", vendor.word()), Needs::Servers, run);
    }
    let of_each_server: [(&str, OfServer); 9] = [
        ("backup::fills_what_is_missing", backup::fills_what_is_missing),
        (
            "backup::what_nobody_has_is_named_and_fetched_later",
            backup::what_nobody_has_is_named_and_fetched_later,
        ),
        ("refusal::a_wrong_secret_is_denied", refusal::a_wrong_secret_is_denied),
        ("refusal::an_unknown_key_is_denied", refusal::an_unknown_key_is_denied),
        ("refusal::no_credentials_are_denied", refusal::no_credentials_are_denied),
        (
            "refusal::keys_come_from_the_variables_that_the_store_names",
            refusal::keys_come_from_the_variables_that_the_store_names,
        ),
        ("refusal::a_wrong_bucket_is_no_lost_recording", refusal::a_wrong_bucket_is_no_lost_recording),
        ("refusal::an_unknown_recording_is_not_found", refusal::an_unknown_recording_is_not_found),
        ("refusal::a_clock_that_is_wrong_is_named", refusal::a_clock_that_is_wrong_is_named),
    ];
    for (name, run) in of_each_server {
        for server in Server::BOTH {
            add(&format!("{name}_by_{}", server.word()), Needs::Servers, Box::new(move || run(server)));
        }
    }
    let alone: [(&str, Needs, Alone); 22] = [
        (
            "forms::what_ffmpeg_writes_is_whole_and_no_cut_of_it_is",
            Needs::Servers,
            forms::what_ffmpeg_writes_is_whole_and_no_cut_of_it_is,
        ),
        (
            "checking::the_playlist_of_what_is_left_plays",
            Needs::Servers,
            checking::the_playlist_of_what_is_left_plays,
        ),
        (
            "joining::each_size_decodes_from_its_own_file",
            Needs::Servers,
            joining::each_size_decodes_from_its_own_file,
        ),
        ("joining::an_overlap_is_not_played_twice", Needs::Servers, joining::an_overlap_is_not_played_twice),
        (
            "joining::kept_joined_is_what_joining_gives",
            Needs::Servers,
            joining::kept_joined_is_what_joining_gives,
        ),
        (
            "refusal::a_presigned_url_is_never_printed",
            Needs::Servers,
            refusal::a_presigned_url_is_never_printed,
        ),
        (
            "refusal::what_may_not_be_read_is_denied_even_when_joining",
            Needs::Servers,
            refusal::what_may_not_be_read_is_denied_even_when_joining,
        ),
        (
            "refusal::an_overloaded_store_may_be_tried_again_even_when_joining",
            Needs::Servers,
            refusal::an_overloaded_store_may_be_tried_again_even_when_joining,
        ),
        (
            "store::an_archived_slice_is_frozen_until_it_is_restored",
            Needs::Servers,
            store::an_archived_slice_is_frozen_until_it_is_restored,
        ),
        (
            "store::a_store_that_asks_for_patience_gets_it",
            Needs::Servers,
            store::a_store_that_asks_for_patience_gets_it,
        ),
        ("disk::an_output_folder_that_is_a_file", Needs::Servers, disk::an_output_folder_that_is_a_file),
        ("disk::an_output_folder_that_is_read_only", Needs::Mounts, disk::an_output_folder_that_is_read_only),
        (
            "disk::a_full_disk_is_foreseen_from_the_listing",
            Needs::Mounts,
            disk::a_full_disk_is_foreseen_from_the_listing,
        ),
        ("disk::a_full_disk_is_met_on_the_way", Needs::Mounts, disk::a_full_disk_is_met_on_the_way),
        ("disk::a_full_disk_at_the_destination", Needs::Mounts, disk::a_full_disk_at_the_destination),
        ("crash::killed_at_random_moments", Needs::Servers, crash::killed_at_random_moments),
        ("crash::stopped_by_sigint", Needs::Servers, || crash::stopped_by_a_signal(Signal::INT, 130)),
        ("crash::stopped_by_sigterm", Needs::Servers, || crash::stopped_by_a_signal(Signal::TERM, 143)),
        (
            "crash::a_second_run_on_the_same_folder_leaves",
            Needs::Servers,
            crash::a_second_run_on_the_same_folder_leaves,
        ),
        (
            "crash::a_byte_flipped_on_disk_is_found_unless_the_time_is_trusted",
            Needs::Servers,
            crash::a_byte_flipped_on_disk_is_found_unless_the_time_is_trusted,
        ),
        ("manners::nobody_reads_to_the_end", Needs::Servers, manners::nobody_reads_to_the_end),
        (
            "manners::colour_is_for_terminals_that_want_it",
            Needs::Servers,
            manners::colour_is_for_terminals_that_want_it,
        ),
    ];
    let of_names: [(&str, Alone); 9] = [
        ("hosts::amazons_partition_of_mainland_china", names::amazons_partition_of_mainland_china),
        ("hosts::amazons_partition_of_the_government", names::amazons_partition_of_the_government),
        ("hosts::qinius_s3_interface", names::qinius_s3_interface),
        ("hosts::qinius_own_interface_and_a_bound_domain", names::qinius_own_interface_and_a_bound_domain),
        ("hosts::aliyuns_networks_by_either_signature", names::aliyuns_networks_by_either_signature),
        ("hosts::a_domain_bound_to_a_bucket_at_aliyun", names::a_domain_bound_to_a_bucket_at_aliyun),
        ("hosts::aliyuns_s3_interface", names::aliyuns_s3_interface),
        (
            "hosts::the_table_of_regions_names_the_hosts_that_are_used",
            names::the_table_of_regions_names_the_hosts_that_are_used,
        ),
        (
            "hosts::another_region_or_authority_leads_nowhere",
            names::another_region_or_authority_leads_nowhere,
        ),
    ];
    for (name, run) in of_names {
        add(name, Needs::Hosts, Box::new(run));
    }
    for (name, needs, run) in alone {
        add(name, needs, Box::new(run));
    }
    let of_judges: [(&str, Alone); 3] = [
        ("qiniu::a_recording_at_kodo_comes_home", qiniu::a_recording_at_kodo_comes_home),
        ("judges::kodo_as_qinius_python_sdk_sees_it", judges::kodo_as_qinius_python_sdk_sees_it),
        ("judges::kodo_as_qinius_node_sdk_sees_it", judges::kodo_as_qinius_node_sdk_sees_it),
    ];
    for (name, run) in of_judges {
        add(name, Needs::Servers, Box::new(run));
    }
    add(
        "manners::json_is_all_there_is_on_stdout",
        Needs::Servers,
        Box::new(manners::json_is_all_there_is_on_stdout),
    );
    for vendor in [Vendor::Seaweed, Vendor::Oss, Vendor::Kodo] {
        let run = Box::new(move || mirror::is_brought(vendor));
        add(&format!("mirror::a_recording_is_brought_to_{}", vendor.word()), Needs::Servers, run);
    }
    let of_mirrors: [(&str, Alone); 2] = [
        ("mirror::objects_are_locked_where_the_bucket_can", mirror::objects_are_locked_where_the_bucket_can),
        ("mirror::archive_classes_reach_the_store", mirror::archive_classes_reach_the_store),
    ];
    for (name, run) in of_mirrors {
        add(name, Needs::Servers, Box::new(run));
    }
    let of_fleets: [(&str, Alone); 5] = [
        ("fleet::killed_workers_lose_and_double_nothing", fleet::killed_workers_lose_and_double_nothing),
        ("fleet::what_failed_is_submitted_again", fleet::what_failed_is_submitted_again),
        ("fleet::a_stopped_worker_hands_its_job_back", fleet::a_stopped_worker_hands_its_job_back),
        ("fleet::a_worker_that_wakes_up_writes_nothing", fleet::a_worker_that_wakes_up_writes_nothing),
        ("fleet::a_queue_that_is_gone_is_waited_for", fleet::a_queue_that_is_gone_is_waited_for),
    ];
    for (name, run) in of_fleets {
        add(name, Needs::Servers, Box::new(run));
    }
    for (name, judge) in oss::JUDGES {
        let run = Box::new(move || oss::is_judged(judge));
        add(&format!("oss::the_server_is_judged_by_{name}"), Needs::Servers, run);
    }
    tests
}
