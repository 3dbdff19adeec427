//! Printing that survives a reader who leaves: the standard macros panic where a pipe is broken or a disk is full.
//!
//! The macros of this file stand in for those of the standard library in the whole crate. What cannot be printed is
//! remembered, whatever is left to do is done (files are written), and [`outcome`] says in the end what went wrong.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::{Failure, Outcome};

/// The first error of standard output, after which nothing more is sent there.
static TROUBLE: Mutex<Option<(ErrorKind, String)>> = Mutex::new(None);

/// Whether standard output is for data alone, so that words go to standard error.
static WORDS_ASIDE: AtomicBool = AtomicBool::new(false);

/// As the macro of the standard library, but an error is kept for [`outcome`].
macro_rules! print {
    ($($words:tt)*) => { $crate::terminal::print::out(format_args!($($words)*), false) };
}

/// As the macro of the standard library, but an error is kept for [`outcome`].
macro_rules! println {
    () => { $crate::terminal::print::out(format_args!(""), true) };
    ($($words:tt)*) => { $crate::terminal::print::out(format_args!($($words)*), true) };
}

/// As the macro of the standard library, but where standard error cannot be written, the exit code has to say it all.
macro_rules! eprintln {
    ($($words:tt)*) => { $crate::terminal::print::err(format_args!($($words)*)) };
}

/// From now on, words go to standard error: standard output is for data.
pub fn to_standard_error() {
    WORDS_ASIDE.store(true, Ordering::Relaxed);
}

/// Sends words to standard output.
pub fn out(words: Arguments<'_>, line: bool) {
    if WORDS_ASIDE.load(Ordering::Relaxed) {
        let mut stderr = io::stderr().lock();
        // There is no other place to say that this failed.
        let _ = stderr.write_fmt(words).and_then(|()| match line {
            true => stderr.write_all(b"\n"),
            false => Ok(()),
        });
        return;
    }
    if TROUBLE.lock().is_ok_and(|trouble| trouble.is_some()) {
        return;
    }
    let mut stdout = io::stdout().lock();
    remember(stdout.write_fmt(words).and_then(|()| match line {
        true => stdout.write_all(b"\n"),
        false => Ok(()),
    }));
}

/// Keeps the first error.
pub fn remember(sent: io::Result<()>) {
    if let (Err(e), Ok(mut trouble)) = (sent, TROUBLE.lock()) {
        trouble.get_or_insert((e.kind(), e.to_string()));
    }
}

/// Sends a line to standard error.
pub fn err(words: Arguments<'_>) {
    let mut stderr = io::stderr().lock();
    // There is no other place to say that this failed.
    let _ = stderr
        .write_fmt(words)
        .and_then(|()| stderr.write_all(b"\n"));
}

/// Whether all that was printed has arrived.
pub fn outcome() -> Outcome<()> {
    remember(io::stdout().flush());
    let trouble = TROUBLE.lock().ok().and_then(|trouble| trouble.clone());
    match trouble {
        None => Ok(()),
        Some((ErrorKind::BrokenPipe, _)) => Err(Failure::NoReader),
        Some((_, why)) => Err(Failure::Broken(format!(
            "cannot write to standard output: {why}; free some space, or redirect it"
        ))),
    }
}
