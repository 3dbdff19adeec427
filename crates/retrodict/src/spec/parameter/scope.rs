//! Whose a parameter is, where there are several data sets: of all of them, or of one.

use super::ParameterSpec;
use crate::error::{Error, Result};
use crate::models::expression::Expression;
use crate::spec::observation::EACH;

/// A parameter by its full name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScopedParameter {
    /// What is said of it, under its full name.
    pub(super) spec: ParameterSpec,
    /// The name in its entry.
    pub(super) entry: String,
    /// The data set that it belongs to.
    pub(super) scope: Option<String>,
    /// The formula that ties it, in full names.
    pub(super) formula: Option<Expression>,
}

/// The full name of a parameter of a data set.
pub(super) fn full(scope: &str, name: &str) -> String {
    format!("{scope}.{name}")
}

/// What a name means within a data set: its own parameter of that name, if it has one, or that of all.
pub(super) fn within<'a>(
    scope: Option<&str>,
    name: &str,
    mut known: impl Iterator<Item = &'a str>,
) -> String {
    let own = scope.map(|scope| full(scope, name));
    match own {
        Some(own) if known.any(|known| known == own) => own,
        _ => name.to_owned(),
    }
}

/// All parameters that are described by their full names: one for each data set where an entry is for each.
pub(super) fn scoped(specs: &[ParameterSpec], sets: &[&str]) -> Result<Vec<ScopedParameter>> {
    let mut all = Vec::new();
    for spec in specs {
        let at = |key| move |error: Error| error.at("parameter", &spec.name, key);
        let formula = spec.tied.as_deref().map(Expression::parse).transpose();
        let formula = formula.map_err(at("tied"))?;
        let scopes: Vec<Option<&str>> = match spec.scope.as_deref() {
            None => vec![None],
            Some(scope) if sets.is_empty() => {
                let error = Error::Option {
                    key: "scope".to_owned(),
                    found: format!("\"{scope}\""),
                    allowed: "there are no data sets to belong to: add them as [[observation]], or leave scope out".to_owned(),
                };
                return Err(error).map_err(at("scope"));
            }
            Some(EACH) => sets.iter().copied().map(Some).collect(),
            Some(scope) if sets.contains(&scope) => vec![Some(scope)],
            Some(scope) => {
                let known = sets.iter().copied().chain([EACH]);
                return Err(Error::unknown("data set", scope, known)).map_err(at("scope"));
            }
        };
        for scope in scopes {
            // `north.recovery` is that of north, however it is written.
            let by_name = spec.name.split_once('.').map(|(scope, _)| scope);
            let name = scope.map_or_else(|| spec.name.clone(), |scope| full(scope, &spec.name));
            all.push(ScopedParameter {
                entry: spec.name.clone(),
                spec: ParameterSpec {
                    name,
                    scope: None,
                    ..spec.clone()
                },
                scope: scope
                    .or(by_name.filter(|scope| sets.contains(scope)))
                    .map(str::to_owned),
                formula: formula.clone(),
            });
        }
    }
    let names: Vec<String> = all.iter().map(|p| p.spec.name.clone()).collect();
    for parameter in &mut all {
        let scope = parameter.scope.as_deref();
        let full = |name: &str| within(scope, name, names.iter().map(String::as_str));
        parameter.formula = parameter
            .formula
            .take()
            .map(|formula| formula.renamed(full));
    }
    Ok(all)
}
