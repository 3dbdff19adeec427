//! The only door to the linear-algebra crate.
//!
//! Dense matrices and their decompositions, Krylov methods on [`LinearMap`]s,
//! and powers of a pseudo-inverse, which is what most update rules come down to.

mod decompositions;
mod lanczos;
mod linear_map;
mod lsmr;
mod matrix;
mod nearest;
mod power;
mod product;
mod randomised;
mod row_space;
mod small;
mod triangle;
mod tridiagonal;
mod vectors;
mod wide;

pub(crate) use decompositions::SMALL;
pub use decompositions::{Cholesky, Svd, SymmetricEigen, cholesky, svd, symmetric_eigen};
pub use lanczos::{Operator, symmetric_function};
pub(crate) use lanczos::{lowest_ritz_pair, spectral_measure};
pub use linear_map::LinearMap;
pub(crate) use linear_map::by_products;
pub use lsmr::{LsmrOptions, LsmrReport, lsmr};
pub use matrix::Matrix;
pub(crate) use nearest::nearest;
pub use power::{Engine, PowerReport, pseudo_inverse_power};
pub use product::{Real, View, multiply, multiply_add};
pub use randomised::{LowRank, RowOperator, Sketch, randomised_eigen};
pub use row_space::row_space_function;
pub(crate) use triangle::triangle;
pub(crate) use vectors::orthogonalise;
pub use vectors::{axpy, axpy_dot, distance_squared, dot, is_finite, norm};
pub(crate) use wide::wide;
