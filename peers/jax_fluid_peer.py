"""The staggered flow of retrodict's `fluid` in JAX: the same scheme, compiled, in single precision."""

import jax
import jax.numpy as jnp
import numpy as np

import peer

N, STEPS = 64, 8
I, J = jnp.meshgrid(jnp.arange(N), jnp.arange(N), indexing="ij")
_k = 2 * np.pi * np.fft.fftfreq(N)
_r = 2 * np.pi * np.fft.rfftfreq(N)
_eigen = 4 * np.sin(_k[:, None] / 2) ** 2 + 4 * np.sin(_r[None, :] / 2) ** 2
GAINS = jnp.array(np.where(_eigen > 0, 1 / np.where(_eigen > 0, _eigen, 1), 0), dtype=jnp.float32)
_share = (np.arange(N) + 0.5) / N
_wave = np.sin(4 * np.pi * _share)
MARKER = jnp.array(0.5 + 0.5 * _wave[:, None] * _wave[None, :], dtype=jnp.float32)


def interpolate(field, d0, d1):
    """The field at each cell + (d0, d1), round the grid."""
    k0, k1 = jnp.floor(d0), jnp.floor(d1)
    p0, p1 = d0 - k0, d1 - k1
    i0 = (I + k0.astype(jnp.int32)) % N
    j0 = (J + k1.astype(jnp.int32)) % N
    i1, j1 = (i0 + 1) % N, (j0 + 1) % N
    flat = field.reshape(-1)
    a, b = flat[i0 * N + j0], flat[i0 * N + j1]
    c, d = flat[i1 * N + j0], flat[i1 * N + j1]
    above, below = a + p1 * (b - a), c + p1 * (d - c)
    return above + p0 * (below - above)


def carry(field, d0, d1):
    """MacCormack's advection."""
    predicted = interpolate(field, -d0, -d1)
    return predicted + 0.5 * (field - interpolate(predicted, d0, d1))


def project(v0, v1):
    vorticity = v1 - jnp.roll(v1, 1, 0) - (v0 - jnp.roll(v0, 1, 1))
    stream = jnp.fft.irfft2(jnp.fft.rfft2(vorticity) * GAINS, s=(N, N))
    return (
        v0.mean() + jnp.roll(stream, -1, 1) - stream,
        v1.mean() + stream - jnp.roll(stream, -1, 0),
    )


def at_faces(v0, v1):
    """Each component at the faces of the other."""
    right = v1 + jnp.roll(v1, -1, 1)
    left = v0 + jnp.roll(v0, 1, 1)
    return 0.25 * (right + jnp.roll(right, 1, 0)), 0.25 * (left + jnp.roll(left, -1, 0))


def run(velocity):
    state = (MARKER, *project(velocity[0], velocity[1]))

    def step(state, _):
        marker, v0, v1 = state
        v1_at_0, v0_at_1 = at_faces(v0, v1)
        v0, v1 = project(carry(v0, v0, v1_at_0), carry(v1, v0_at_1, v1))
        along0 = 0.5 * (v0 + jnp.roll(v0, -1, 0))
        along1 = 0.5 * (v1 + jnp.roll(v1, -1, 1))
        return (carry(marker, along0, along1), v0, v1), None

    (marker, _, _), _ = jax.lax.scan(step, state, length=STEPS)
    return marker


def velocities(batch):
    a = 2 * np.pi * np.arange(N)[:, None] / N
    b = 2 * np.pi * np.arange(N)[None, :] / N
    fields = [(0.5 * np.sin(a + 0.3 * k) * np.cos(b), 0.5 * np.cos(a + 0.1 * k) * np.sin(2 * b)) for k in range(batch)]
    return jnp.array(np.array(fields), dtype=jnp.float32)


def workload(name):
    x = velocities(int(name.split("-")[-1]))
    work = jax.vmap(run)
    if "gradient" in name:
        work = jax.vmap(jax.grad(lambda v: 0.5 * jnp.sum(run(v) ** 2)))
    work = jax.jit(work)
    return lambda: np.abs(np.asarray(work(x), dtype=np.float64)).sum()


if __name__ == "__main__":
    peer.serve(workload)
