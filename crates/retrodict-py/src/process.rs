//! Calls of the library, in whichever process they are made.

use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// The process that called the library first, whose threads rayon's global pool has.
static FIRST: AtomicU32 = AtomicU32::new(0);

/// Sees to it that loops over threads find threads here.
///
/// A fork copies the memory of rayon's pool without its threads: a loop that is handed to it never ends. So in a child
/// each thread that calls the library becomes a pool of its own, of one thread, which needs no other and outlives further
/// forks. Workers of data loaders compute on one thread each for the same reason that they are several. No lock is
/// taken here: the fork may have copied a locked one.
///
/// # Errors
/// If this thread belongs to a pool whose threads are gone.
pub fn ready() -> PyResult<()> {
    let here = std::process::id();
    let first = FIRST.compare_exchange(0, here, Ordering::Relaxed, Ordering::Relaxed);
    if first.is_ok() || first == Err(here) {
        return Ok(());
    }
    if rayon::current_thread_index().is_none() {
        let builder = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .use_current_thread();
        match builder.build() {
            // For as long as the thread lives: to drop the pool would not end its membership.
            Ok(pool) => std::mem::forget(pool),
            Err(error) => return Err(lost(&error.to_string())),
        }
    } else if rayon::current_num_threads() > 1 {
        return Err(lost("the fork fell into a loop over threads"));
    }
    Ok(())
}

fn lost(why: &str) -> PyErr {
    PyRuntimeError::new_err(format!(
        "retrodict cannot compute in this forked process ({why}): start processes with multiprocessing's \"spawn\", \
         or fork before retrodict is used"
    ))
}

/// Runs the library without the interpreter's lock.
///
/// # Errors
/// As [`ready`].
pub fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    ready()?;
    Ok(py.detach(work))
}
