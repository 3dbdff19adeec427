//! The folder of a call: this user's alone, gone afterwards, and with a name that a shell reads as it is.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder for the files of one call.
pub(super) struct CallFolder {
    folder: TempDir,
    /// Its name where its own holds characters that mean something to a shell.
    #[cfg(target_os = "linux")]
    other: Option<Open>,
}

impl CallFolder {
    /// Makes one where temporary files go.
    pub(super) fn make() -> Result<Self, String> {
        let parent = std::env::temp_dir();
        let folder = private().tempdir().map_err(|e| {
            format!(
                "no folder for its files could be made in {}: {e}",
                parent.display()
            )
        })?;
        Self::named(folder)
    }

    /// The path of a file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    #[cfg(target_os = "linux")]
    fn named(folder: TempDir) -> Result<Self, String> {
        let other = match is_plain(folder.path()) {
            true => None,
            false => Some(Open::new(folder.path()).ok_or_else(|| unfit(folder.path()))?),
        };
        Ok(Self { folder, other })
    }

    #[cfg(target_os = "linux")]
    fn path(&self) -> &Path {
        self.other
            .as_ref()
            .map_or(self.folder.path(), |open| &open.path)
    }

    #[cfg(not(target_os = "linux"))]
    fn named(folder: TempDir) -> Result<Self, String> {
        if cfg!(not(unix)) || is_plain(folder.path()) {
            return Ok(Self { folder });
        }
        let other = private()
            .tempdir_in("/tmp")
            .map_err(|_| unfit(folder.path()))?;
        Ok(Self { folder: other })
    }

    #[cfg(not(target_os = "linux"))]
    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A folder by the number under which this process holds it open: a name of letters and digits, whatever its own.
#[cfg(target_os = "linux")]
struct Open {
    path: PathBuf,
    _held: std::fs::File,
}

#[cfg(target_os = "linux")]
impl Open {
    fn new(folder: &Path) -> Option<Self> {
        use std::os::fd::AsRawFd;
        let held = std::fs::File::open(folder).ok()?;
        let path = PathBuf::from(format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            held.as_raw_fd()
        ));
        path.is_dir().then_some(Self { path, _held: held })
    }
}

/// A folder that this user alone can enter; it goes away when it is dropped.
fn private() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.prefix("retrodict-");
    builder
}

/// Whether a shell reads a path as it is written.
fn is_plain(path: &Path) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || "/._-+,@:".contains(c);
    path.to_str().is_some_and(|path| path.chars().all(sound))
}

fn unfit(path: &Path) -> String {
    format!(
        "the folder for its files would be {path:?}, in which a shell sees more than a name; set TMPDIR to a path of \
         letters, digits, '.', '-' and '_'"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_whatever_the_parent_is_called() {
        let base = tempfile::tempdir().unwrap();
        for name in [
            "with blank",
            "a'b\"c",
            "$(touch x)",
            "`x`",
            "new\nline",
            "semi;colon",
            "star*",
            "ä",
        ] {
            let parent = base.path().join(name);
            std::fs::create_dir(&parent).unwrap();
            let folder = private().tempdir_in(&parent).unwrap();
            let own = folder.path().to_owned();
            let place = CallFolder::named(folder).unwrap();
            let file = place.file("input.json");
            assert!(cfg!(not(unix)) || is_plain(&file), "{file:?}");
            std::fs::write(&file, "1").unwrap();
            drop(place);
            assert!(!own.exists(), "{own:?} is left");
        }
    }
}
