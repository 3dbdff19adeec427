//! The text of a batch's file, to point at what is wrong in it.

use retrodict::spec::{InversionSpec, Origin, line};

use crate::failure::Failure;

/// The text of a batch's file.
pub struct Listing<'a> {
    /// The file.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl Listing<'_> {
    /// Where a key stands, as in `b.toml, line 3`; the file alone if it is not there.
    pub fn at(&self, path: &[&str]) -> String {
        match line(self.text, path) {
            Some(line) => format!("{}, line {line}", self.name),
            None => self.name.to_owned(),
        }
    }

    /// A mistake at a key.
    pub fn wrong(&self, path: &[&str], why: String) -> Failure {
        Failure::Misuse(format!("{}: {why}", self.at(path)))
    }

    /// An inversion that is a table of the file.
    pub fn origin(&self, table: &'static str) -> Origin {
        Origin::new::<InversionSpec>(self.name, self.text).with_table(table)
    }
}
