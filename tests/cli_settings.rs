//! The program as it is called: help, regions, settings and what it says when they are wrong.

#![cfg(all(feature = "cli", feature = "s3"))]

use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

struct Home(TempDir);

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Home {
    fn new(config: &str) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let folder = home.path().join("config/recfetch");
        std::fs::create_dir_all(&folder).expect("a folder");
        if !config.is_empty() {
            std::fs::write(folder.join("config.toml"), config).expect("a file");
        }
        Self(home)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_recfetch"))
            .args(args)
            .env_clear()
            .env("HOME", self.path())
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .envs(variables.iter().copied())
            .current_dir(self.path())
            .output()
            .expect("the program starts");
        let home = self.path().display().to_string();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8").replace(&home, "~");
        Said {
            code: output.status.code().expect("an exit code"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

#[test]
fn help_has_the_commands_and_the_exit_codes_and_goes_to_stdout() {
    let said = Home::new("").run(&["--help"], &[]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    for part in [
        "fetch",
        "locate",
        "mirror",
        "verify",
        "repair",
        "join",
        "regions",
        "explain",
        "config",
        "completions",
        "man",
    ] {
        assert!(said.out.contains(&format!("\n  {part}")), "{}", said.out);
    }
    insta::assert_snapshot!(&said.out[said.out.find("Exit codes").expect("the table")..], @r"
    Exit codes:
        0  complete and verified
        1  internal error
        2  usage or settings
        3  incomplete: segments are missing
        4  corrupt: wrong bytes
        5  temporary: a rerun may help
        6  access denied
        7  recording or playlist not found
        8  archived objects need a restore
        9  local disk: full or not writable
      130  stopped by SIGINT (Ctrl-C)
      143  stopped by SIGTERM
    With several recordings, the code of the worst.
    ");
}

#[test]
fn wrong_usage_is_code_2_and_goes_to_stderr() {
    let home = Home::new("");
    for args in
        [&["fetch"][..], &["fetch", "sid", "--jobs", "0"], &["fetch", "sid", "--patience", "soon"], &[]]
    {
        let said = home.run(args, &[]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{args:?}");
        assert!(!said.err.is_empty());
    }
}

#[test]
fn regions_are_listed_whatever_the_settings_file_looks_like() {
    let home = Home::new("this is no toml");
    let said = home.run(&["regions", "aws"], &[]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let row =
        |code: &str| said.out.lines().find(|line| line.starts_with(code)).unwrap_or_default().to_owned();
    assert!(row("4 ").contains("EU_WEST_1") && row("4 ").contains("eu-west-1"), "{}", said.out);
    assert!(row("17 ").contains("dropped") && row("26 ").contains("unconfirmed"), "{}", said.out);
    let json = home.run(&["regions", "1", "--json"], &[]);
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(json["vendors"][0]["regions"][15]["s3_endpoint"], "https://s3.cn-north-1.amazonaws.com.cn");
    let said = home.run(&["regions", "qinu"], &[]);
    assert_eq!(said.code, 2);
    insta::assert_snapshot!(said.err, @r"
    error: `qinu` is no storage vendor of Agora

    hint: did you mean `qiniu`?
    ");
}

#[test]
fn config_show_says_where_everything_came_from_and_no_secret() {
    let home = Home::new(
        "[defaults]\njobs = 4\n\n[store.prod]\nvendor = \"aws\"\nregion = 4\nbucket = \"lessons\"\n\
         access_key_env = \"PROD_KEY\"\nsecret_key_env = \"PROD_SECRET\"\n",
    );
    let variables = [("PROD_SECRET", "hunter2"), ("RECFETCH_RETRIES", "3")];
    let said = home.run(&["config", "show", "--out", "bags"], &variables);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!(said.out, @r"
    settings file  ~/config/recfetch/config.toml

    store             prod                  default
    out               bags                  flag --out
    jobs              4                     ~/config/recfetch/config.toml:2
    limit_rate        none                  default
    retries           3                     env RECFETCH_RETRIES
    patience          5m                    default
    connect_timeout   10s                   default
    stall_timeout     30s                   default
    trust_mtime       false                 default
    proxy             system                default
    progress          auto                  default

    [store.prod]
    vendor              aws                             ~/config/recfetch/config.toml:5
    region              4                               ~/config/recfetch/config.toml:6
    bucket              lessons                         ~/config/recfetch/config.toml:7
    access_key_env      PROD_KEY (not set)              ~/config/recfetch/config.toml:8
    secret_key_env      PROD_SECRET (set)               ~/config/recfetch/config.toml:9
    problem             store prod: `access_key_env` cannot be `PROD_KEY` (~/config/recfetch/config.toml:8): this environment variable is not set
    ");
    let json = home.run(&["config", "show", "--json"], &variables);
    assert!(!json.out.contains("hunter2"));
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(json["settings"]["retries"]["value"], "3");
}

#[test]
fn a_typo_in_the_settings_file_is_named() {
    let home = Home::new("[store.prod]\nvendor = \"aws\"\nbuckt = \"x\"\n");
    let said = home.run(&["config", "show"], &[]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    insta::assert_snapshot!(said.err, @r"
    error: ~/config/recfetch/config.toml line 3: unknown key `buckt` in [store.prod]

    hint: did you mean `bucket`?
    ");
    let said = home.run(&["config", "show", "--config", "none.toml"], &[]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.starts_with("error: could not read the settings file `none.toml`\n  caused by: "),
        "{}",
        said.err
    );
    let as_json = home.run(&["config", "show", "--progress", "json"], &[]);
    let event: serde_json::Value = serde_json::from_str(&as_json.err).expect("one line of JSON");
    assert_eq!((event["event"].as_str(), event["exit_code"].as_u64()), (Some("failed"), Some(2)));
}

#[test]
fn repair_names_what_is_no_bag_and_reads_every_byte_of_mirrors_only() {
    let home = Home::new("");
    let said = home.run(&["repair", "."], &[]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("is not a bag"), "{}", said.err);
    let said = home.run(&["repair", "--deep", "."], &[]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--store"), "{}", said.err);
}

#[test]
fn verify_names_what_is_no_bag() {
    let home = Home::new("");
    let said = home.run(&["verify", "."], &[]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    insta::assert_snapshot!(said.err, @r"
    error: `.` is not a bag

    hint: name the folder of one recording, the one that holds bagit.txt and manifest-sha256.txt
    ");
}

#[test]
fn completions_and_man_page_know_the_commands() {
    let home = Home::new("");
    for shell in ["bash", "zsh", "fish"] {
        let said = home.run(&["completions", shell], &[]);
        assert_eq!(said.code, 0);
        assert!(said.out.contains("allow-gaps"), "{shell}");
    }
    let said = home.run(&["man"], &[]);
    assert!(said.out.contains(".TH recfetch 1") && said.out.contains("EXIT STATUS"));
}
