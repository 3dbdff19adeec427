//! The grammar of formulas.

use super::function::{FUNCTIONS, FUNCTIONS_2};
use super::tape::{Operation, Tape};
use crate::error::suggestion;

/// Parentheses and powers may stand so deep in each other: beyond, the program's own stack would end.
const DEEPEST: usize = 100;

/// Longer formulas are none that a person wrote.
const LONGEST: usize = 10_000;

/// Operations and variables of a formula, or what is wrong with it and where.
pub(super) fn parse(text: &str) -> Result<(Tape, Vec<String>), String> {
    if text.len() > LONGEST {
        return Err(format!(
            "it has {} bytes, and at most {LONGEST} are read",
            text.len()
        ));
    }
    let mut parser = Parser {
        characters: text.chars().collect(),
        at: 0,
        operations: Vec::new(),
        variables: Vec::new(),
        depth: 0,
    };
    parser.sum()?;
    match parser.peek() {
        None => Ok((Tape::new(parser.operations), parser.variables)),
        Some(')') => Err(format!(
            "')' at column {} has no '(' before it",
            parser.column()
        )),
        Some(_) => Err(parser.expected("an operator (+ - * / ^)")),
    }
}

struct Parser {
    characters: Vec<char>,
    at: usize,
    operations: Vec<Operation>,
    variables: Vec<String>,
    depth: usize,
}

type Parsed = Result<(), String>;

impl Parser {
    /// The next character that is no blank.
    fn peek(&mut self) -> Option<char> {
        while self
            .characters
            .get(self.at)
            .is_some_and(|c| c.is_whitespace())
        {
            self.at += 1;
        }
        self.characters.get(self.at).copied()
    }

    fn column(&self) -> usize {
        self.at + 1
    }

