//! Files that are whole after a kill or a power cut: written beside, synced, renamed, and the folder synced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Crc;

use crate::failure::{Failure, Outcome};

/// Symbolic links that are followed, one from the other.
const LINKS: usize = 40;

/// Writes a file whole or not at all. It counts once this returns: file and folder are synced.
///
/// What it replaces gives it its mode, and a symbolic link is followed. A device or a pipe is written to.
pub fn replace(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let write = || -> io::Result<()> {
        let path = target(path)?;
        let before = fs::metadata(&path).ok();
        if before
            .as_ref()
            .is_some_and(|found| !found.is_file() && !found.is_dir())
        {
            return OpenOptions::new().write(true).open(&path)?.write_all(bytes);
        }
        let temporary = beside(&path);
        let written = whole(&temporary, bytes, before.as_ref())
            .and_then(|()| fs::rename(&temporary, &path))
            .and_then(|()| sync_folder(&path));
        written.inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
    };
    write().map_err(|e| Failure::unwritable(path, e))
}

/// Where a path leads, also where nothing is there yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            // Relative to the folder of the link.
            Ok(to) => path = path.parent().unwrap_or(Path::new("")).join(to),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// The name of a temporary file: that of the file, this machine and this process.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:08x}-{}.tmp", machine(), std::process::id()));
    PathBuf::from(name)
}

fn whole(temporary: &Path, bytes: &[u8], before: Option<&fs::Metadata>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if before.is_some() {
        use std::os::unix::fs::OpenOptionsExt;
        // Nobody reads more of it than of what it replaces.
        options.mode(0o600);
    }
    let mut file = options.open(temporary)?;
    file.write_all(bytes)?;
    if let Some(before) = before {
        file.set_permissions(before.permissions())?;
    }
    file.sync_all()
}

/// Makes the names in the folder of a path last.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Not every file system can; the name is there all the same.
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(error),
        _ => Ok(()),
    }
}

/// Makes a folder with all above it, names synced.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder
        .parent()
        .filter(|above| !above.as_os_str().is_empty())
    {
        make_folder(above)?;
    }
    match fs::create_dir(folder) {
        // Others may make it at the same time.
        Err(_) if folder.is_dir() => Ok(()),
        made => made.and_then(|()| sync_folder(folder)),
    }
}

/// Removes what writers that were killed left in a folder; those that still write keep theirs.
pub fn remove_left_over(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(owner);
        if owner.is_some_and(|pid| !is_running(pid)) && entry.path().is_file() {
            // Another run may have removed it.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The process of this machine that a temporary file belongs to.
fn owner(name: &str) -> Option<u32> {
    let Some(name) = name.strip_suffix(".tmp") else {
        return name.strip_prefix(".writable-")?.parse().ok();
    };
    let (_, tag) = name.rsplit_once('.')?;
    match tag.split_once('-') {
        Some((of, pid)) if u32::from_str_radix(of, 16) == Ok(machine()) => pid.parse().ok(),
        // A process on another machine may still write.
        Some(_) => None,
        None => tag.parse().ok(),
    }
}

/// Whether a process runs; where that cannot be seen, it is taken to.
fn is_running(pid: u32) -> bool {
    let processes = Path::new("/proc");
    !processes.join("self").exists() || processes.join(pid.to_string()).exists()
}

/// A number for this machine, so that runs on several machines can share a folder.
fn machine() -> u32 {
    let name = fs::read("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut sum = Crc::new();
    sum.update(&name);
    sum.sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_mode_and_links_are_followed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let f = |name: &str| folder.path().join(name);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for wanted in [0o600, 0o640, 0o444, 0o755] {
            let path = f(&format!("of-{wanted:o}"));
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(wanted)).unwrap();
            replace(&path, b"new").unwrap();
            assert_eq!(
                (mode(&path), fs::read(&path).unwrap()),
                (wanted, b"new".to_vec())
            );
        }
        make_folder(&f("far/away")).unwrap();
        symlink("far/away/file", f("first")).unwrap();
        symlink("first", f("second")).unwrap();
        // Where nothing is yet, and where something is.
        for text in ["one", "two"] {
            replace(&f("second"), text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(f("far/away/file")).unwrap(), text);
            assert!(fs::symlink_metadata(f("second")).unwrap().is_symlink());
        }
        symlink("loop", f("loop")).unwrap();
        let message = replace(&f("loop"), b"").unwrap_err().to_string();
        assert!(message.contains("symbolic links"), "{message}");
        let mut left = fs::read_dir(folder.path()).unwrap().flatten();
        assert!(left.all(|e| e.path().extension().is_none_or(|e| e != "tmp")));
    }

    #[test]
    fn what_dead_writers_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let own = std::process::id();
        let (dead, here) = (u32::MAX, machine());
        let gone = [
            format!("a.checkpoint.{dead}.tmp"),
            format!("x.npy.{here:08x}-{dead}.tmp"),
            format!(".writable-{dead}"),
            format!(".writable-{dead}.{here:08x}-{dead}.tmp"),
        ];
        let kept = [
            format!("x.npy.{here:08x}-{own}.tmp"),
            format!("x.npy.{:08x}-{dead}.tmp", here ^ 1),
            format!("x.npy.{own}.tmp"),
            format!(".writable-{own}"),
            format!(".writable-{own}.{here:08x}-{own}.tmp"),
            "notes.tmp".to_owned(),
            "notes.of-today.tmp".to_owned(),
            "x.npy".to_owned(),
        ];
        for name in gone.iter().chain(&kept) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        remove_left_over(folder.path());
        assert!(gone.iter().all(|name| !folder.path().join(name).exists()));
        assert!(kept.iter().all(|name| folder.path().join(name).exists()));
    }
}
