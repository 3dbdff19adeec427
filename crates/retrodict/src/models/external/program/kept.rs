//! A program that stays: it is started once for each call at the same time, and answers line by line.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::super::shape::fitted;
use super::super::{Model, Offers, failed_as};
use crate::core::space::Space;
use crate::error::Result;
use crate::interrupt;

mod protocol;
mod worker;

use protocol::{DESCRIBE, Introduction, Request};
use worker::{Fault, Worker};

/// What a line may hold beside its numbers, which is also all that a program may say of itself.
const OVERHEAD: u64 = 1 << 20;

/// No number takes more bytes, blanks included.
const BYTES_PER_VALUE: u64 = 64;

/// What is run, and how long one answer may take.
pub(super) struct Recipe {
    pub(super) command: Vec<String>,
    pub(super) label: String,
    pub(super) timeout: Duration,
}

impl Recipe {
    /// Starts one and lets it introduce itself.
    fn begin(&self) -> std::result::Result<(Worker, Introduction), String> {
        let mut worker = Worker::start(&self.command)?;
        match worker.ask(&DESCRIBE, OVERHEAD, self.timeout) {
            Ok(answer) => Ok((worker, protocol::introduction(answer)?)),
            Err(Fault::Refused(why) | Fault::Ended(why) | Fault::Astray(why)) => Err(why),
        }
    }

    /// A failure of the program, unless the work was interrupted.
    fn failed(&self, message: String) -> crate::error::Error {
        let failure = |message| failed_as(self.label.clone(), message);
        interrupt::check().err().unwrap_or_else(|| failure(message))
    }
}

/// A program that stays, as a model: those that run and have nothing to do wait here.
pub(super) struct Resident {
    program: Recipe,
    introduction: Introduction,
    input: Space,
    output: Space,
    idle: Mutex<Vec<Worker>>,
    /// The process that started them: after a fork they are another's.
    owner: AtomicU32,
}

impl Resident {
    /// Starts the program once, which says what it is; the shapes of x and y are those stated, if they are.
    pub(super) fn start(
        program: Recipe,
        input_shape: Option<Vec<usize>>,
        output_shape: Option<Vec<usize>>,
    ) -> Result<Self> {
        let (worker, introduction) = program.begin().map_err(|why| program.failed(why))?;
        // Names say how many there are, where nothing else does.
        let labels = introduction.labels.as_ref();
        let named = || Some(vec![labels?.len()]);
        let told = introduction.input_shape.as_deref();
        let stated = match told {
            None => input_shape.or_else(named),
            Some(_) => input_shape,
        };
        let input = fitted("input", stated, told, &program.label)?;
        let told = introduction.output_shape.as_deref();
        let output = fitted("output", output_shape, told, &program.label)?;
        let mut input = Space::new("x", &input, "1");
        if let Some(labels) = &introduction.labels {
            if labels.len() != input.len() {
                return Err(program.failed(format!(
                    "it names {} unknowns, but x has {} values",
                    labels.len(),
                    input.len()
                )));
            }
            if let [(_, unit), rest @ ..] = labels.as_slice()
                && rest.iter().all(|(_, other)| other == unit)
            {
                input.unit.clone_from(unit);
            }
        }
        Ok(Self {
            input,
            output: Space::new("y", &output, "1"),
            program,
            introduction,
            idle: Mutex::new(vec![worker]),
            owner: AtomicU32::new(std::process::id()),
        })
    }

    /// One that has nothing to do, or another one.
    fn take(&self) -> std::result::Result<Worker, String> {
        let here = std::process::id();
        if self.owner.swap(here, Ordering::Relaxed) != here {
            // To end them here would end those of the process that was forked.
            self.idle().drain(..).for_each(std::mem::forget);
        }
        if let Some(worker) = self.idle().pop() {
            return Ok(worker);
        }
        self.another()
    }

    /// Starts one more, which must be as the first.
    fn another(&self) -> std::result::Result<Worker, String> {
        let (worker, introduction) = self.program.begin()?;
        match introduction == self.introduction {
            true => Ok(worker),
            false => Err(
                "started again, it answers 'describe' differently than before: it must always be the same model"
                    .to_owned(),
            ),
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One answer, in row order; a program that ended is started again once.
    fn answer(
        &self,
        request: &Request<'_>,
        shape: &[usize],
    ) -> std::result::Result<Vec<f64>, String> {
        let count = shape.iter().product::<usize>() as u64;
        let longest = OVERHEAD + BYTES_PER_VALUE * count;
        let timeout = self.program.timeout;
        let mut worker = self.take()?;
        let mut found = worker.ask(request, longest, timeout);
        if let Err(Fault::Ended(_)) = found {
            worker = self.another()?;
            found = worker
                .ask(request, longest, timeout)
                .map_err(|fault| match fault {
                    Fault::Ended(why) => {
                        Fault::Ended(format!("started again after it had ended, {why}"))
                    }
                    other => other,
                });
        }
        match found {
            Ok(answer) => {
                self.idle().push(worker);
                protocol::values(answer, request.call, shape)
            }
            Err(Fault::Refused(why)) => {
                self.idle().push(worker);
                Err(why)
            }
            Err(Fault::Ended(why) | Fault::Astray(why)) => Err(why),
        }
    }

    fn ask(&self, call: &str, vectors: &[(&str, &[f64])], shape: &[usize]) -> Result<Vec<f64>> {
        let request = Request { call, vectors };
        let answer = self.answer(&request, shape);
        answer.map_err(|why| self.program.failed(why))
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        let workers = std::mem::take(idle);
        match self.owner.load(Ordering::Relaxed) == std::process::id() {
            true => worker::end(workers),
            false => std::mem::forget(workers),
        }
    }
}

impl Model for Resident {
    fn label(&self) -> String {
        self.program.label.clone()
    }
    fn input(&self) -> &Space {
        &self.input
    }
    fn output(&self) -> &Space {
        &self.output
    }
    fn labels(&self) -> Option<Vec<(String, String)>> {
        self.introduction.labels.clone()
    }
    fn offers(&self) -> Offers {
        self.introduction.offers
    }
    fn evaluate(&self, x: &[f64]) -> Result<Vec<f64>> {
        self.ask("forward", &[("x", x)], &[self.output.len()])
    }
    fn jvp(&self, x: &[f64], dx: &[f64]) -> Result<Vec<f64>> {
        self.ask("jvp", &[("x", x), ("dx", dx)], &[self.output.len()])
    }
    fn vjp(&self, x: &[f64], dy: &[f64]) -> Result<Vec<f64>> {
        self.ask("vjp", &[("x", x), ("dy", dy)], &[self.input.len()])
    }
    fn jacobian(&self, x: &[f64]) -> Result<Vec<f64>> {
        let shape = [self.output.len(), self.input.len()];
        self.ask("jacobian", &[("x", x)], &shape)
    }
}
