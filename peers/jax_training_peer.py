"""Training steps in JAX, compiled, in double precision: a step with Adam, and half-inverse gradients.

Half-inverse steps come as `svd` (all rows of J by vmap of vjp, and its SVD, as published), as `gram` (the
same rows, J Jᵀ and its eigenvalues) and as `layers` (J Jᵀ from what each layer saw and passed back, as
retrodict does it, without J). Compilation is not timed; what it took is told on stderr.
"""

import sys
import time

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

import peer

jax.config.update("jax_enable_x64", True)

MANY = 100


def weights(widths, seed=1):
    random = np.random.default_rng(seed)
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        limit = np.sqrt(6 / (inputs + outputs))
        layers.append((jnp.asarray(random.uniform(-limit, limit, (inputs, outputs))), jnp.zeros(outputs)))
    return layers


def mlp(theta, x, activation):
    return mlp_shifted(theta, [0.0] * len(theta), x, activation)[0]


def mlp_shifted(theta, shifts, x, activation):
    """The outputs where a shift is added to each layer's sums, and what each layer saw."""
    seen = []
    for layer, ((w, b), shift) in enumerate(zip(theta, shifts)):
        seen.append(x)
        x = x @ w + b + shift
        if layer + 1 < len(theta):
            x = activation(x)
    return x, seen


def adam_steps():
    """A hundred steps of 4-20-20-20-24 on batches of 32, in one call."""
    random = np.random.default_rng(1)
    inputs, labels = jnp.asarray(random.random((MANY, 32, 4))), jnp.full((MANY, 32, 24), 0.1)
    theta = weights([4, 20, 20, 20, 24])
    zero = jax.tree.map(jnp.zeros_like, theta)

    def loss(theta, x, target):
        return 0.5 * jnp.sum((mlp(theta, x, jnp.tanh) - target) ** 2) / 32

    def step(carry, data):
        theta, m, v, t = carry
        value, g = jax.value_and_grad(loss)(theta, *data)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        first, second = 1 / (1 - 0.9**t), 1 / (1 - 0.999**t)
        theta = jax.tree.map(lambda p, m, v: p - 1e-3 * m * first / (jnp.sqrt(v * second) + 1e-8), theta, m, v)
        return (theta, m, v, t), value

    run = jax.jit(lambda carry: jax.lax.scan(step, carry, (inputs, labels)))
    carry = (theta, zero, zero, 0.0)

    def work():
        nonlocal carry
        carry, values = run(carry)
        values.block_until_ready()
        return 0

    return work


def chain(steps, dt, kappa, alpha, strength):
    """Two oscillators from a state of their own, pushed at the second one."""

    def rate(s, u):
        x, p = s[:2], s[2:]
        d = x[1] - x[0]
        pull = (kappa + 4 * alpha * d * d) * d
        return jnp.stack([p[0], p[1], -x[0] + pull, -x[1] - pull + strength * u])

    def physics(u, start):
        def step(s, u):
            a = rate(s, u)
            b = rate(s + 0.5 * dt * a, u)
            c = rate(s + 0.5 * dt * b, u)
            d = rate(s + dt * c, u)
            return s + dt / 6 * (a + 2 * b + 2 * c + d), None

        return jax.lax.scan(step, start, u)[0]

    return physics


def well():
    import jax_peer

    return lambda u, _: jax_peer.final_state(jax_peer.thomas, u)


def laplace(x, _):
    f = jnp.pad(x.reshape(8, 8), 1)
    return (f[2:, 1:-1] + f[:-2, 1:-1] + f[1:-1, 2:] + f[1:-1, :-2] - 4 * f[1:-1, 1:-1]).ravel()


def infidelity(y, target):
    half = y.shape[0] // 2
    overlap = jnp.vdot(target[:half] + 1j * target[half:], y[:half] + 1j * y[half:])
    return 1 - jnp.abs(overlap) ** 2 / (jnp.sum(y * y) * jnp.sum(target * target))


def squared(y, target):
    return jnp.sum((y - target) ** 2)


