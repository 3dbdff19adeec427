//! One program that stays: a process whose standard streams are read and written by threads.
//!
//! Threads, since whatever a program does, waiting for it must end: it may leave what it is sent unread, write without
//! end, or do neither.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::super::process::{self, Running, TAIL};
use super::protocol::{self, Request, Said};
use crate::interrupt::{self, Interrupt};

/// How often it is looked whether the work was interrupted.
const LOOK: Duration = Duration::from_millis(10);

/// How long a program may take to end once its input has.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long to wait for the last words of a program that ended.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Why there is no answer.
pub(super) enum Fault {
    /// The program says that it has none at this x; it stays.
    Refused(String),
    /// The program ended: another one may do better.
    Ended(String),
    /// The program cannot be used any more.
    Astray(String),
}

/// A line that a program wrote.
enum Heard {
    Line(Vec<u8>),
    TooLong(u64),
}

/// A program that runs and waits for requests; when this is dropped, nothing of it is left.
pub(super) struct Worker {
    running: Running,
    /// Its standard input ends when this does.
    requests: Option<Sender<Vec<u8>>>,
    answers: Receiver<Heard>,
    /// The longest line that is read, in bytes.
    longest: Arc<AtomicU64>,
    /// The end of what it wrote to standard error.
    errors: Arc<Mutex<Vec<u8>>>,
    hears_errors: JoinHandle<()>,
    next: u64,
    /// Whether it may be given time to end by itself.
    sound: bool,
}

