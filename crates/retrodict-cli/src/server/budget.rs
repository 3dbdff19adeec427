//! The memory that answers may take together.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use retrodict::{interrupt, memory};

use super::refusal::Refusal;

/// How often it is looked whether the wait is over for another reason.
const GLANCE: Duration = Duration::from_millis(100);

/// A number of bytes, of which each answer takes its share as long as it is worked on.
pub struct Budget {
    total: f64,
    free: Mutex<f64>,
    returned: Condvar,
}

impl Budget {
    /// So many bytes.
    pub fn new(total: f64) -> Self {
        Self {
            total,
            free: Mutex::new(total),
            returned: Condvar::new(),
        }
    }

    /// All of it.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// Waits until so many bytes are free; what is more than all of them is refused at once.
    ///
    /// Nobody who holds a share may take another: two would wait for each other.
    pub fn take(&self, bytes: f64) -> Result<Share<'_>, Refusal> {
        if bytes > self.total {
            return Err(Refusal::new(
                413,
                "InvalidInput",
                format!(
                    "this request needs about {} of memory, and the server allows {}; raise its --memory",
                    memory::size(bytes),
                    memory::size(self.total)
                ),
            ));
        }
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free < bytes {
            interrupt::check().map_err(|_| Refusal::time())?;
            let woken = self.returned.wait_timeout(free, GLANCE);
            free = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        *free -= bytes;
        Ok(Share {
            budget: self,
            bytes,
        })
    }
}

/// Bytes that are taken; given back when it is dropped.
pub struct Share<'b> {
    budget: &'b Budget,
    bytes: f64,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut free = self
            .budget
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Whole numbers of bytes below 2⁵³: nothing is lost in sums.
        *free += self.bytes;
        self.budget.returned.notify_all();
    }
}
