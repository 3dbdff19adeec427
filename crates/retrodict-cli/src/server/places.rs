//! The connections that are held. Where there are too many, the one that has kept the server waiting longest gives
//! way, so that clients who say nothing cannot keep others out.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::AbortHandle;

/// All connections.
pub struct Places {
    most: usize,
    held: Mutex<BTreeMap<u64, Held>>,
}

struct Held {
    seat: Arc<Seat>,
    abort: AbortHandle,
}

/// What is known of a connection.
pub struct Seat {
    begun: Instant,
    /// Whether the server is at work for it; else the client is waited for.
    works: AtomicBool,
    /// Since when the client is waited for, in milliseconds.
    waits_since: AtomicU64,
    /// When bytes last went either way.
    moved: AtomicU64,
}

impl Places {
    /// Places for so many connections.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            held: Mutex::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<u64, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all places are taken.
    pub fn full(&self) -> bool {
        self.held().len() >= self.most
    }

    /// Notes a connection.
    pub fn enter(&self, id: u64, seat: Arc<Seat>, abort: AbortHandle) {
        self.held().insert(id, Held { seat, abort });
    }

    /// Forgets a connection that ended.
    pub fn leave(&self, id: u64) {
        self.held().remove(&id);
    }

    /// Ends the connection whose client was waited for longest; `false` if the server is at work for all.
    pub fn make_room(&self) -> bool {
        let mut held = self.held();
        let idle = held
            .iter()
            .filter(|(_, h)| !h.seat.works.load(Ordering::Relaxed));
        let oldest = idle
            .min_by_key(|(_, h)| h.seat.begun + h.seat.waits_since())
            .map(|(id, _)| *id);
        let gone = oldest.and_then(|id| held.remove(&id));
        if let Some(gone) = &gone {
            gone.abort.abort();
        }
        gone.is_some()
    }

    /// Ends all whose client neither sends nor reads for so long.
    pub fn end_silent(&self, silence: Duration) {
        self.held().retain(|_, held| {
            let seat = &held.seat;
            let silent = seat.begun.elapsed().saturating_sub(seat.moved()) > silence;
            let stays = seat.works.load(Ordering::Relaxed) || !silent;
            if !stays {
                held.abort.abort();
            }
            stays
        });
    }
}

impl Seat {
    /// A connection that begins now.
    pub fn new() -> Self {
        Self {
            begun: Instant::now(),
            works: AtomicBool::new(false),
            waits_since: AtomicU64::new(0),
            moved: AtomicU64::new(0),
        }
    }

    /// The server works for it until the guard is dropped.
    pub fn work(self: &Arc<Self>) -> Work {
        self.works.store(true, Ordering::Relaxed);
        Work(Arc::clone(self))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn waits_since(&self) -> Duration {
        Duration::from_millis(self.waits_since.load(Ordering::Relaxed))
    }

    fn moved(&self) -> Duration {
        Duration::from_millis(self.moved.load(Ordering::Relaxed))
    }
}

/// While it lasts, the server works for a connection.
pub struct Work(Arc<Seat>);

impl Drop for Work {
    fn drop(&mut self) {
        let now = self.0.now();
        self.0.waits_since.store(now, Ordering::Relaxed);
        self.0.moved.store(now, Ordering::Relaxed);
        self.0.works.store(false, Ordering::Relaxed);
    }
}

/// A stream that notes when bytes go.
pub struct Watched<S> {
    pub stream: S,
    pub seat: Arc<Seat>,
}

impl<S> Watched<S> {
    fn noted(&self, sent: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(sent, Poll::Ready(Ok(n)) if n > 0) {
            self.seat.moved.store(self.seat.now(), Ordering::Relaxed);
        }
        sent
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.seat.moved.store(self.seat.now(), Ordering::Relaxed);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.noted(sent)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.noted(sent)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