    /// Takes the next character if it is this one.
    fn take(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn expected(&mut self, what: &str) -> String {
        match self.peek() {
            None => format!("{what} is missing at column {}", self.column()),
            Some(found) => format!(
                "expected {what} at column {}, found '{found}'",
                self.column()
            ),
        }
    }

    fn emit(&mut self, operation: Operation) {
        // What is made of constants alone is one.
        let constant = |operation: &Operation| matches!(operation, Operation::Constant(_));
        let operands = operation.operands();
        let from = self.operations.len() - operands;
        if operands > 0 && self.operations[from..].iter().all(constant) {
            let mut tail = self.operations.split_off(from);
            tail.push(operation);
            let value = Tape::new(tail).run::<f64>(&[]);
            self.operations.push(Operation::Constant(value));
        } else {
            self.operations.push(operation);
        }
    }

    /// A term, and terms added to it.
    fn sum(&mut self) -> Parsed {
        self.product()?;
        loop {
            let operation = match self.peek() {
                Some('+') => Operation::Add,
                Some('-' | '−') => Operation::Subtract,
                _ => return Ok(()),
            };
            self.at += 1;
            self.product()?;
            self.emit(operation);
        }
    }

    /// A factor, and factors multiplied with it.
    fn product(&mut self) -> Parsed {
        self.signed()?;
        loop {
            let operation = match self.peek() {
                Some('*' | '·') => Operation::Multiply,
                Some('/') => Operation::Divide,
                _ => return Ok(()),
            };
            self.at += 1;
            self.signed()?;
            self.emit(operation);
        }
    }

    /// A power, with signs in front: these come after it, so that −x² is −(x²).
    fn signed(&mut self) -> Parsed {
        let mut negative = false;
        while let Some('-' | '−' | '+') = self.peek() {
            negative ^= self.characters[self.at] != '+';
            self.at += 1;
        }
        self.power()?;
        if negative {
            self.emit(Operation::Negate);
        }
        Ok(())
    }

    /// A value to the power of another, from the right.
    fn power(&mut self) -> Parsed {
        self.value()?;
        let stars = self.peek() == Some('*') && self.characters.get(self.at + 1) == Some(&'*');
        if !stars && self.peek() != Some('^') {
            return Ok(());
        }
        self.at += if stars { 2 } else { 1 };
        self.deeper(Self::signed)?;
        match self.operations.last() {
            Some(Operation::Constant(power)) => {
                let power = *power;
                self.operations.pop();
                let whole = power.fract() == 0.0 && power.abs() < f64::from(1 << 20);
                self.emit(match whole {
                    true => Operation::WholePower(power as i32),
                    false => Operation::RealPower(power),
                });
            }
            _ => self.emit(Operation::Power),
        }
        Ok(())
    }

    fn deeper(&mut self, parse: fn(&mut Self) -> Parsed) -> Parsed {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!(
                "it is nested more than {DEEPEST} deep at column {}",
                self.column()
            ));
        }
        parse(self)?;
        self.depth -= 1;
        Ok(())
    }

    /// A number, a name, a call, or a formula in parentheses.
    fn value(&mut self) -> Parsed {
        match self.peek() {
            Some('(') => {
                self.at += 1;
                self.deeper(Self::sum)?;
                self.close()
            }
            Some('{') => self.braces(),
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_alphabetic() || c == '_' => self.name(),
            _ => Err(self.expected("a number, a name or '('")),
        }
    }

    fn close(&mut self) -> Parsed {
        match self.take(')') {
            true => Ok(()),
            false => Err(self.expected("')'")),
        }
    }

    /// A name that may hold anything but a brace.
    fn braces(&mut self) -> Parsed {
        let from = self.at + 1;
        let length = self.characters[from..].iter().position(|c| *c == '}');
        let Some(length) = length else {
            return Err(format!("'}}' is missing for '{{' at column {from}"));
        };
        self.at = from + length + 1;
        let name: String = self.characters[from..from + length].iter().collect();
        self.variable(name.trim());
        Ok(())
    }

    fn number(&mut self) -> Parsed {
        let from = self.at;
        let digits = |parser: &mut Self| {
            let start = parser.at;
            while parser
                .characters
                .get(parser.at)
                .is_some_and(char::is_ascii_digit)
            {
                parser.at += 1;
            }
            parser.at > start
        };
        digits(self);
        if self.characters.get(self.at) == Some(&'.') {
            self.at += 1;
            digits(self);
        }
        let exponent = self.at;
        if let Some('e' | 'E') = self.characters.get(self.at) {
            self.at += 1;
            if let Some('+' | '-') = self.characters.get(self.at) {
                self.at += 1;
            }
            if !digits(self) {
                self.at = exponent;
            }
        }
        let text: String = self.characters[from..self.at].iter().collect();
        let value = text.parse::<f64>();
        let value = value.map_err(|_| format!("'{text}' at column {} is no number", from + 1))?;
        self.operations.push(Operation::Constant(value));
        Ok(())
    }

    fn name(&mut self) -> Parsed {
        let from = self.at;
        let part = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '.');
        while self.characters.get(self.at).is_some_and(part) {
            self.at += 1;
        }
        let name: String = self.characters[from..self.at].iter().collect();
        let is_function = FUNCTIONS.iter().any(|(known, _)| *known == name)
            || FUNCTIONS_2.iter().any(|(known, _)| *known == name);
        match (self.peek(), name.as_str()) {
            (Some('('), _) => self.call(&name, from + 1),
            (_, "pi" | "π") => {
                self.operations
                    .push(Operation::Constant(std::f64::consts::PI));
                Ok(())
            }
            _ if is_function => Err(format!(
                "'{name}' at column {} is a function: write {name}(…), or {{{name}}} for a parameter of that name",
                from + 1
            )),
            _ => {
                self.variable(&name);
                Ok(())
            }
        }
    }

    fn variable(&mut self, name: &str) {
        let known = self.variables.iter().position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            self.variables.push(name.to_owned());
            self.variables.len() - 1
        });
        self.operations.push(Operation::Variable(place));
    }

    fn call(&mut self, name: &str, column: usize) -> Parsed {
        self.at += 1;
        let one = FUNCTIONS.iter().find(|(known, _)| *known == name);
        let two = FUNCTIONS_2.iter().find(|(known, _)| *known == name);
        match (one, two) {
            (Some((_, function)), _) => {
                self.deeper(Self::sum)?;
                self.close()?;
                self.emit(Operation::Call(*function));
            }
            (None, Some((_, function))) => {
                self.deeper(Self::sum)?;
                if !self.take(',') {
                    return Err(self.expected(&format!("',' ({name} takes two values)")));
                }
                self.deeper(Self::sum)?;
                self.close()?;
                self.emit(Operation::Call2(*function));
            }
            (None, None) => {
                let known = FUNCTIONS.iter().map(|(known, _)| *known);
                let known = known.chain(FUNCTIONS_2.iter().map(|(known, _)| *known));
                let near = suggestion(name, known.clone());
                return Err(format!(
                    "unknown function '{name}' at column {column}{near}; known: {}; a product needs a '*'",
                    known.collect::<Vec<_>>().join(", ")
                ));
            }
        }
        Ok(())
    }
}
