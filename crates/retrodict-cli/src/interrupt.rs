//! Ctrl-C ends the method at hand; everything found so far is still written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The flag that Ctrl-C raises; the handler is installed at the first call.
pub fn flag() -> Arc<AtomicBool> {
    FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let raised = Arc::clone(&flag);
        // Without a handler Ctrl-C still ends the program, only less gently.
        let _ = ctrlc::set_handler(move || {
            if raised.swap(true, Ordering::SeqCst) {
                retrodict::external::end_programs();
                std::process::exit(130);
            }
            eprintln!("interrupted: finishing up (once more to quit at once)");
        });
        flag
    })
    .clone()
}

/// Whether Ctrl-C was pressed.
pub fn raised() -> bool {
    FLAG.get().is_some_and(|flag| flag.load(Ordering::SeqCst))
}
