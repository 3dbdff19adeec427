//! The theory of every rule, measured.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use retrodict::audit::{AuditRow, PROPERTIES, audit};
use retrodict::registry::RULES;

#[test]
fn every_rule_does_what_the_theory_says() {
    let rows = audit();
    let failed: Vec<&AuditRow> = rows.iter().filter(|row| !row.passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(rows.len(), RULES.entries.len() * PROPERTIES.len());
}

#[test]
fn every_property_tells_rules_apart() {
    let rows = audit();
    for (property, _) in PROPERTIES {
        let of_property = rows.iter().filter(|row| row.property == property);
        let mut found: Vec<&str> = of_property.map(|row| row.measured.as_str()).collect();
        found.sort_unstable();
        found.dedup();
        assert!(found.len() > 1, "{property} is {found:?} for every rule");
    }
}
