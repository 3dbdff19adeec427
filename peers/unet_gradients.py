"""A small U-Net in JAX: its outputs and the gradient of Σ w·y in θ, for crates/retrodict/tests/unet.rs.

θ, the inputs and w are formulas of their index, which the test repeats. The archive holds what comes
out in double and in single precision. Run it in the environment that peers/run makes, with JAX 0.10.2:

    peers/.venv/bin/python peers/unet_gradients.py

It prints how far single precision is from double; the test allows 1e-5.
"""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")

FILTERS, SIZE, BATCH, CHANNELS = (4, 6, 8), 16, 3, 1
OUT = pathlib.Path(__file__).parent.parent / "crates/retrodict/tests/data/unet_jax.npz"


def layout():
    """Names and shapes of θ's arrays, in order."""
    arrays = []

    def pair(name, inputs, channels):
        for half, seen in (("a", inputs), ("b", channels)):
            arrays.append((f"{name}{half}.weight", (3, 3, seen, channels)))
            arrays.append((f"{name}{half}.scale", (channels,)))
            arrays.append((f"{name}{half}.shift", (channels,)))

    seen = CHANNELS
    for level, channels in enumerate(FILTERS):
        pair(f"down{level + 1}", seen, channels)
        seen = channels
    for level in reversed(range(len(FILTERS) - 1)):
        pair(f"up{level + 1}", FILTERS[level] + FILTERS[level + 1], FILTERS[level])
    arrays.append(("out.weight", (1, 1, FILTERS[0], CHANNELS)))
    arrays.append(("out.bias", (CHANNELS,)))
    return arrays


def formula():
    """θ: kernels of a size that keeps sums near 1; γ around 1; β and the bias around 0."""
    pieces, start = [], 0
    for name, shape in layout():
        i = np.arange(start, start + np.prod(shape), dtype=float)
        start += len(i)
        wave = np.sin(2.1 * i + 0.3 * np.sqrt(i))
        if name.endswith("weight"):
            wave *= 0.3
        elif name.endswith("scale"):
            wave = 1 + 0.2 * wave
        else:
            wave *= 0.1
        pieces.append(wave)
    return np.concatenate(pieces)


def convolve(x, kernel):
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def halve(x):
    n, rows, cols, channels = x.shape
    return x.reshape(n, rows // 2, 2, cols // 2, 2, channels).max(axis=(2, 4))


def double(x):
    """Between the centres of pixels: ¾ of the nearer one, ¼ of the other, the border repeated."""
    for axis in (1, 2):
        before = jnp.concatenate([lax.slice_in_dim(x, 0, 1, axis=axis), lax.slice_in_dim(x, 0, -1, axis=axis)], axis)
        after = jnp.concatenate([lax.slice_in_dim(x, 1, None, axis=axis), lax.slice_in_dim(x, -1, None, axis=axis)], axis)
        pairs = jnp.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
        x = pairs.reshape(*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis + 1 :])
    return x


def network(theta, x):
    """x: batch × rows × cols × channels."""
    arrays, start = {}, 0
    for name, shape in layout():
        size = int(np.prod(shape))
        arrays[name] = theta[start : start + size].reshape(shape)
        start += size

    def pair(name, x):
        for half in "ab":
            z = convolve(x, arrays[f"{name}{half}.weight"])
            mean = z.mean(axis=(0, 1, 2))
            variance = ((z - mean) ** 2).mean(axis=(0, 1, 2))
            z = (z - mean) / jnp.sqrt(variance + 1e-5)
            x = jax.nn.relu(arrays[f"{name}{half}.scale"] * z + arrays[f"{name}{half}.shift"])
        return x

    left = [pair("down1", x)]
    for level in range(1, len(FILTERS)):
        left.append(pair(f"down{level + 1}", halve(left[-1])))
    x = left[-1]
    for level in reversed(range(len(FILTERS) - 1)):
        x = pair(f"up{level + 1}", jnp.concatenate([left[level], double(x)], axis=-1))
    return convolve(x, arrays["out.weight"]) + arrays["out.bias"]


def run(dtype):
    """Outputs and gradient, in fields of one channel after the other."""
    i = np.arange(BATCH * SIZE * SIZE, dtype=float)
    x = np.sin(0.37 * i + 0.3) + 0.5 * np.cos(0.011 * i)
    w = np.cos(0.9 * i + 0.1)
    shape = (BATCH, SIZE, SIZE, CHANNELS)
    theta, x, w = (jnp.asarray(a, dtype) for a in (formula(), x.reshape(shape), w.reshape(shape)))
    upsampled = jax.image.resize(x, (BATCH, 2 * SIZE, 2 * SIZE, CHANNELS), "linear")
    assert np.abs(upsampled - double(x)).max() < 1e-5, "interpolation is not that of half-pixel centres"

    def loss(theta):
        y = network(theta, x)
        return jnp.sum(w * y), y

    (_, y), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(theta)
    return np.asarray(y, float).ravel(), np.asarray(gradient, float)


def main():
    y, gradient = run(jnp.float64)
    y_single, gradient_single = run(jnp.float32)
    for what, single, exact in (("outputs", y_single, y), ("gradient", gradient_single, gradient)):
        print(f"{what}: {len(exact)} values, single differs by {np.linalg.norm(single - exact) / np.linalg.norm(exact):.1e}")
    arrays = {"y": y, "gradient": gradient, "y_single": y_single, "gradient_single": gradient_single}
    np.savez_compressed(OUT, **arrays)
    print(f"{OUT}: {OUT.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
