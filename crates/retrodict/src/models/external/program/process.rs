//! One run of a command, with a time limit, in a process group of its own.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::plain::plain;
use crate::interrupt;

mod started;

/// How much of what a program printed is looked at, from its end.
pub(super) const TAIL: usize = 4096;

/// How many of its last lines stand in a message.
const LINES: usize = 5;

/// The programs that run now, which lead process groups, with their marks.
static RUNNING: Mutex<BTreeMap<u32, String>> = Mutex::new(BTreeMap::new());

/// Ends every program that runs now, with all that it started.
///
/// Programs run in process groups of their own, so that Ctrl-C on a terminal does not reach them; call
/// this before the process exits early.
pub fn end_programs() {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    for (program, mark) in running.iter() {
        started::end(*program, mark, false);
        kill(*program);
    }
}

/// Starts a command with these streams, in a process group of its own.
pub(super) fn start(command: &[String], streams: [Stdio; 3]) -> Result<Running, String> {
    let (name, arguments) = command.split_first().ok_or("there is no command")?;
    let [input, output, errors] = streams;
    let mut command = Command::new(name);
    command
        .args(arguments)
        .stdin(input)
        .stdout(output)
        .stderr(errors);
    own_group(&mut command);
    Running::start(command).map_err(|e| match e.kind() {
        ErrorKind::NotFound => format!("'{name}' was not found: check its name and the PATH"),
        ErrorKind::PermissionDenied => {
            format!("'{name}' is not executable: run chmod +x on it")
        }
        _ => format!("'{name}' could not be started: {e}"),
    })
}

/// Runs a command to its end; what it prints goes to the file `log`.
pub(super) fn run(command: &[String], log: &Path, timeout: Duration) -> Result<(), String> {
    // Kept open and read by this handle: a program may put something else in its place.
    let printed = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(log)
        .map_err(|e| format!("{} could not be written: {e}", log.display()))?;
    let again = || printed.try_clone().map_err(|e| e.to_string());
    let (out, err) = (again()?, again()?);
    let mut running = start(command, [Stdio::null(), out.into(), err.into()])?;
    let last = || last_lines(&tail(&printed).unwrap_or_default());
    match running.wait(timeout) {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => Err(format!("it ended with {}; {}", ending(status), last())),
        Ok(None) => Err(format!(
            "it did not finish within {} s and was stopped; raise timeout to allow more, or check whether it \
             hangs; {}",
            timeout.as_secs_f64(),
            last()
        )),
        Err(e) => Err(format!("it could not be waited for: {e}")),
    }
}

/// A program that runs; when this is dropped, nothing of it is left.
pub(super) struct Running {
    pub(super) child: Child,
    mark: String,
    ended: bool,
}

impl Running {
    fn start(mut command: Command) -> std::io::Result<Self> {
        // Held over the start, so that none is missed by `end_programs`.
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = started::mark();
        let child = command.env(started::VARIABLE, &mark).spawn()?;
        running.insert(child.id(), mark.clone());
        Ok(Self {
            child,
            mark,
            ended: false,
        })
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> std::io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        self.ended |= status.is_some();
        Ok(status)
    }

    /// Waits until it ends, its time is over or the work is interrupted, ever less often: short programs are not kept waiting, long ones cost nothing.
    pub(super) fn wait(&mut self, timeout: Duration) -> std::io::Result<Option<ExitStatus>> {
        let start = Instant::now();
        let mut pause = Duration::from_micros(100);
        loop {
            if let Some(status) = self.ended()? {
                return Ok(Some(status));
            }
            let left = timeout.checked_sub(start.elapsed());
            let (Some(left), Ok(())) = (left, interrupt::check()) else {
                return Ok(None);
            };
            std::thread::sleep(pause.min(left));
            pause = (pause * 5 / 4).min(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What the program left running ends with it.
        let program = self.child.id();
        started::end(program, &self.mark, self.ended);
        kill(program);
        let _ = self.child.kill();
        let _ = self.child.wait();
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&program);
    }
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(unix)]
fn kill(group: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = i32::try_from(group).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // The group may have ended already.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}

#[cfg(not(unix))]
fn kill(_: u32) {}

/// How a program ended, in words.
#[cfg(unix)]
pub(super) fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(not(unix))]
pub(super) fn ending(status: ExitStatus) -> String {
    status.to_string()
}

/// What a program printed last, from the end of it.
pub(super) fn last_lines(end: &[u8]) -> String {
    let text = String::from_utf8_lossy(end);
    let lines: Vec<String> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(plain)
        .collect();
    match &lines[lines.len().saturating_sub(LINES)..] {
        [] => "it printed nothing".to_owned(),
        last => format!("its last output was:\n  {}", last.join("\n  ")),
    }
}

/// The end of a file, without moving the place at which others write to it.
#[cfg(unix)]
fn tail(file: &File) -> std::io::Result<Vec<u8>> {
    use std::os::unix::fs::FileExt;
    let start = file.metadata()?.len().saturating_sub(TAIL as u64);
    let mut bytes = vec![0; TAIL];
    let read = file.read_at(&mut bytes, start)?;
    bytes.truncate(read);
    Ok(bytes)
}

#[cfg(not(unix))]
fn tail(mut file: &File) -> std::io::Result<Vec<u8>> {
    use std::io::{Read, Seek, SeekFrom};
    let start = file.metadata()?.len().saturating_sub(TAIL as u64);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(TAIL as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
