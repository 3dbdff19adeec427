//! The loss that a description names, made for the data.

use std::sync::Arc;

use super::Named;
use crate::core::loss::Loss;
use crate::core::space::Space;
use crate::error::Result;
use crate::registry::Registry;

/// The loss between outputs of a space; one that takes the shape of the data is given it, unless the description does.
///
/// # Errors
/// If a name or an option is unknown, a value is not allowed, or the loss does not fit.
pub(super) fn between(named: &Named, output: &Space, registry: &Registry) -> Result<Arc<dyn Loss>> {
    let entry = registry.losses.find(&named.name)?;
    let mut options = named.options.clone();
    if entry.accepts("shape") && !options.contains_key("shape") {
        let shape = output.shape.iter().map(|n| (*n as i64).into()).collect();
        options.insert("shape".to_owned(), toml::Value::Array(shape));
    }
    entry.build_in(registry, &options)
}

/// `squared`: what is meant where no loss is named.
pub(super) fn squared() -> Named {
    "squared".into()
}
