//! One inversion of the user's data, in six rooms: its file, its plan, its preview, its run, its answer, its folder.

pub mod answer;
mod file;
mod folder;
pub mod plan;
mod preview;
mod run;

pub use answer::assess::assess;
pub use answer::posterior::{PosteriorFacts, posterior};
pub use answer::profiles::ProfileFacts;
pub use answer::statistics::{Parameter, Statistics};
pub use answer::summary::{chosen, doubts, ending, headline, summary};
pub use answer::{Answer, answers, joined};
pub use file::arguments::{from_arguments, number, prior, sides};
pub use file::fingerprint::fingerprint;
pub use file::{anchor, apply_all, keep_standard_input, read_file};
pub use folder::{contents_of, forget_inversion, is_inversion, read, write, write_inversion};
pub use plan::weight::Chosen;
pub use plan::{Plan, target_name};
pub use preview::{Destination, Preview};
pub use run::checkpoint::CheckpointFile;
pub use run::keeper::Keeper;
pub use run::keeping::{checkpoint, keep_going, watched, weigh};
pub use run::resume::{Change, reopen};
pub use run::steps::go;
pub use run::watch::Watch;
pub use run::{Run, fresh};
