//! A value that is computed once, where that may fail.

use std::cell::OnceCell;

use crate::error::Result;

/// `OnceCell::get_or_try_init`, which is not stable yet.
pub(super) fn once<T>(cell: &OnceCell<T>, compute: impl FnOnce() -> Result<T>) -> Result<&T> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = compute()?;
    Ok(cell.get_or_init(|| value))
}
