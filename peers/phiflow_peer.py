"""The physical-gradient step of the heat experiment in PhiFlow, compiled by JAX."""

import numpy as np
from phi.jax.flow import batch, math, spatial, tensor

import peer

NU_T = 8.0
RELATIVE_NOISE = 1e-6

math.set_global_precision(64)


def step_on_boxes():
    """One step with probabilistic damping on each of the 128 fields, all in one batch."""
    fields = np.load(peer.DATA / "heat_boxes_128.npz")["x"].astype(float).reshape(-1, 64, 64)
    x = tensor(fields, batch("examples"), spatial("x,y"))
    frequencies = math.fftfreq(x.shape.spatial)
    exponents = (2 * math.pi) ** 2 * math.squared_norm(frequencies) * NU_T
    h = math.exp(-exponents)

    def blur(field):
        return math.real(math.ifft(math.fft(field) * h))

    def undo(residual):
        spectrum = math.fft(residual)
        amplitude = math.abs(spectrum)
        noise = math.sqrt(math.sum((RELATIVE_NOISE * residual) ** 2, spatial))
        signal = 0.5 * math.exp(-0.5 * (amplitude / (64 * h)) ** 2)
        background = 0.5 * math.exp(-0.5 * (amplitude / noise) ** 2)
        p = math.safe_div(signal, signal + background)
        sure = (p <= 0.5) | (p >= 0.68)
        power = math.where(sure, 2 * (p - 0.5), 0)
        return math.real(math.ifft(spectrum * math.exp(power * exponents)))

    @math.jit_compile
    def step(guess, target):
        guess = guess + undo(target - blur(guess))
        loss = 0.5 * math.sum((blur(guess) - target) ** 2, spatial)
        return guess, loss

    target = blur(x)

    def work():
        guess, loss = step(target, target)
        # The values are there once they have been read.
        loss.numpy("examples")
        return np.abs(guess.numpy("examples,x,y")).sum()

    return work


if __name__ == "__main__":
    peer.serve(lambda name: {"pg-128": step_on_boxes}[name]())