def experiment(name):
    """Physics, loss, widths, activation, batch, truncation."""
    oscillators = chain(24, 0.5, 0.2, 0.0, 1.0)
    nonlinear = chain(96, 0.125, 0.0, 0.25, 3.0)
    small = [20, 20, 20]
    return {
        "hig-oscillators": lambda: (oscillators, squared, [4, *small, 24], jnp.tanh, 32, 1e-5),
        "hig-nonlinear": lambda: (nonlinear, squared, [4, *small, 96], jax.nn.relu, 128, 1e-6),
        "hig-dipole": lambda: (well(), infidelity, [28, *small, 384], jnp.tanh, 16, 1e-5),
        "hig-poisson-16": lambda: (laplace, squared, [64, 64, 128, 64, 64], jnp.tanh, 16, 1e-5),
        "hig-poisson-64": lambda: (laplace, squared, [64, 64, 128, 64, 64], jnp.tanh, 64, 1e-5),
    }[name]()


def half_inverse(name, variant):
    physics, loss, widths, activation, batch, truncation = experiment(name)
    random = np.random.default_rng(1)
    inputs = random.random((batch, widths[0]))
    if name == "hig-dipole":
        inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    inputs = jnp.asarray(inputs)
    flat, shape = jax.flatten_util.ravel_pytree(weights(widths))

    def outputs(theta, x):
        return physics(mlp(shape(theta), x, activation), x)

    def gram_by_layers(theta):
        """As `MlpMap::gram`: rows of the gradient of a layer are δ ⊗ (a, 1)."""
        layers = shape(theta)
        zeros = [jnp.zeros(b.size) for _, b in layers]

        def shifted(shifts, x):
            return physics(mlp_shifted(layers, shifts, x, activation)[0], x)

        deltas = jax.vmap(jax.jacrev(shifted), (None, 0))(zeros, inputs)
        _, seen = jax.vmap(lambda x: mlp_shifted(layers, zeros, x, activation))(inputs)
        gram = 0
        for delta, a in zip(deltas, seen):
            rows = delta.reshape(-1, delta.shape[-1])
            products = (rows @ rows.T).reshape(batch, -1, batch, delta.shape[1])
            gram += products * (a @ a.T + 1)[:, None, :, None]
        return gram.reshape(batch * deltas[0].shape[1], -1)

    def inverse_root(gram, g):
        values, vectors = jnp.linalg.eigh(gram)
        kept = values >= max(truncation**2, 2.2e-16) * values[-1]
        weight = jnp.where(kept, jnp.where(kept, values, 1.0) ** -0.75, 0)
        return vectors @ (weight * (vectors.T @ g))

    @jax.jit
    def step(theta):
        if variant == "layers":
            y, pull = jax.vjp(lambda theta: jax.vmap(outputs, (None, 0))(theta, inputs), theta)
            g = jax.vmap(jax.grad(loss))(y, inputs).ravel() / batch
            (change,) = pull(inverse_root(gram_by_layers(theta), g).reshape(y.shape))
            return theta - 0.01 * change
        # Of each sample alone: rows of one sample do not see the others.
        y = jax.vmap(outputs, (None, 0))(theta, inputs)
        j = jax.vmap(jax.jacrev(outputs), (None, 0))(theta, inputs)
        j = j.reshape(-1, theta.size)
        g = jax.vmap(jax.grad(loss))(y, inputs).ravel() / batch
        if variant == "svd":
            u, s, vt = jnp.linalg.svd(j, full_matrices=False)
            weight = jnp.where(s >= truncation * s[0], s**-0.5, 0)
            return theta - 0.01 * ((u.T @ g) * weight) @ vt
        return theta - 0.01 * inverse_root(j @ j.T, g) @ j

    def work():
        # Always from the same θ: the work is the same, and it cannot explode.
        step(flat).block_until_ready()
        return 0

    return work


def workload(name):
    kind, _, variant = name.partition("/")
    work = adam_steps() if kind == "mlp-32" else half_inverse(kind, variant)
    start = time.perf_counter()
    work()
    print(f"{name}: compiled in {time.perf_counter() - start:.1f} s, which is not counted", file=sys.stderr)
    return work


if __name__ == "__main__":
    peer.serve(workload)
