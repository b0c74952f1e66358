//! The report in a browser. Without one this test says so and is skipped, unless
//! `DICE_LOSS_REQUIRE_ALL` is set, as CI does, which installs one.

use std::{
    env, fs,
    io::{Write, stderr},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--v=0",
    "--dump-dom",
];

fn browser() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    BROWSERS
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

/// Says so past the harness, which shows nothing of a test that passes.
fn skip(reason: &str) {
    assert!(env::var_os("DICE_LOSS_REQUIRE_ALL").is_none(), "DICE_LOSS_REQUIRE_ALL: {reason}");
    // Best effort: a test does not fail for want of a place to write.
    let _ = writeln!(stderr(), "SKIPPED the report in a browser: {reason}");
}

/// What the page became, and what it said on its console.
fn load(browser: &Path, page: &Path) -> (String, Vec<String>) {
    let profile = TempDir::new().unwrap();
    let output = Command::new(browser)
        .args(FLAGS)
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    let console = log.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    (String::from_utf8_lossy(&output.stdout).into_owned(), console)
}

#[test]
fn the_report_loads_without_console_messages() {
    let Some(browser) = browser() else {
        return skip(&format!("found no browser, wanted one of {BROWSERS:?} on the PATH"));
    };
    let folder = TempDir::new().unwrap();
    let faulty = folder.path().join("faulty.html");
    fs::write(&faulty, "<script>document.nothing.at.all</script>").unwrap();
    assert!(
        !load(&browser, &faulty).1.is_empty(),
        "the browser does not tell console messages, so this test is blind"
    );

    let arguments = [
        "compare",
        "--quick",
        "--iterations",
        "2",
        "--batch-size",
        "2",
        "--losses",
        "dice,focal",
        "--out",
    ];
    let program = env!("CARGO_BIN_EXE_dice-loss");
    assert!(
        Command::new(program).args(arguments).arg(folder.path()).output().unwrap().status.success()
    );
    let (dom, console) = load(&browser, &folder.path().join("report.html"));
    assert_eq!(console, Vec::<String>::new());
    assert!(
        dom.contains("Which loss for this data?")
            && dom.contains("</svg>")
            && dom.ends_with("</html>\n")
    );
}
