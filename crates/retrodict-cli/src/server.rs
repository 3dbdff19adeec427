//! Simulators offered over HTTP; what is asked and answered is in `protocol`, who may ask in `gate`.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use retrodict::interrupt::Interrupt;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

mod budget;
mod config;
mod gate;
mod offer;
mod places;
pub mod protocol;
mod refusal;

pub use budget::Budget;
pub use gate::Gate;
pub use offer::Offer;

use places::{Places, Seat, Watched};
use refusal::Refusal;

/// In which time the header of a request must be whole, and how long a client may then be silent.
const SILENCE: Duration = Duration::from_secs(10);

/// How many bytes a second a question must come at, on average.
const SLOWEST: u32 = 16 * 1024;

/// How often it is looked whether to stop.
const GLANCE: Duration = Duration::from_millis(50);

/// How often it is looked for clients that are silent.
const ROUND: Duration = Duration::from_secs(1);

/// How long running evaluations may take at the end; then their clients are told that it is one.
const FAREWELL: Duration = Duration::from_secs(1);

/// How many connections are held.
const CONNECTIONS: usize = 512;

/// How many of the longest questions may be on their way at once.
const QUESTIONS: usize = 4;

/// What a client may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Quotas {
    /// Evaluations at once.
    pub workers: usize,
    /// How long one may take, the wait for a worker included.
    pub time: Duration,
    /// The bytes of a question.
    pub body: usize,
    /// The bytes that evaluations may take together.
    pub memory: f64,
}

struct Service {
    offers: Vec<Offer>,
    gate: Gate,
    limits: Quotas,
    budget: Budget,
    workers: Arc<Semaphore>,
    /// Kibibytes of questions.
    questions: Arc<Semaphore>,
    places: Places,
    /// Whether nothing is waited for any longer.
    over: watch::Sender<bool>,
}

/// Answers until `stop` is raised, and then what was begun.
pub fn serve(
    offers: Vec<Offer>,
    gate: Gate,
    listener: TcpListener,
    limits: Quotas,
    stop: &AtomicBool,
) -> io::Result<()> {
    // One thread reads and writes; the workers compute.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(limits.workers)
        .build()?;
    let questions = (QUESTIONS * kibibytes(limits.body)).min(Semaphore::MAX_PERMITS);
    let service = Arc::new(Service {
        offers,
        gate,
        limits,
        budget: Budget::new(limits.memory),
        workers: Arc::new(Semaphore::new(limits.workers)),
        questions: Arc::new(Semaphore::new(questions)),
        places: Places::new(CONNECTIONS),
        over: watch::Sender::new(false),
    });
    let done = runtime.block_on(accept(service, listener, stop));
    runtime.shutdown_timeout(Duration::ZERO);
    done
}

async fn accept(service: Arc<Service>, listener: TcpListener, stop: &AtomicBool) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut round = Instant::now();
    let mut next = 0;
    while !stop.load(Ordering::SeqCst) {
        if round.elapsed() > ROUND {
            service.places.end_silent(SILENCE);
            round = Instant::now();
        }
        if service.places.full() {
            if !service.places.make_room() {
                tokio::time::sleep(GLANCE).await;
                continue;
            }
            // The one that gives way closes first.
            tokio::task::yield_now().await;
        }
        match timeout(GLANCE, listener.accept()).await {
            Ok(Ok((stream, _))) => {
                hold(&service, stream, next);
                next += 1;
            }
            // Out of files, say: what is open is served on.
            Ok(Err(_)) => {
                service.places.make_room();
                tokio::time::sleep(GLANCE).await;
            }
            Err(_) => {}
        }
    }
    let all = u32::try_from(service.limits.workers).unwrap_or(u32::MAX);
    if timeout(FAREWELL, service.workers.acquire_many(all))
        .await
        .is_err()
    {
        service.over.send_replace(true);
    }
    // The last answers go out.
    tokio::time::sleep(GLANCE).await;
    Ok(())
}

/// Answers on a connection until it ends.
fn hold(service: &Arc<Service>, stream: TcpStream, id: u64) {
    // An answer that waits for the next packet would wait for milliseconds.
    let _ = stream.set_nodelay(true);
    let seat = Arc::new(Seat::new());
    let (kept, shared) = (Arc::clone(&seat), Arc::clone(service));
    let task = tokio::spawn(async move {
        let respond =
            service_fn(|request| respond(Arc::clone(&shared), Arc::clone(&seat), request));
        let stream = Watched {
            stream,
            seat: Arc::clone(&seat),
        };
        // What goes wrong with a connection is the client's to notice.
        let _ = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(SILENCE)
            .serve_connection(TokioIo::new(stream), respond)
            .await;
        shared.places.leave(id);
    });
    service.places.enter(id, kept, task.abort_handle());
}

