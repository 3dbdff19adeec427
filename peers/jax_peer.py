"""Time-dependent physics in JAX, compiled, in double precision."""

import jax
import jax.numpy as jnp
import numpy as np

import peer

jax.config.update("jax_enable_x64", True)

POINTS, STEPS, DT, WIDTH, SAMPLES = 16, 384, 0.05, 2.0, 16
INNER = POINTS - 2
DX = WIDTH / (POINTS - 1)
X = DX * jnp.arange(1, INNER + 1)
R = 0.5 * DT / DX**2


def thomas(diagonal, off, b):
    """Solves a complex tridiagonal system with constant neighbours."""

    def down(carry, inputs):
        pivot, value = carry
        d, rhs = inputs
        pivot = d - off * off / pivot
        return (pivot, rhs - off * value / carry[0]), (carry[0], value)

    (pivot, value), (pivots, values) = jax.lax.scan(down, (diagonal[0], b[0]), (diagonal[1:], b[1:]))

    def up(z, inputs):
        p, v = inputs
        z = (v - off * z) / p
        return z, z

    last = value / pivot
    _, rest = jax.lax.scan(up, last, (pivots, values), reverse=True)
    return jnp.concatenate([rest, last[None]])


def dense(diagonal, off, b):
    """The same by a dense solve, which XLA may do faster for so few points."""
    matrix = jnp.diag(diagonal) + off * (jnp.eye(INNER, k=1) + jnp.eye(INNER, k=-1))
    return jnp.linalg.solve(matrix, b)


def final_state(solve, control):
    angle = np.pi / (INNER + 1)
    start = np.sqrt(2 / (INNER + 1)) * jnp.sin(angle * jnp.arange(1, INNER + 1)) + 0j

    def step(psi, u):
        diagonal = 1 + 1j * (2 * R + 0.5 * DT * u * X)
        return 2 * solve(diagonal, -1j * R, psi) - psi, None

    psi, _ = jax.lax.scan(step, start, control)
    return jnp.concatenate([psi.real, psi.imag])


def schroedinger(solve):
    """Value and all of dy/du for 16 controls."""
    steps = np.arange(STEPS)
    controls = jnp.array([np.sin((0.1 + 0.01 * k) * steps) for k in range(SAMPLES)])

    def both(control):
        y, pull = jax.vjp(lambda u: final_state(solve, u), control)
        (rows,) = jax.vmap(pull)(jnp.eye(y.size))
        return y, rows

    run = jax.jit(jax.vmap(both))

    def work():
        y, rows = run(controls)
        return float(np.abs(np.asarray(rows)).sum())

    return work


def workload(name):
    kind, _, variant = name.partition("/")
    solvers = {"thomas": thomas, "dense": dense}
    return {"schroedinger-16": lambda: schroedinger(solvers[variant])}[kind]()


if __name__ == "__main__":
    peer.serve(workload)
