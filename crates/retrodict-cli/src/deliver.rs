//! What commands deliver in the end: files, the report, and what is said of them.

mod inversion;
mod training;

pub use inversion::{Delivery, finish as inversion};
pub use training::train as training;
