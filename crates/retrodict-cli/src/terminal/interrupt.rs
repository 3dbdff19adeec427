//! Ctrl-C and SIGTERM end the work at hand; everything found so far is still written.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use retrodict::interrupt::Interrupt;

use crate::failure::{Failure, INTERRUPTED, Outcome};

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// What is asked for after an interruption, such as y at the best x, gets this much time.
const GRACE: Duration = Duration::from_secs(1);

/// How often a command without anything to keep is looked after.
const LOOK: Duration = Duration::from_millis(20);

/// The flag that Ctrl-C raises; the handler is installed at the first call.
pub fn flag() -> Arc<AtomicBool> {
    FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let raised = Arc::clone(&flag);
        // Without a handler Ctrl-C still ends the program, only less gently.
        let _ = ctrlc::set_handler(move || {
            if raised.swap(true, Ordering::SeqCst) {
                retrodict::models::external::end_programs();
                std::process::exit(130);
            }
            eprintln!("interrupted: finishing up (interrupt again to quit immediately)");
        });
        flag
    })
    .clone()
}

/// Whether Ctrl-C was pressed.
pub fn raised() -> bool {
    FLAG.get().is_some_and(|flag| flag.load(Ordering::SeqCst))
}

/// The code of a command that was interrupted, or that of one that was not.
pub fn code(otherwise: ExitCode) -> ExitCode {
    if raised() {
        ExitCode::from(INTERRUPTED)
    } else {
        otherwise
    }
}

/// Does work that Ctrl-C reaches into, and keeps what it can.
pub fn within<T>(work: impl FnOnce() -> T) -> T {
    Interrupt::default().with_flag(flag()).within(work)
}

/// Does what is worth a moment after an interruption too.
pub fn graced<T>(work: impl FnOnce() -> T) -> T {
    Interrupt::current().with_grace(GRACE).within(work)
}

/// Does work that is to end after so much time, if there is a limit.
pub fn until<T>(limit: Option<Duration>, work: impl FnOnce() -> T) -> T {
    let interrupt = Interrupt::current();
    match limit.and_then(|limit| Instant::now().checked_add(limit)) {
        Some(deadline) => interrupt.with_deadline(deadline).within(work),
        None => work(),
    }
}

/// Does the whole of a command that has nothing to keep: after an interruption it is not waited for long.
pub fn abandonable(work: impl FnOnce() -> Outcome<ExitCode> + Send + 'static) -> Outcome<ExitCode> {
    let (sender, receiver) = channel();
    let thread = std::thread::Builder::new().spawn(move || {
        // Nobody listens once the command was given up.
        let _ = sender.send(within(work));
    });
    thread.map_err(|e| Failure::Broken(format!("cannot start a thread: {e}")))?;
    let mut left = GRACE;
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(outcome) => return outcome,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Broken("the command ended unexpectedly".to_owned()));
            }
            Err(RecvTimeoutError::Timeout) if raised() => {
                left = left.saturating_sub(LOOK);
                if left.is_zero() {
                    retrodict::models::external::end_programs();
                    return Err(Failure::interrupted());
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
