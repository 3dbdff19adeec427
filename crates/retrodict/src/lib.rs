//! retrodict
