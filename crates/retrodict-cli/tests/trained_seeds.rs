//! Trainings with several seeds, with expectations, with methods that fail and with those that have not ended.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use crate::binary::{fail, run, succeed};
use serde_json::Value;

/// A logarithm, learned by two methods in a moment.
fn plan(expect: &str) -> String {
    format!(
        r#"
            title = "Toy"
            sentence = "A toy."
            simulator = {{ name = "exp", size = 1 }}
            network = {{ name = "mlp", hidden = [4] }}
            stop = {{ epochs = 3 }}
            data = {{ draw = {{ kind = "uniform", low = -1.0, high = 1.0 }}, train = 32, test = 8 }}
            [[method]]
            name = "hig"
            strategy = "end-to-end"
            rule = {{ name = "half-inverse", learning_rate = 1.0 }}
            batch = 8
            {expect}
            [[method]]
            name = "adam"
            strategy = "end-to-end"
            rule = {{ name = "adam", learning_rate = 1e-4 }}
            batch = 8
        "#
    )
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn seeds_are_told_by_their_quartiles_and_a_winner_by_a_sign_test() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("plan.toml"), plan("")).unwrap();
    let printed = succeed(f, "train plan.toml --seeds 6 --out run");
    assert!(printed.starts_with("finished: hig is best"), "{printed}");
    let one_line = printed.replace('\n', " ");
    assert!(
        one_line.contains("on 6 of 6 seeds (sign test, p = 0.031)"),
        "{printed}"
    );
    // The numbers of methods.csv, once more from the outcomes.
    let outcomes = json(&f.join("run/summary.json"));
    let all = outcomes.as_array().unwrap().iter();
    let own = all.filter(|o| o["method"] == "hig");
    let mut losses: Vec<f64> = own.map(|o| o["loss"].as_f64().unwrap()).collect();
    losses.sort_by(f64::total_cmp);
    assert_eq!(losses.len(), 6);
    let csv = fs::read_to_string(f.join("run/methods.csv")).unwrap();
    let line = csv.lines().find(|l| l.starts_with("hig,test_loss,6,"));
    let numbers: Vec<f64> = line
        .unwrap()
        .split(',')
        .skip(3)
        .map(|v| v.parse().unwrap())
        .collect();
    let median = 0.5 * (losses[2] + losses[3]);
    assert!((numbers[0] - median).abs() <= 1e-12 * median, "{csv}");
    assert_eq!(&numbers[3..], [losses[0], losses[5]], "{csv}");
    assert!(
        csv.contains("hig,x_half_square,6,") && csv.contains("adam,at_equal_time,6,"),
        "{csv}"
    );
    let told = json(&f.join("run/methods.json"));
    assert_eq!(told[0]["judged"]["worst"].as_f64().unwrap(), losses[5]);

    let printed = succeed(f, "train plan.toml --out once");
    assert!(printed.contains("with one seed"), "{printed}");
}

#[test]
fn expectations_are_checked_and_the_exit_code_says_the_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    let with = |expect: &str| fs::write(f.join("plan.toml"), plan(expect)).unwrap();
    with(
        "expect = [{ epoch = 1, test_below = 10.0 }, { epoch = 3, test_below = 1.0, x_below = 1.0 }]",
    );
    let printed = succeed(f, "train plan.toml --check --seeds 2 --out met");
    assert!(
        printed.contains("met      hig, epoch 3: test loss at most 1.000 and ½‖x−x*‖² at most 1.000 (2 of 2 seeds)"),
        "{printed}"
    );
    // What is not expected of all may fail on some: a limit between the losses of the seeds.
    let csv = fs::read_to_string(f.join("met/epochs.csv")).unwrap();
    let loss = |seed: &str| -> f64 {
        let start = format!("hig,{seed},3,");
        let line = csv.lines().find(|l| l.starts_with(&start)).unwrap();
        line.split(',').nth(7).unwrap().parse().unwrap()
    };
    let limit = (loss("0") * loss("1")).sqrt();
    for (share, code) in [("", 1), (", share = 0.5", 0)] {
        with(&format!(
            "expect = [{{ epoch = 3, test_below = {limit:e}{share} }}]"
        ));
        let words = format!("train plan.toml --check --seeds 2 --out limit{code}");
        let output = run(f, &words);
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{printed}");
        let told = if code == 0 {
            "(1 of 2 seeds, 1 needed); found"
        } else {
            "(1 of 2 seeds); found"
        };
        assert!(printed.contains(told), "{printed}");
        assert_eq!(printed.contains("NOT MET"), code == 1, "{printed}");
        assert_eq!(
            json(&f.join(format!("limit{code}/check.json")))[0]["met"],
            1
        );
        // The rest of the training is not lost.
        assert!(f.join(format!("limit{code}/report.html")).exists());
    }
    // What is not reached is not met; nor is another end than the one that is expected.
    with("expect = [{ epoch = 9, test_above = 0.0 }, { epoch = 3, status = \"diverged\" }]");
    let output = run(f, "train plan.toml --check --out short");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        printed.matches("found step-limit after 3 epochs").count(),
        2,
        "{printed}"
    );

    with("");
    let message = fail(f, "train plan.toml --check --out none", 2);
    assert!(message.contains("says what to expect"), "{message}");
    with("expect = [{ epoch = 1, test_below = 1.0, share = 1.5 }]");
    let message = fail(f, "train plan.toml --out none", 2);
    assert!(
        message.contains("share") && message.contains("at most 1"),
        "{message}"
    );
    assert!(!f.join("none").join("plan.toml").exists());
}

