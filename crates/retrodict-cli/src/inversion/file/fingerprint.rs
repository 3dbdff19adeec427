//! A checksum of the files that an inversion reads: whether they are still the same.

use flate2::Crc;

use retrodict::spec::{InversionSpec, StartSpec, StopSpec, option_files};

use crate::data::{bytes, place};
use crate::failure::Outcome;
use crate::registry;

/// A number that changes with the inversion and with every byte of the files that it names.
///
/// `solved` leaves out how the problem is solved: with the same number, losses can be compared.
pub fn fingerprint(inversion: &InversionSpec, solved: bool) -> Outcome<String> {
    let mut inversion = inversion.clone();
    let mut crc = Crc::new();
    inversion.each_simulator(|simulator| sums(option_files(simulator, registry()), &mut crc))?;
    sums(inversion.files(), &mut crc)?;
    inversion.title.clear();
    if !solved {
        (inversion.rule, inversion.inverse, inversion.search) = (None, None, None);
        inversion.stop = StopSpec::default();
        inversion.start = StartSpec::default();
        // What is asked of the answer changes nothing of it.
        (inversion.statistics, inversion.posterior) = (true, None);
        inversion.profile = inversion.profile.of.into_iter().collect();
    }
    crc.update(inversion.to_toml()?.as_bytes());
    Ok(format!("{:08x}", crc.sum()))
}

/// Adds the bytes of files to a checksum, and takes names that do not depend on where they stand.
fn sums(names: Vec<&mut String>, crc: &mut Crc) -> Outcome<()> {
    for name in names {
        let (path, selected) = place(name);
        crc.update(&bytes(path)?);
        // Where a file stands does not matter, and what it is called only for its kind.
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        *name = match selected {
            Some(rows) if rows.starts_with('?') => format!("{file}{rows}"),
            Some(selected) => format!("{file}:{selected}"),
            None => file.into_owned(),
        };
    }
    Ok(())
}
