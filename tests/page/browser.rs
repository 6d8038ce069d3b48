//! Chromium, driven by a script for Node.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use recfetch::documents::{CheckV1, page};
use serde_json::Value;

/// Where the browser and what drives it are.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    node: PathBuf,
    chromium: PathBuf,
    modules: PathBuf,
}

impl Browser {
    /// Finds them: programs on the path, packages for Node in `browser` beside the wheels.
    pub(crate) fn find(venv: &Path) -> Result<Self, String> {
        let modules = venv.with_file_name("browser").join("node_modules");
        for package in ["playwright-core", "axe-core"] {
            if !modules.join(package).is_dir() {
                return Err(format!("{package} is missing in {}", modules.display()));
            }
        }
        let node = on_path("node").ok_or("node is missing")?;
        let chromium = on_path("chromium").or_else(|| on_path("chromium-browser"));
        Ok(Self { node, chromium: chromium.ok_or("chromium is missing")?, modules })
    }

    /// Opens the page of a check, and says what a scenario of `page.mjs` saw.
    pub(crate) fn show(&self, scenario: &str, check: &CheckV1) -> Value {
        self.open(scenario, &page(check))
    }

    /// Opens a page.
    pub(crate) fn open(&self, scenario: &str, html: &str) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("check.html");
        std::fs::write(&file, html).unwrap();
        let output = Command::new(&self.node)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page/page.mjs"))
            .args([&self.chromium, &self.modules])
            .arg(scenario)
            .args([file.as_path(), &pictures()])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{scenario}: {}\n{said}", output.status);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{scenario}: {error}\n{said}"))
    }
}

/// Where pictures of the page go; they stay there to be looked at.
pub(crate) fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}
