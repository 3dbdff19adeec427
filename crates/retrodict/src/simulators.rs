//! The simulators, a file each.
