use std::path::Path;

use flate2::Crc;

use super::Inversion;
use crate::failure::{Failure, Outcome};

/// A number that changes with the inversion and with every byte of the files that it names.
///
/// `solved` leaves out how the problem is solved: with the same number, losses can be compared.
pub fn fingerprint(inversion: &Inversion, solved: bool) -> Outcome<String> {
    let mut inversion = inversion.clone();
    let mut crc = Crc::new();
    for name in inversion.files() {
        let plain = name
            .rsplit_once(".npz:")
            .map(|(path, _)| format!("{path}.npz"));
        let path = plain.as_deref().unwrap_or(name);
        let path = Path::new(path);
        crc.update(&std::fs::read(path).map_err(|e| Failure::unreadable(path, e))?);
        // Where a file stands does not matter, and what it is called only for its kind.
        *name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
    }
    inversion.title.clear();
    if !solved {
        (inversion.rule, inversion.inverse) = (None, None);
        inversion.stop = super::Stop::default();
        inversion.start = super::Start::default();
        // What is asked of the answer changes nothing of it.
        (inversion.statistics, inversion.posterior) = (true, None);
    }
    crc.update(inversion.to_toml()?.as_bytes());
    Ok(format!("{:08x}", crc.sum()))
}
