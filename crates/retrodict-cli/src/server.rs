//! Simulators offered over HTTP; what is asked and answered is in `protocol`.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio::time::timeout;

mod offer;
mod protocol;

pub use offer::Offer;

use protocol::Refusal;

/// How long a client may take to send a question.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether to stop.
const GLANCE: Duration = Duration::from_millis(50);

/// How long running evaluations may take at the end.
const FAREWELL: Duration = Duration::from_secs(10);

/// How many connections are held.
const CONNECTIONS: usize = 256;

/// What a client may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Evaluations at once.
    pub workers: usize,
    /// How long one may take, the wait for a worker included.
    pub time: Duration,
    /// The bytes of a question.
    pub body: usize,
}

struct Service {
    offers: Vec<Offer>,
    limits: Limits,
    workers: Arc<Semaphore>,
}

/// Answers until `stop` is raised, and then what was begun.
pub fn serve(
    offers: Vec<Offer>,
    listener: TcpListener,
    limits: Limits,
    stop: &AtomicBool,
) -> io::Result<()> {
    // One thread reads and writes; the workers compute.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(limits.workers)
        .build()?;
    let service = Arc::new(Service {
        offers,
        limits,
        workers: Arc::new(Semaphore::new(limits.workers)),
    });
    let done = runtime.block_on(accept(service, listener, stop));
    runtime.shutdown_timeout(Duration::ZERO);
    done
}

async fn accept(service: Arc<Service>, listener: TcpListener, stop: &AtomicBool) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    while !stop.load(Ordering::SeqCst) {
        let Ok(free) = timeout(GLANCE, Arc::clone(&connections).acquire_owned()).await else {
            continue;
        };
        let stream = match timeout(GLANCE, listener.accept()).await {
            Ok(Ok((stream, _))) => stream,
            // Out of files, say: what is open is served on.
            Ok(Err(_)) => {
                tokio::time::sleep(GLANCE).await;
                continue;
            }
            Err(_) => continue,
        };
        // An answer that waits for the next packet would wait for milliseconds.
        let _ = stream.set_nodelay(true);
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            let _free = free;
            let respond = service_fn(|request| respond(Arc::clone(&service), request));
            // What goes wrong with a connection is the client's to notice.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), respond)
                .await;
        });
    }
    let all = u32::try_from(service.limits.workers).unwrap_or(u32::MAX);
    if timeout(FAREWELL, service.workers.acquire_many(all))
        .await
        .is_ok()
    {
        // The last answers go out.
        tokio::time::sleep(GLANCE).await;
    }
    Ok(())
}

async fn respond(
    service: Arc<Service>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match answer(service, request).await {
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

async fn answer(service: Arc<Service>, request: Request<Incoming>) -> Result<Vec<u8>, Refusal> {
    let path = request.uri().path().to_owned();
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(Refusal::new(
            405,
            "InvalidInput",
            "only GET and POST are understood",
        ));
    }
    let limits = service.limits;
    let body = question(request.into_body(), limits.body).await?;
    let work = async {
        let worker = Arc::clone(&service.workers).acquire_owned().await;
        let job = move || {
            // Kept until the end: an evaluation that is waited for no longer still computes.
            let _worker = worker;
            protocol::answer(&service.offers, &path, &body)
        };
        tokio::task::spawn_blocking(job).await
    };
    match timeout(limits.time, work).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Refusal::new(
            500,
            "SimulationFailed",
            "the simulator broke down",
        )),
        Err(_) => Err(Refusal::new(
            503,
            "Timeout",
            format!(
                "no result within {} s; the server's --timeout allows more",
                limits.time.as_secs_f64()
            ),
        )),
    }
}

/// The body of a request, if it comes in time and is not too long.
async fn question(body: Incoming, most: usize) -> Result<Bytes, Refusal> {
    let refused = |status, message: String| Refusal::new(status, "InvalidInput", message);
    let too_long = || {
        let allowed = "the server's --body-limit allows more";
        refused(
            413,
            format!("the question is longer than {most} bytes; {allowed}"),
        )
    };
    // What says that it is too long need not be waited for.
    if body.size_hint().lower() > most as u64 {
        return Err(too_long());
    }
    match timeout(PATIENCE, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(error)) => Err(refused(400, format!("the question broke off: {error}"))),
        Err(_) => Err(refused(408, "the question took too long".to_owned())),
    }
}
