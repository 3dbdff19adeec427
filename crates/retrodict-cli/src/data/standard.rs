//! `-`: standard input, read once however often it is named, and standard output.

use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::sync::OnceLock;

use super::bounded::DATA;
use super::{FileKind, place};
use crate::data::durable::replace;
use crate::failure::{Failure, Outcome};
use crate::terminal::print;

/// What stands for standard input or output in place of a file.
pub const STANDARD: &str = "-";

/// Whether a name stands for standard input or output, whatever is selected of it.
pub fn is_standard(name: &str) -> bool {
    place(name).0.as_os_str() == STANDARD
}

/// All of standard input.
pub fn input() -> Outcome<&'static [u8]> {
    static INPUT: OnceLock<Result<Vec<u8>, String>> = OnceLock::new();
    let read = || {
        let mut bytes = Vec::new();
        let stdin = std::io::stdin().lock();
        match stdin.take(DATA + 1).read_to_end(&mut bytes) {
            Err(e) => Err(e.to_string()),
            Ok(_) if bytes.len() as u64 > DATA => Err(format!("it has more than {DATA} bytes")),
            Ok(0) => Err("it is empty".to_owned()),
            Ok(_) => Ok(bytes),
        }
    };
    match INPUT.get_or_init(read) {
        Ok(bytes) => Ok(bytes),
        Err(why) => Err(Failure::Misuse(format!(
            "cannot read standard input (-): {why}; send a table or a .npy array to it, or name a file"
        ))),
    }
}

/// Keeps what standard input brought as a file of its kind; returns how the same selection of it is named.
pub fn keep(name: &str, folder: &Path) -> Outcome<String> {
    let bytes = input()?;
    let kind = FileKind::of_bytes(bytes).unwrap_or(FileKind::Table);
    let path = folder.join(format!("standard-input.{}", kind.ending()));
    replace(&path, bytes)?;
    Ok(format!("{}{}", path.display(), &name[STANDARD.len()..]))
}

/// From now on, what a command says goes to standard error, since standard output is for data; refused where it is a
/// terminal and the data are no text.
pub fn claim_output() {
    print::to_standard_error();
}

/// Writes data to standard output.
pub fn output(bytes: &[u8], is_text: bool) -> Outcome<()> {
    let mut stdout = std::io::stdout().lock();
    if stdout.is_terminal() && !is_text {
        return Err(Failure::Misuse(
            "the array has more than two axes, so that it is written to - as .npy, which a terminal cannot show; \
             redirect it, or name a file"
                .to_owned(),
        ));
    }
    print::remember(stdout.write_all(bytes).and_then(|()| stdout.flush()));
    Ok(())
}