#[cfg(unix)]
#[test]
fn a_method_that_fails_leaves_the_others_their_report_and_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    let text = |broken: &str| {
        format!(
            r#"
            title = "Failing"
            sentence = "A program that fails."
            simulator = {{ name = "program", command = "cp {{input}} {{output}}", format = "json", inputs = 1, outputs = 1 }}
            network = {{ name = "mlp", hidden = [2] }}
            stop = {{ epochs = 1 }}
            data = {{ draw = {{ kind = "targets", low = -1.0, high = 1.0 }}, train = 4, test = 2 }}
            [[method]]
            name = "broken"
            strategy = "end-to-end"
            rule = "adam"
            batch = 4
            simulator = {{ command = "{broken}" }}
            [[method]]
            name = "whole"
            strategy = "end-to-end"
            rule = "adam"
            batch = 4
        "#
        )
    };
    fs::write(
        f.join("plan.toml"),
        text("sh -c 'echo no licence >&2; exit 1' {input} {output}"),
    )
    .unwrap();
    let output = run(f, "train plan.toml --out run");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(
        errors.contains("1 of 2 runs failed")
            && errors.contains("broken: ")
            && errors.contains("no licence"),
        "{errors}"
    );
    assert!(printed.contains("broken failed: whole has"), "{printed}");
    let page = fs::read_to_string(f.join("run/report.html")).unwrap();
    assert!(page.contains("Finished, broken failed: whole has"));
    assert!(page.contains("no licence"), "the failure is in the report");
    assert_eq!(
        json(&f.join("run/summary.json")).as_array().unwrap().len(),
        1
    );
    // Once the program works, the method is taken up.
    let kept = fs::read_to_string(f.join("run/plan.toml")).unwrap();
    let start = kept.find("command = \"sh -c").unwrap();
    let end = start + kept[start..].find('\n').unwrap();
    let mended = format!(
        "{}command = \"cp {{input}} {{output}}\"{}",
        &kept[..start],
        &kept[end..]
    );
    fs::write(f.join("run/plan.toml"), mended).unwrap();
    let printed = succeed(f, "resume run");
    assert!(printed.starts_with("finished: "), "{printed}");
    assert_eq!(
        json(&f.join("run/summary.json")).as_array().unwrap().len(),
        2
    );
}

#[test]
fn a_training_that_has_not_ended_has_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("plan.toml"), plan("")).unwrap();
    succeed(f, "train plan.toml --seeds 2 --out run");
    // As a kill leaves it: nothing of the second method, and of the first only a checkpoint that goes on.
    for name in [
        "summary.json",
        "epochs.csv",
        "fields.npz",
        "report.html",
        "adam-0.checkpoint",
        "adam-1.checkpoint",
    ] {
        fs::remove_file(f.join("run").join(name)).unwrap();
    }
    succeed(f, "report run");
    let page = fs::read_to_string(f.join("run/report.html")).unwrap();
    assert!(page.contains("Not finished, 2 of 4 runs are done: hig has a median test loss"));
    assert!(page.contains("adam · seed 1 is not finished: no epoch is done"));
    succeed(f, "resume run");
    let page = fs::read_to_string(f.join("run/report.html")).unwrap();
    assert!(page.contains("Finished: hig "));
    // A training that failed at once leaves a page too.
    fs::create_dir(f.join("bare")).unwrap();
    for name in ["plan.toml", "manifest.json"] {
        fs::copy(f.join("run").join(name), f.join("bare").join(name)).unwrap();
    }
    succeed(f, "report bare");
    let page = fs::read_to_string(f.join("bare/report.html")).unwrap();
    assert!(page.contains("Not finished, 0 of 4 runs are done: no method has a finite loss"));
}

/// The events of a file, each as its bytes; the checksums are TensorBoard's to look at.
fn records(path: &Path) -> Vec<Vec<u8>> {
    let all = fs::read(path).unwrap();
    let (mut rest, mut found) = (&all[..], Vec::new());
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        found.push(rest[12..12 + length].to_vec());
        rest = &rest[16 + length..];
    }
    found
}

#[test]
fn event_files_hold_what_epochs_csv_does() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    fs::write(f.join("plan.toml"), plan("")).unwrap();
    succeed(
        f,
        "train plan.toml --seeds 2 --compare hig --tensorboard --out run",
    );
    for seed in 0..2 {
        let path = format!("run/tensorboard/hig-{seed}/events.out.tfevents.0.retrodict");
        let events = records(&f.join(path));
        // The version, the start and three epochs.
        assert_eq!(events.len(), 1 + 4);
        let csv = fs::read_to_string(f.join("run/epochs.csv")).unwrap();
        let start = format!("hig,{seed},3,");
        let line = csv.lines().find(|l| l.starts_with(&start)).unwrap();
        let loss: f64 = line.split(',').nth(7).unwrap().parse().unwrap();
        let last = &events[4];
        let tag = last.windows(9).position(|w| w == b"loss/test").unwrap();
        // Behind the tag: the key of a float, and the float.
        assert_eq!(last[tag + 9], 0x15);
        let value = f32::from_le_bytes(last[tag + 10..tag + 14].try_into().unwrap());
        assert_eq!(value, loss as f32);
    }
    assert!(!f.join("run/tensorboard/adam-0").exists());
}
