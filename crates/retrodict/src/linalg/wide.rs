//! Loops compiled for the widest vector registers that the machine has.

use pulp::{Arch, Simd, WithSimd};

/// Runs a loop compiled for the widest registers of this processor.
///
/// `work` must be an `#[inline(always)]` closure: any other keeps a body of its own, compiled for the
/// least of processors. (Handed to [`Arch::dispatch`] itself, even that one would be called through a shim.)
#[inline(always)]
pub fn wide<T>(work: impl FnMut() -> T) -> T {
    struct Wide<F>(F);

    impl<T, F: FnMut() -> T> WithSimd for Wide<F> {
        type Output = T;

        #[inline(always)]
        fn with_simd<S: Simd>(mut self, _: S) -> T {
            (self.0)()
        }
    }

    Arch::new().dispatch(Wide(work))
}
