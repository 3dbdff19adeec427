//! Grids and waves: Fourier, sine and cosine transforms, and inverses in the space of wavenumbers.

pub(crate) mod basis;
pub mod fourier;
pub(crate) mod grid;
pub mod regularisation;
pub mod waves;
