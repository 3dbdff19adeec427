"""Nonlinear fits within boxes, drawn from a seed: the truth lies inside, some boxes cut it off, starts lie anywhere."""

import numpy as np

E = np.exp


def wave(p, t):
    return p[0] * E(-p[1] * t) * np.cos(p[2] * t + p[3])


def peak(p, t):
    return p[0] * E(-(((t - p[1]) / p[2]) ** 2))


# Each with the range from which each parameter is drawn.
KINDS = [
    (lambda p, t: p[0] * E(-p[1] * t) + p[2], [(1, 5), (0.3, 3), (-1, 1)]),
    (lambda p, t: p[0] * E(-p[1] * t) + p[2] * E(-p[3] * t), [(1, 5), (0.2, 1), (1, 5), (1.5, 6)]),
    (
        lambda p, t: p[0] * E(-p[1] * t) + p[2] * E(-p[3] * t) + p[4],
        [(1, 5), (0.3, 1), (1, 5), (1.5, 6), (-1, 1)],
    ),
    (lambda p, t: peak(p, t) + p[3], [(1, 5), (1, 4), (0.2, 1), (-0.5, 0.5)]),
    (
        lambda p, t: peak(p, t) + peak(p[3:], t),
        [(1, 5), (0.7, 2), (0.2, 0.8), (1, 5), (3, 4.3), (0.2, 0.8)],
    ),
    (lambda p, t: (p[0] + p[1] * t) / (1 + p[2] * t), [(-2, 2), (1, 5), (0.2, 3)]),
    (
        lambda p, t: (p[0] + p[1] * t) / (1 + p[2] * t + p[3] * t * t),
        [(-2, 2), (1, 5), (0.2, 2), (0.1, 2)],
    ),
    (lambda p, t: p[0] / (1 + E(-(t - p[1]) * p[2])), [(1, 5), (1, 4), (0.7, 4)]),
    (lambda p, t: p[3] + p[0] / (1 + E(-(t - p[1]) * p[2])), [(1, 5), (1, 4), (0.7, 4), (-1, 1)]),
    (wave, [(1, 4), (0.1, 1), (1, 4), (-1, 1)]),
    (lambda p, t: wave(p, t) + p[4], [(1, 4), (0.1, 1), (1, 4), (-1, 1), (-1, 1)]),
    (lambda p, t: p[0] * (t + 0.1) ** p[1], [(1, 4), (0.3, 2.5)]),
    (lambda p, t: p[0] * t / (p[1] + t), [(1, 5), (0.2, 3)]),
]


def cut(low, high, truth, width, positive, least, draw):
    """Moves one bound past the truth, or just short of it."""
    at = truth + width * draw.uniform(-0.3, 0.3)
    if at > truth:
        return at, max(high, at + 0.5 * width)
    low = min(low, at - 0.5 * width)
    return (max(low, min(0.05 * least, 0.5 * at)) if positive else low), at


def problems(count=200, seed=0):
    """(residuals, start, (low, high)); amplitudes and rates stay positive."""
    draw = np.random.default_rng(seed)
    for k in range(count):
        f, ranges = KINDS[k % len(KINDS)]
        ranges = np.array(ranges, float)
        n, width, positive = len(ranges), ranges[:, 1] - ranges[:, 0], ranges[:, 0] > 0
        truth = ranges[:, 0] + width * draw.random(n)
        t = np.linspace(0, 3, 31) if k % len(KINDS) == 0 else np.linspace(0, 5, 41)
        y = f(truth, t)
        y = y + draw.choice([0, 0.01, 0.05]) * np.ptp(y) * draw.standard_normal(len(t))
        low = truth - width * draw.uniform(0.2, 1.5, n)
        high = truth + width * draw.uniform(0.2, 1.5, n)
        low[positive] = np.maximum(low[positive], 0.05 * ranges[positive, 0])
        for i in range(n):
            if draw.random() < 0.2:
                low[i], high[i] = cut(
                    low[i], high[i], truth[i], width[i], positive[i], ranges[i, 0], draw
                )
        high = np.maximum(high, low + 0.05 * width)
        start = low + (high - low) * draw.random(n)
        yield (lambda p, f=f, t=t, y=y: f(p, t) - y), start, (low, high)
