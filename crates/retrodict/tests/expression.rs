//! Formulas: precedence, functions and derivatives against values and differences; what is wrong is located.

use retrodict::models::expression::Expression;

fn value(text: &str, values: &[f64]) -> f64 {
    Expression::parse(text).unwrap().evaluate(values)
}

#[test]
fn precedence_is_that_of_mathematics() {
    for (text, expected) in [
        ("-3^2", -9.0),
        ("-3**2", -9.0),
        ("2^3^2", 512.0),
        ("2^-1", 0.5),
        ("(-3)^3", -27.0),
        ("8 / 4 / 2", 1.0),
        ("8 - 4 - 2", 2.0),
        ("1 + 2 * 3", 7.0),
        ("--2", 2.0),
        ("2 * -3", -6.0),
        ("1e-3 * 1.5E2", 0.15),
        (".5 + 2.", 2.5),
        ("sqrt(16) ^ 2", 16.0),
        ("max(1, min(3, 2))", 2.0),
        ("pow(2, 0.5) - 2^0.5", 0.0),
        ("log(exp(2)) + log10(1000) + log2(8)", 8.0),
        ("cos(pi) + sin(π / 2)", 0.0),
        ("expm1(0) + log1p(0) + tanh(0) + atan(0)", 0.0),
        ("2 − 3 · 2", -4.0),
    ] {
        let found = value(text, &[]);
        assert!((found - expected).abs() < 1e-14, "{text} = {found}");
    }
}

#[test]
fn names_are_those_that_scientists_use() {
    let formula = Expression::parse("{initial prey} * α_1 + north.k * e + α_1").unwrap();
    assert_eq!(formula.variables(), ["initial prey", "α_1", "north.k", "e"]);
    assert_eq!(formula.evaluate(&[2.0, 3.0, 5.0, 7.0]), 44.0);
    let names: Vec<String> = ["e", "α_1", "x", "initial prey", "north.k"]
        .map(str::to_owned)
        .to_vec();
    let among = formula.among("parameter", &names).unwrap();
    assert_eq!(among.evaluate(&[7.0, 3.0, 0.0, 2.0, 5.0]), 44.0);
    assert!(among.has(0) && !among.has(2));
    let error = formula.among("parameter", &["e".into(), "α_2".into(), "north.k".into()]);
    let message = error.unwrap_err().to_string();
    assert!(
        message.contains("unknown parameter 'initial prey'"),
        "{message}"
    );
}

/// Central differences, whose error is h²/6 of the third derivative and round-off: 1e-8 for values of size 1.
#[test]
fn derivatives_are_those_of_the_formula() {
    let at = [0.7, 1.3];
    for text in [
        "a * exp(-b * a) / (1 + b^2)",
        "a^b + b^a",
        "(a - 2)^3 * sin(b)^2",
        "log(a) * sqrt(b) + cbrt(a * b)",
        "atan(a / b) + asin(a / 2) + acos(b / 2)",
        "tanh(a) * cosh(b) - sinh(a) + cos(b) * tan(a)",
        "abs(a - b) + max(a, b) * min(a, b) + exp2(a) + log2(b) + log10(b)",
    ] {
        let formula = Expression::parse(text).unwrap();
        for (i, slope) in formula.gradient(&at).into_iter().enumerate() {
            let h = 1e-5;
            let side = |by: f64| {
                let mut there = at;
                there[i] += by;
                formula.evaluate(&there)
            };
            let difference = (side(h) - side(-h)) / (2.0 * h);
            assert!(
                (slope - difference).abs() < 1e-8,
                "{text}: {slope} {difference}"
            );
        }
    }
    // Negative bases have derivatives where the power is a number.
    assert_eq!(Expression::parse("x^3").unwrap().gradient(&[-2.0]), [12.0]);
    assert_eq!(Expression::parse("x^2").unwrap().gradient(&[0.0]), [0.0]);
}

#[test]
fn what_is_affine_is_known_to_be() {
    for (text, affine) in [
        ("2 * a - b / 3 + 1", true),
        ("-(a + b) * sqrt(2)", true),
        ("a^1", true),
        ("3", true),
        ("a * b", false),
        ("a / b", false),
        ("1 / a", false),
        ("a^2", false),
        ("exp(a)", false),
        ("exp(2) * a", true),
    ] {
        assert_eq!(
            Expression::parse(text).unwrap().is_affine(),
            affine,
            "{text}"
        );
    }
}

#[test]
fn mistakes_are_located() {
    for (text, expected) in [
        ("", "a number, a name or '(' is missing at column 1"),
        ("2 +", "a number, a name or '(' is missing at column 4"),
        (
            "2 k",
            "expected an operator (+ - * / ^) at column 3, found 'k'",
        ),
        ("(a", "')' is missing at column 3"),
        ("a)", "')' at column 2 has no '(' before it"),
        ("a > b", "found '>'"),
        ("foo(a)", "unknown function 'foo'"),
        ("sqr(a)", "did you mean 'sqrt'"),
        ("exp * 2", "'exp' at column 1 is a function"),
        ("max(a)", "',' (max takes two values)"),
        ("{a", "'}' is missing for '{' at column 1"),
        (". * 2", "'.' at column 1 is no number"),
        ("1..2", "expected an operator"),
    ] {
        let message = Expression::parse(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{text}: {message}");
        assert!(message.starts_with(&format!("the expression '{text}'")));
    }
    // No depth and no length ends the program.
    assert!(Expression::parse(&"(".repeat(5000)).is_err());
    assert!(Expression::parse(&"2^".repeat(5000)).is_err());
    assert!(Expression::parse(&"-".repeat(9000)).is_err());
    let wide = format!("{}1", "1+(".repeat(90)) + &")".repeat(90);
    assert_eq!(value(&wide, &[]), 91.0);
    let deep = format!("a{}", "+(a".repeat(60)) + &")".repeat(60);
    assert_eq!(value(&deep, &[1.0]), 61.0);
}
