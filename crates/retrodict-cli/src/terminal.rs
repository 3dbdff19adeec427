//! What stands between a command and the terminal: printing, layout of text, progress, Ctrl-C.

#[macro_use]
pub mod print;
pub mod interrupt;
pub mod plot;
pub mod progress;
pub mod text;
