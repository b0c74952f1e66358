//! The program as a user runs it.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use burn::{module::Module, tensor::Device};
use dice_loss_cli::{
    inspect::Inspection,
    record::{Comparison, Run},
    train::UNetConfig,
};
use tempfile::TempDir;

fn program(arguments: &[&str], out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dice-loss"));
    command.arg("compare").args(arguments).arg("--out").arg(out);
    command
}

fn run(arguments: &[&str], out: &Path) -> Output {
    program(arguments, out).output().unwrap()
}

fn results(out: &Path) -> Comparison {
    serde_json::from_slice(&fs::read(out.join("results.json")).unwrap()).unwrap()
}

/// Two losses for a moment.
const BRIEF: [&str; 7] =
    ["--quick", "--losses", "dice,cross_entropy", "--iterations", "3", "--batch-size", "2"];

#[test]
fn a_report_is_complete() {
    let folder = TempDir::new().unwrap();
    let output = run(&BRIEF, folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let terminal = String::from_utf8(output.stdout).unwrap();
    for text in [
        "Dice on 8 validation slices",
        "IoU on 8",
        "cervical",
        "one person",
        "not clinical",
        "report.html",
    ] {
        assert!(terminal.contains(text), "no `{text}` in {terminal}");
    }

    let comparison = results(folder.path());
    assert_eq!(
        comparison.runs.iter().map(|run| run.loss.name.as_str()).collect::<Vec<_>>(),
        ["dice", "cross_entropy"]
    );
    for run in &comparison.runs {
        assert_eq!((run.iterations, run.training.len(), run.classes.len()), (3, 3, 8));
        assert!(run.rare.is_some());
    }

    let mut csv = csv::Reader::from_path(folder.path().join("results.csv")).unwrap();
    let lines: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    assert_eq!(lines.len(), 2 * (8 + 2), "classes and two means of two losses");
    let config = UNetConfig { inputs: 1, outputs: 8, width: 8, depth: 3 };
    for name in ["dice", "cross_entropy"] {
        let weights = folder.path().join(format!("weights/{name}.bpk"));
        config.init(&Device::flex()).try_load_file(weights).unwrap();
    }
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert_eq!(page.matches("data:image/png;base64,").count(), 4 * (2 + 2 * 2), "four slices");
}

#[test]
fn the_list_names_every_loss_with_its_formula() {
    let output = Command::new(env!("CARGO_BIN_EXE_dice-loss")).arg("list").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for name in dice_loss_cli::losses::names() {
        assert!(text.contains(name), "no {name} in {text}");
    }
    assert!(text.contains("2Σpg / (Σp + Σg)"));
}

#[test]
fn the_seed_makes_it_reproducible() {
    let timeless = |seed: &str| {
        let folder = TempDir::new().unwrap();
        assert!(run(&[&BRIEF[..], &["--seed", seed]].concat(), folder.path()).status.success());
        let runs = results(folder.path()).runs;
        runs.into_iter()
            .map(|run| Run { milliseconds_per_iteration: 0.0, ..run })
            .collect::<Vec<_>>()
    };
    let once = timeless("7");
    assert_eq!(once, timeless("7"));
    assert_ne!(once, timeless("8"));
}

#[test]
fn ctrl_c_ends_with_what_there_is() {
    let folder = TempDir::new().unwrap();
    let mut child = program(&["--quick", "--iterations", "100000"], folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut first_line = String::new();
    stderr.read_line(&mut first_line).unwrap();
    assert!(first_line.contains("8 losses"), "{first_line}");
    assert!(
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success()
    );
    std::io::copy(&mut stderr, &mut std::io::sink()).unwrap();
    assert!(child.wait().unwrap().success());
    let comparison = results(folder.path());
    assert!(comparison.interrupted);
    assert_eq!(comparison.runs.len(), 1);
    assert!(
        fs::read_to_string(folder.path().join("report.html")).unwrap().contains("was interrupted")
    );
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let folder = TempDir::new().unwrap();
    let mut child = program(&BRIEF, folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    assert!(folder.path().join("report.html").exists());
}

#[test]
fn options_and_seeds_are_in_the_report_and_old_weights_are_not() {
    let folder = TempDir::new().unwrap();
    assert!(run(&BRIEF, folder.path()).status.success());
    let losses = "dice,dice:background=false,pool=batch";
    let options = ["--quick", "--iterations", "2", "--batch-size", "2", "--seeds", "2", "--losses"];
    let output = run(&[&options[..], &[losses]].concat(), folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let runs = results(folder.path()).runs;
    let said: Vec<_> = runs.iter().map(|run| (run.loss.options.as_str(), run.seed)).collect();
    let with = "background=false, pool=batch";
    assert_eq!(said, [("", 0), (with, 0), ("", 1), (with, 1)]);
    assert_ne!(runs[0].training, runs[1].training, "the options change the loss");
    let weights: BTreeSet<String> = fs::read_dir(folder.path().join("weights"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let of = |name: &str| format!("dice{name}.bpk");
    let both = "-background=false-pool=batch";
    let wanted = ["-seed=0", "-seed=1", &format!("{both}-seed=0"), &format!("{both}-seed=1")];
    assert_eq!(weights, wanted.map(of).into());
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("background=false, pool=batch"));
}

#[test]
fn void_labels_are_left_out_as_asked_for() {
    let folder = TempDir::new().unwrap();
    let (images, masks) = (folder.path().join("images"), folder.path().join("masks"));
    fs::create_dir(&images).unwrap();
    fs::create_dir(&masks).unwrap();
    for i in 0..4u32 {
        let grey = |value: &dyn Fn(u32) -> u8| {
            image::GrayImage::from_fn(48, 40, |x, _| image::Luma([value(x)]))
        };
        grey(&|x| if x < 20 + i { 40 } else { 170 }).save(images.join(format!("{i}.jpg"))).unwrap();
        let mask = grey(&|x| if x > 44 { 255 } else { u8::from(x >= 20 + i) });
        mask.save(masks.join(format!("{i}_mask.png"))).unwrap();
    }
    let (images, masks) = (images.to_str().unwrap(), masks.to_str().unwrap());
    let own =
        ["--images", images, "--masks", masks, "--quick", "--iterations", "2", "--losses", "dice"];
    let out = folder.path().join("out");
    let output = run(&own, &out);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("--ignore-index 255"), "{said}");
    assert_eq!(results(&out).data.classes.len(), 3);
    let output = run(&[&own[..], &["--ignore-index", "255"]].concat(), &out);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let data = results(&out).data;
    assert_eq!(data.classes.len(), 2);
    let counted: u64 = data.classes.iter().map(|class| class.voxels).sum();
    assert_eq!(counted, 4 * 40 * 45);
}

#[test]
fn a_time_limit_cuts_iterations() {
    let folder = TempDir::new().unwrap();
    let options = ["--quick", "--iterations", "100000", "--minutes", "0.1", "--losses", "dice"];
    assert!(run(&options, folder.path()).status.success());
    let comparison = results(folder.path());
    assert_eq!(comparison.settings.minutes, Some(0.1));
    assert!(comparison.settings.iterations < 100_000);
    let said = |note: &String| note.ends_with("iterations instead of 100000 fit into 0.1 min");
    assert!(comparison.data.notes.iter().any(said), "{:?}", comparison.data.notes);
    assert_eq!(comparison.runs.len(), 1);
}

#[test]
fn own_binary_pictures_of_any_size() {
    let folder = TempDir::new().unwrap();
    let (images, masks) = (folder.path().join("images"), folder.path().join("masks"));
    fs::create_dir(&images).unwrap();
    fs::create_dir(&masks).unwrap();
    for i in 0..5u32 {
        let (width, height) = (50 + 13 * i, 71 - 3 * i);
        let inside = |x: u32, y: u32| x.abs_diff(20 + i) + y.abs_diff(30) < 9;
        let picture = |low, high| {
            image::GrayImage::from_fn(width, height, |x, y| {
                image::Luma([if inside(x, y) { high } else { low }])
            })
        };
        picture(40, 170).save(images.join(format!("{i}.png"))).unwrap();
        picture(0, 255).save(masks.join(format!("{i}.tif"))).unwrap();
    }
    let (images, masks) = (images.to_str().unwrap(), masks.to_str().unwrap());
    let own =
        ["--images", images, "--masks", masks, "--quick", "--iterations", "2", "--losses", "dice"];
    let out = folder.path().join("out");
    let output = run(&own, &out);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let comparison = results(&out);
    assert_eq!(comparison.data.split.validation.len(), 1);
    let names: BTreeSet<&str> =
        comparison.data.classes.iter().map(|class| class.name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["background", "foreground"]));
}

#[test]
fn status_and_message_say_what_is_wrong() {
    let folder = TempDir::new().unwrap();
    let usage = run(&["--losses", "no_such_loss"], folder.path());
    assert_eq!(usage.status.code(), Some(2));

    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let empty = empty.to_str().unwrap();
    let data = run(&["--images", empty, "--masks", empty], folder.path());
    assert_eq!(data.status.code(), Some(1));
    let message = String::from_utf8(data.stderr).unwrap();
    assert!(
        message.starts_with("error: 2 faults in the data") && message.contains(empty),
        "{message}"
    );

    let twice = run(&["--losses", "dice,dice"], folder.path());
    assert_eq!(twice.status.code(), Some(1));
    assert!(String::from_utf8(twice.stderr).unwrap().contains("the same loss"));

    let unfit = run(&["--losses", "binary_cross_entropy"], folder.path());
    assert_eq!(unfit.status.code(), Some(1));
    assert!(!folder.path().join("results.json").exists());
}

/// What `dice-loss inspect` says of some files: its status, its output and its errors.
fn inspect(arguments: &[&str]) -> (Option<i32>, String, String) {
    let program = env!("CARGO_BIN_EXE_dice-loss");
    let output = Command::new(program).arg("inspect").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_mask_is_inspected_as_table_json_and_picture() {
    let folder = TempDir::new().unwrap();
    let mask = concat!(env!("CARGO_MANIFEST_DIR"), "/data/chest-ct-labels.nii.gz");
    let picture = folder.path().join("ct.png");
    let (status, text, errors) = inspect(&[mask, "--picture", picture.to_str().unwrap()]);
    assert_eq!(status, Some(0), "{errors}");
    let first = text.lines().next().unwrap();
    assert!(first.contains("34 × 128 × 128 voxels (slices, rows, columns), 10 × 3.047"), "{first}");
    // The counts that the data's own README has.
    for voxels in ["318643", "8487", "1216", "2712", "3259", "34450", "33700", "154589"] {
        assert!(text.contains(&format!(" {voxels} ")), "no {voxels} in {text}");
    }
    let drawn = image::open(&picture).unwrap();
    assert!(drawn.width() > 3 * 500 && drawn.height() > 500, "three panels");

    let (status, json, _) = inspect(&[mask, "--json", "--components"]);
    let found: Vec<Inspection> = serde_json::from_str(&json).unwrap();
    assert_eq!((status, found.len()), (Some(0), 1));
    let spine = &found[0].classes[1];
    assert_eq!((spine.label, spine.part.voxels, spine.components), (2, 1216, 1));
    assert_eq!(spine.bounds, [[26, 34], [33, 69], [50, 72]]);
    let of_ribs = found[0].classes[0].each_component.as_ref().unwrap();
    assert_eq!(of_ribs.iter().map(|one| one.voxels as u64).sum::<u64>(), 8487);
}

#[test]
fn masks_that_cannot_be_inspected_are_named_and_the_others_shown() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let grey = |x: u32| image::Luma([u8::from(x > 3)]);
    let mask = image::GrayImage::from_fn(8, 6, |x, _| grey(x));
    mask.save(path("good.png")).unwrap();
    mask.save(path("lossy.jpg")).unwrap();
    fs::write(path("mask.npy"), "numbers").unwrap();
    let (good, lossy, other) = (path("good.png"), path("lossy.jpg"), path("mask.npy"));
    let (status, text, errors) = inspect(&[&lossy, &good, &other]);
    assert_eq!(status, Some(1));
    assert!(text.contains("6 × 8 voxels (rows, columns)") && text.contains("50.00 %"), "{text}");
    assert!(errors.starts_with("error: 2 faults in the data"), "{errors}");
    assert!(errors.contains("lossy.jpg: found a mask as JPEG"), "{errors}");
    assert!(errors.contains("mask.npy: found a name of no format that is read"), "{errors}");

    let (status, text, errors) = inspect(&[&good, "--spacing", "3,2,1"]);
    assert_eq!((status, text.as_str()), (Some(1), ""));
    assert!(errors.contains("good.png: found 3 in --spacing, wanted 2"), "{errors}");
    let (status, _, errors) = inspect(&[&good, "--connectivity", "26"]);
    assert_eq!(status, Some(1));
    assert!(errors.contains("connectivity: found 26, wanted 4 or 8 in 2-D"), "{errors}");
    let (status, _, errors) = inspect(&[&good, &good, "--picture", &path("both.png")]);
    assert_eq!(status, Some(1));
    assert!(errors.contains("found 2 masks beside --picture, wanted one"), "{errors}");
    assert!(!Path::new(&path("both.png")).exists());
    let (status, _, errors) = inspect(&[]);
    assert_eq!(status, Some(2));
    assert!(errors.contains("<MASK>"), "{errors}");
}
