//! What a program started, also what left its process group: a session of its own (`setsid`) does not save it.
//!
//! Two marks are followed: who is whose parent, as long as the program lives, and a variable of the environment, which
//! processes inherit. What sheds both cannot be found.

use std::sync::atomic::{AtomicU64, Ordering};

/// The variable that a program and all that it starts inherit.
pub(super) const VARIABLE: &str = "RETRODICT_CALL";

/// A value of the variable that no other call has.
pub(super) fn mark() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{next}", std::process::id())
}

/// How often it is looked again: what is about to die may have started something.
#[cfg(target_os = "linux")]
const ROUNDS: usize = 8;

/// Ends what `program` started and what carries its mark.
///
/// A program that ended well mostly left nothing: then only processes younger than itself are looked at.
#[cfg(target_os = "linux")]
pub(super) fn end(program: u32, mark: &str, ended: bool) {
    use rustix::process::{Pid, Signal, kill_process};
    let mut killed = Vec::new();
    for _ in 0..ROUNDS {
        let mut found = linux::marked(program, mark, ended);
        if !ended {
            found.extend(linux::descendants(program));
        }
        found.retain(|pid| !killed.contains(pid));
        if found.is_empty() {
            return;
        }
        for pid in found {
            if let Some(target) = Pid::from_raw(pid) {
                // It may have ended already.
                let _ = kill_process(target, Signal::KILL);
            }
            killed.push(pid);
        }
    }
}

/// Elsewhere the process group is all that is known.
#[cfg(not(target_os = "linux"))]
pub(super) fn end(_: u32, _: &str, _: bool) {}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;

    /// The processes of this machine.
    fn all() -> Vec<i32> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect()
    }

    /// Those that inherited the mark.
    pub(super) fn marked(program: u32, mark: &str, younger: bool) -> Vec<i32> {
        let entry = format!("{}={mark}", super::VARIABLE);
        let own = std::process::id();
        let carries = |pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|b| *b == 0)
                .any(|v| v == entry.as_bytes())
        };
        let all = all().into_iter();
        all.filter(|pid| pid.unsigned_abs() != own && (!younger || pid.unsigned_abs() > program))
            .filter(carries)
            .collect()
    }

    /// Those that came of it, however far down.
    pub(super) fn descendants(program: u32) -> Vec<i32> {
        let parents: Vec<(i32, u32)> = all()
            .into_iter()
            .filter_map(|pid| Some((pid, parent(pid)?)))
            .collect();
        let mut found: Vec<i32> = Vec::new();
        let mut next = vec![program];
        while let Some(parent) = next.pop() {
            for (pid, of) in &parents {
                if *of == parent && !found.contains(pid) {
                    found.push(*pid);
                    next.push(pid.unsigned_abs());
                }
            }
        }
        found
    }

    /// The fourth word of its state; the second is a name, which may hold blanks and brackets.
    fn parent(pid: i32) -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(')')?;
        rest.split_whitespace().nth(1)?.parse().ok()
    }
}