async fn respond(
    service: Arc<Service>,
    seat: Arc<Seat>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match answer(service, seat, request).await {
        Ok(body) => (200, body),
        Err(refusal) => (refusal.status, refusal.body()),
    };
    let response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        .header(ALLOW, "GET, POST")
        .body(Full::new(Bytes::from(body)));
    Ok(response.unwrap_or_default())
}

async fn answer(
    service: Arc<Service>,
    seat: Arc<Seat>,
    request: Request<Incoming>,
) -> Result<Vec<u8>, Refusal> {
    let path = request.uri().path().to_owned();
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(Refusal::new(
            405,
            "InvalidInput",
            "only GET and POST are supported",
        ));
    }
    service.gate.admit(&request)?;
    let limits = service.limits;
    let (body, room) = question(request.into_body(), &service.questions, limits.body).await?;
    let _work = seat.work();
    // Ends what nobody waits for any longer: its time is over, or the client went away.
    let left = Arc::new(AtomicBool::new(false));
    let _raised_at_the_end = Raise(Arc::clone(&left));
    let limit = Interrupt::default().with_flag(left);
    let limit = match Instant::now().checked_add(limits.time) {
        Some(end) => limit.with_deadline(end),
        None => limit,
    };
    let mut over = service.over.subscribe();
    let work = async {
        let worker = Arc::clone(&service.workers).acquire_owned().await;
        let job = move || {
            // Kept until the end: what is waited for no longer ends at its next look, not at once.
            let (_worker, _room) = (worker, room);
            limit.within(|| protocol::answer(&service.offers, &service.budget, &path, &body))
        };
        tokio::task::spawn_blocking(job).await
    };
    match unless(timeout(limits.time, work), over.wait_for(|over| *over)).await {
        Some(Ok(Ok(answer))) => answer,
        Some(Ok(Err(_))) => Err(Refusal::new(
            500,
            "SimulationFailed",
            "the simulator crashed",
        )),
        Some(Err(_)) => Err(Refusal::time()),
        None => Err(Refusal::over()),
    }
}

/// What work comes to, unless an end comes before.
async fn unless<T>(work: impl Future<Output = T>, end: impl Future) -> Option<T> {
    let (mut work, mut end) = (pin!(work), pin!(end));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => end.as_mut().poll(context).map(|_| None),
    })
    .await
}

/// Raises a flag when it is dropped.
struct Raise(Arc<AtomicBool>);

impl Drop for Raise {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The body of a request, if it comes in time and is not too long, and the room that it takes.
async fn question(
    mut body: Incoming,
    questions: &Arc<Semaphore>,
    most: usize,
) -> Result<(Vec<u8>, Vec<OwnedSemaphorePermit>), Refusal> {
    let refused = |status, message: String| Refusal::new(status, "InvalidInput", message);
    let too_long = || {
        let allowed = "raise the server's --body-limit";
        refused(
            413,
            format!("the request is longer than {most} bytes; {allowed}"),
        )
    };
    let too_slow = || refused(408, "the request arrived too slowly".to_owned());
    // What says that it is too long need not be waited for.
    if body.size_hint().lower() > most as u64 {
        return Err(too_long());
    }
    let begun = Instant::now();
    let (mut bytes, mut room, mut held) = (Vec::new(), Vec::new(), 0);
    loop {
        let frame = match timeout(SILENCE, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => {
                return Err(refused(400, format!("the request broke off: {error}")));
            }
            Ok(None) => return Ok((bytes, room)),
            Err(_) => return Err(too_slow()),
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let length = bytes.len() + data.len();
        if length > most {
            return Err(too_long());
        }
        if begun.elapsed()
            > SILENCE + Duration::from_secs(1) * u32::try_from(length).unwrap_or(u32::MAX) / SLOWEST
        {
            return Err(too_slow());
        }
        let more = kibibytes(length) - held;
        let permits = u32::try_from(more).unwrap_or(u32::MAX);
        let taken = Arc::clone(questions).try_acquire_many_owned(permits);
        room.push(taken.map_err(|_| {
            let message = "too many long requests at once; try again later";
            Refusal::new(503, "Busy", message)
        })?);
        held += more;
        bytes.extend_from_slice(&data);
    }
}

fn kibibytes(bytes: usize) -> usize {
    bytes.div_ceil(1024)
}