impl Worker {
    /// Starts the program; nothing is said to it yet.
    pub(super) fn start(command: &[String]) -> Result<Self, String> {
        let mut running =
            process::start(command, [Stdio::piped(), Stdio::piped(), Stdio::piped()])?;
        let child = &mut running.child;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("its standard streams could not be opened".to_owned());
        };
        let (requests, to_write) = channel();
        // A program that writes without end waits, and fills no memory.
        let (heard, answers) = sync_channel(1);
        let longest = Arc::new(AtomicU64::new(0));
        let tail = Arc::new(Mutex::new(Vec::new()));
        let (limit, kept) = (Arc::clone(&longest), Arc::clone(&tail));
        thread(move || write(input, &to_write))?;
        thread(move || hear(output, &limit, &heard))?;
        let hears_errors = thread(move || keep_end(errors, &kept))?;
        Ok(Self {
            running,
            requests: Some(requests),
            answers,
            longest,
            errors: tail,
            hears_errors,
            next: 0,
            sound: true,
        })
    }

    /// Sends a request and waits for its answer, of no more than so many bytes.
    pub(super) fn ask(
        &mut self,
        request: &Request<'_>,
        longest: u64,
        timeout: Duration,
    ) -> Result<Map<String, Value>, Fault> {
        let id = self.next;
        self.next += 1;
        let line = request.line(id).map_err(|e| {
            // Vectors of numbers are always written.
            Fault::Astray(format!("the request could not be written: {e}"))
        })?;
        self.longest.store(longest, Ordering::Relaxed);
        if let Some(requests) = &self.requests {
            // Its thread is gone where the program closed its input; whether it ended is seen below.
            let _ = requests.send(line);
        }
        let heard = self.wait(request.call, timeout);
        let said = heard.map(|line| protocol::read(&line, id, request.call));
        let found = match said {
            Ok(Said::Answer(answer)) => Ok(answer),
            Ok(Said::Failure(why)) => Err(Fault::Refused(why)),
            Ok(Said::Astray(why)) => Err(Fault::Astray(self.with_errors(why))),
            Err(fault) => Err(fault),
        };
        self.sound = matches!(found, Ok(_) | Err(Fault::Refused(_)));
        found
    }

    /// The next line that is not blank.
    fn wait(&mut self, call: &str, timeout: Duration) -> Result<Vec<u8>, Fault> {
        let start = Instant::now();
        loop {
            let left = timeout.checked_sub(start.elapsed());
            if interrupt::check().is_err() {
                // What was interrupted says nothing of the program.
                return Err(Fault::Astray("it was interrupted".to_owned()));
            }
            let Some(left) = left else {
                let why = format!(
                    "it did not answer '{call}' within {} s and was stopped; raise timeout to allow more, or check \
                     whether it hangs or leaves its answer in a buffer (Python: print(…, flush=True))",
                    timeout.as_secs_f64()
                );
                return Err(Fault::Astray(self.with_errors(why)));
            };
            match self.answers.recv_timeout(LOOK.min(left)) {
                Ok(Heard::Line(line)) => {
                    if !line.trim_ascii().is_empty() {
                        return Ok(line);
                    }
                }
                Ok(Heard::TooLong(limit)) => {
                    let why = format!(
                        "its answer to '{call}' is longer than {limit} bytes, more than that many values can take"
                    );
                    return Err(Fault::Astray(self.with_errors(why)));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(self.closed(call)),
                // What it started may hold its output open.
                Err(RecvTimeoutError::Timeout) => {
                    if let Ok(Some(_)) = self.running.ended()
                        && self.answers.recv_timeout(LAST_WORDS).is_err()
                    {
                        return Err(self.closed(call));
                    }
                }
            }
        }
    }

    /// No more answers will come: how it ended, if it did.
    fn closed(&mut self, call: &str) -> Fault {
        let waited = Interrupt::default().within(|| self.running.wait(LAST_WORDS));
        let why = match waited {
            Ok(Some(status)) => {
                let how = process::ending(status);
                let advice = match status.success() {
                    true => ": it must answer line by line until its standard input ends",
                    false => "",
                };
                format!("it ended with {how} before it answered '{call}'{advice}")
            }
            _ => format!("it closed its standard output before it answered '{call}'"),
        };
        Fault::Ended(self.with_errors(why))
    }

    /// A message with the last lines that the program wrote to standard error.
    fn with_errors(&self, why: String) -> String {
        // They may still be on their way.
        let start = Instant::now();
        while !self.hears_errors.is_finished() && start.elapsed() < LAST_WORDS / 4 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        match errors.trim_ascii().is_empty() {
            true => format!("{why}; it wrote nothing to standard error"),
            false => format!("{why}; {}", process::last_lines(&errors)),
        }
    }

    /// Ends its input, by which it is to end.
    fn dismiss(&mut self) {
        self.requests = None;
    }

    /// Gives it time to close its files, if it may be given any; what is left then is ended with `running`.
    fn leave(&mut self, patience: Duration) {
        if std::mem::take(&mut self.sound) {
            let _ = Interrupt::default().within(|| self.running.wait(patience));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.dismiss();
        self.leave(FAREWELL);
    }
}

/// Ends programs, all at once.
pub(super) fn end(mut workers: Vec<Worker>) {
    let start = Instant::now();
    workers.iter_mut().for_each(Worker::dismiss);
    for worker in &mut workers {
        worker.leave(FAREWELL.saturating_sub(start.elapsed()));
    }
}

fn thread(work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, String> {
    Builder::new()
        .spawn(work)
        .map_err(|e| format!("no thread could be started for it: {e}"))
}

/// Writes each request, until there are no more or nobody reads them.
fn write(mut input: ChildStdin, requests: &Receiver<Vec<u8>>) {
    while let Ok(line) = requests.recv() {
        if input.write_all(&line).and_then(|()| input.flush()).is_err() {
            return;
        }
    }
}

/// Reads line by line, until the output ends, a line is too long or nobody listens.
fn hear(output: ChildStdout, longest: &AtomicU64, heard: &SyncSender<Heard>) {
    let mut output = BufReader::with_capacity(1 << 16, output);
    loop {
        let mut line = Vec::new();
        loop {
            let Ok(part) = output.fill_buf() else { return };
            if part.is_empty() {
                if !line.is_empty() {
                    let _ = heard.send(Heard::Line(line));
                }
                return;
            }
            let end = part.iter().position(|byte| *byte == b'\n');
            line.extend_from_slice(&part[..end.unwrap_or(part.len())]);
            let used = end.map_or(part.len(), |end| end + 1);
            output.consume(used);
            let limit = longest.load(Ordering::Relaxed);
            if line.len() as u64 > limit {
                let _ = heard.send(Heard::TooLong(limit));
                return;
            }
            if end.is_some() {
                break;
            }
        }
        if heard.send(Heard::Line(line)).is_err() {
            return;
        }
    }
}

/// Keeps the end of what is written to standard error.
fn keep_end(mut errors: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut part = [0; TAIL];
    while let Ok(read @ 1..) = errors.read(&mut part) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&part[..read]);
        let over = kept.len().saturating_sub(TAIL);
        kept.drain(..over);
    }
}
