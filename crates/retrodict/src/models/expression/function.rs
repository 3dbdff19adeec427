//! The functions that a formula may call.

use crate::core::number::Number;

/// A function of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Function {
    Abs,
    Acos,
    Asin,
    Atan,
    Cbrt,
    Cos,
    Cosh,
    Exp,
    Exp2,
    ExpM1,
    Ln,
    Ln1p,
    Log10,
    Log2,
    Sin,
    Sinh,
    Sqrt,
    Tan,
    Tanh,
}

/// A function of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Function2 {
    Max,
    Min,
    Pow,
}

/// The names of functions of one value; several may mean the same.
pub(super) const FUNCTIONS: [(&str, Function); 20] = [
    ("abs", Function::Abs),
    ("acos", Function::Acos),
    ("asin", Function::Asin),
    ("atan", Function::Atan),
    ("cbrt", Function::Cbrt),
    ("cos", Function::Cos),
    ("cosh", Function::Cosh),
    ("exp", Function::Exp),
    ("exp2", Function::Exp2),
    ("expm1", Function::ExpM1),
    ("ln", Function::Ln),
    ("log", Function::Ln),
    ("log10", Function::Log10),
    ("log1p", Function::Ln1p),
    ("log2", Function::Log2),
    ("sin", Function::Sin),
    ("sinh", Function::Sinh),
    ("sqrt", Function::Sqrt),
    ("tan", Function::Tan),
    ("tanh", Function::Tanh),
];

/// The names of functions of two values.
pub(super) const FUNCTIONS_2: [(&str, Function2); 3] = [
    ("max", Function2::Max),
    ("min", Function2::Min),
    ("pow", Function2::Pow),
];

impl Function {
    pub(super) fn of<D: Number>(self, x: D) -> D {
        match self {
            Self::Abs => x.abs(),
            Self::Acos => x.acos(),
            Self::Asin => x.asin(),
            Self::Atan => x.atan(),
            Self::Cbrt => x.cbrt(),
            Self::Cos => x.cos(),
            Self::Cosh => x.cosh(),
            Self::Exp => x.exp(),
            Self::Exp2 => x.exp2(),
            Self::ExpM1 => x.exp_m1(),
            Self::Ln => x.ln(),
            Self::Ln1p => x.ln_1p(),
            Self::Log10 => x.log10(),
            Self::Log2 => x.log2(),
            Self::Sin => x.sin(),
            Self::Sinh => x.sinh(),
            Self::Sqrt => x.sqrt(),
            Self::Tan => x.tan(),
            Self::Tanh => x.tanh(),
        }
    }
}

impl Function2 {
    pub(super) fn of<D: Number>(self, a: D, b: D) -> D {
        match self {
            Self::Pow => a.pow(b),
            _ if self.takes_first(a.re(), b.re()) => a,
            _ => b,
        }
    }

    /// Whether the greater or less is the first; a NaN stays one.
    #[inline(always)]
    pub(super) fn takes_first(self, a: f64, b: f64) -> bool {
        match self {
            Self::Max => a >= b || a.is_nan(),
            Self::Min => a <= b || a.is_nan(),
            Self::Pow => false,
        }
    }
}
