//! What an error of the library came from, where that was an error of somebody else's.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Another error behind one of the library: the user's own, or that of a file or a connection.
#[derive(Debug, Clone)]
pub struct Source(Arc<dyn Error + Send + Sync>);

impl Source {
    /// Keeps an error.
    pub fn new(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(error))
    }

    /// The error itself, to be asked for its type.
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Source {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// Errors are compared by what they say.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}
