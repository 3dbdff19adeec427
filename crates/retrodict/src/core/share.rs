//! What is taken by value or shared: `Problem::new(heat, loss, y)` as well as `Problem::new(Arc::clone(&heat), …)`.

use std::sync::Arc;

use super::loss::Loss;
use super::simulator::Simulator;

/// A simulator or a loss that a problem can share: itself, or an `Arc` of it.
pub trait Share<T: ?Sized> {
    /// The shared one.
    fn share(self) -> Arc<T>;
}

macro_rules! share {
    ($trait:ident) => {
        impl<T: $trait + 'static> Share<dyn $trait> for T {
            fn share(self) -> Arc<dyn $trait> {
                Arc::new(self)
            }
        }

        impl<T: $trait + 'static> Share<dyn $trait> for Arc<T> {
            fn share(self) -> Arc<dyn $trait> {
                self
            }
        }

        impl Share<dyn $trait> for Arc<dyn $trait> {
            fn share(self) -> Self {
                self
            }
        }
    };
}

share!(Simulator);
share!(Loss);
