//! The vendors' own host names on loopback: a mount namespace with a hosts file of its own for the program, a
//! web server with a certificate for those names in front of the servers. Nothing in the program is changed.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use recfetch_test_support::tls::Authority;

use crate::servers::{bounded_nginx, world};

/// The port that https means.
const HTTPS: u16 = 443;

/// Names that lead to servers.
pub(crate) struct Hosts {
    authority: Authority,
    dir: PathBuf,
    names: Vec<&'static str>,
}

/// A host name in full, since a hosts file knows no wildcards, and the URL of the server behind it.
pub(crate) type Route = (&'static str, String);

/// Whether this user may listen where https is, and whether nobody else does.
pub(crate) fn may_listen() -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, HTTPS)).is_ok()
}

static HOSTS: OnceLock<Hosts> = OnceLock::new();

impl Hosts {
    /// Starts the web server for these routes, once: all tests share it.
    pub(crate) fn start(routes: &[Route]) -> &'static Self {
        HOSTS.get_or_init(|| {
            let names: Vec<_> = routes.iter().map(|(name, _)| *name).collect();
            let dir = world().scratch.path().join("hosts");
            std::fs::create_dir_all(&dir).expect("a folder");
            let authority = Authority::new().expect("an authority");
            let (certificate, key) = authority.leaf(&names).expect("a certificate");
            std::fs::write(dir.join("leaf.pem"), certificate).expect("written");
            std::fs::write(dir.join("leaf.key"), key).expect("written");
            let lines: String = names.iter().fold(String::new(), |mut lines, name| {
                let _ = writeln!(lines, "127.0.0.1 {name}");
                lines
            });
            std::fs::write(dir.join("hosts"), format!("127.0.0.1 localhost\n{lines}")).expect("written");
            bounded_nginx("hosts", &servers(&dir, routes));
            let start = Instant::now();
            while TcpStream::connect((Ipv4Addr::LOCALHOST, HTTPS)).is_err() {
                assert!(start.elapsed() < Duration::from_secs(20), "nobody answers on port {HTTPS}");
                std::thread::sleep(Duration::from_millis(20));
            }
            Self { authority, dir, names }
        })
    }

    /// The authority's certificate, for `SSL_CERT_FILE`.
    pub(crate) fn authority(&self) -> String {
        self.authority.pem_path().display().to_string()
    }

    /// Whether this name leads to a server.
    pub(crate) fn leads(&self, name: &str) -> bool {
        self.names.contains(&name)
    }

    /// The start of a command line whose rest, `sh -c SCRIPT`, sees these names.
    pub(crate) fn wrapper(&self) -> Vec<String> {
        let hosts = self.dir.join("hosts");
        let script = format!("mount --bind '{}' /etc/hosts && exec \"$@\"", hosts.display());
        ["unshare", "-rm", "sh", "-c", &script, "sh"].map(str::to_owned).to_vec()
    }
}

fn servers(dir: &Path, routes: &[Route]) -> String {
    let tls = format!(
        "listen 127.0.0.1:{HTTPS} ssl; ssl_certificate {0}/leaf.pem; ssl_certificate_key {0}/leaf.key;",
        dir.display()
    );
    routes.iter().fold(String::new(), |mut text, (name, url)| {
        // The request goes on as it came: its path and its host are signed.
        let _ = writeln!(
            text,
            "  server {{ {tls} server_name {name}; location / {{ proxy_pass {url}; \
             proxy_set_header Host $http_host; proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }}"
        );
        text
    })
}
