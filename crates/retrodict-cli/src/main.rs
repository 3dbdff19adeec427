//! The command line of retrodict.

fn main() {}
