"""NIST's nonlinear-regression sets: their tables, and their models with exact Jacobians in NumPy."""

import types

import numpy as np

import peer

TABLES = peer.DATA.parent / "fixtures/nist"


def columns(*derivatives):
    return np.stack(np.broadcast_arrays(*derivatives), axis=-1)


class Saturation:
    def value(p, t):
        return p[0] * (1 - np.exp(-p[1] * t))

    def jacobian(p, t):
        e = np.exp(-p[1] * t)
        return columns(1 - e, p[0] * t * e)


class Misra1b:
    def value(p, t):
        return p[0] * (1 - (1 + p[1] * t / 2) ** -2)

    def jacobian(p, t):
        u = 1 + p[1] * t / 2
        return columns(1 - u**-2, p[0] * t * u**-3)


class Misra1c:
    def value(p, t):
        return p[0] * (1 - (1 + 2 * p[1] * t) ** -0.5)

    def jacobian(p, t):
        u = 1 + 2 * p[1] * t
        return columns(1 - u**-0.5, p[0] * t * u**-1.5)


class Misra1d:
    def value(p, t):
        return p[0] * p[1] * t / (1 + p[1] * t)

    def jacobian(p, t):
        u = 1 + p[1] * t
        return columns(p[1] * t / u, p[0] * t / u**2)


class Bennett5:
    def value(p, t):
        return p[0] * (p[1] + t) ** (-1 / p[2])

    def jacobian(p, t):
        u = p[1] + t
        power = u ** (-1 / p[2])
        return columns(power, -p[0] * power / (u * p[2]), p[0] * power * np.log(u) / p[2] ** 2)


class Chwirut:
    def value(p, t):
        return np.exp(-p[0] * t) / (p[1] + p[2] * t)

    def jacobian(p, t):
        e, u = np.exp(-p[0] * t), p[1] + p[2] * t
        return columns(-t * e / u, -e / u**2, -t * e / u**2)


class DanWood:
    def value(p, t):
        return p[0] * t ** p[1]

    def jacobian(p, t):
        power = t ** p[1]
        return columns(power, p[0] * power * np.log(t))


class Enso:
    def value(p, t):
        year, a, b = 2 * np.pi * t / 12, 2 * np.pi * t / p[3], 2 * np.pi * t / p[6]
        return (
            p[0] + p[1] * np.cos(year) + p[2] * np.sin(year)
            + p[4] * np.cos(a) + p[5] * np.sin(a) + p[7] * np.cos(b) + p[8] * np.sin(b)
        )

    def jacobian(p, t):
        year, a, b = 2 * np.pi * t / 12, 2 * np.pi * t / p[3], 2 * np.pi * t / p[6]
        ca, sa, cb, sb = np.cos(a), np.sin(a), np.cos(b), np.sin(b)
        period_a = a / p[3] * (p[4] * sa - p[5] * ca)
        period_b = b / p[6] * (p[7] * sb - p[8] * cb)
        return columns(np.ones_like(t), np.cos(year), np.sin(year), period_a, ca, sa, period_b, cb, sb)


class Eckerle4:
    def value(p, t):
        z = (t - p[2]) / p[1]
        return p[0] / p[1] * np.exp(-z * z / 2)

    def jacobian(p, t):
        z = (t - p[2]) / p[1]
        e = np.exp(-z * z / 2) / p[1]
        return columns(e, p[0] * e * (z * z - 1) / p[1], p[0] * e * z / p[1])


class Gauss:
    def value(p, t):
        a, b = (t - p[3]) / p[4], (t - p[6]) / p[7]
        return p[0] * np.exp(-p[1] * t) + p[2] * np.exp(-a * a) + p[5] * np.exp(-b * b)

    def jacobian(p, t):
        e = np.exp(-p[1] * t)
        parts = [e, -p[0] * t * e]
        for height, centre, width in (p[2:5], p[5:8]):
            z = (t - centre) / width
            g = np.exp(-z * z)
            parts += [g, 2 * height * g * z / width, 2 * height * g * z * z / width]
        return columns(*parts)


class Rational:
    """A ratio of polynomials of one degree, with 1 as the constant below."""

    def __init__(self, degree):
        self.degree = degree

    def parts(self, p, t):
        powers = t[:, None] ** np.arange(self.degree + 1)
        above = powers @ p[: self.degree + 1]
        below = 1 + powers[:, 1:] @ p[self.degree + 1 :]
        return powers, above, below

    def value(self, p, t):
        _, above, below = self.parts(p, t)
        return above / below

    def jacobian(self, p, t):
        powers, above, below = self.parts(p, t)
        share = (above / below**2)[:, None]
        return np.hstack([powers / below[:, None], -powers[:, 1:] * share])


class Decays:
    def value(p, t):
        return sum(p[2 * i] * np.exp(-p[2 * i + 1] * t) for i in range(3))

    def jacobian(p, t):
        parts = []
        for i in range(3):
            e = np.exp(-p[2 * i + 1] * t)
            parts += [e, -p[2 * i] * t * e]
        return columns(*parts)


class Mgh09:
    def value(p, t):
        return p[0] * (t * t + t * p[1]) / (t * t + t * p[2] + p[3])

    def jacobian(p, t):
        above, below = t * t + t * p[1], t * t + t * p[2] + p[3]
        steep = -p[0] * above / below**2
        return columns(above / below, p[0] * t / below, t * steep, steep)


class Mgh10:
    def value(p, t):
        return p[0] * np.exp(p[1] / (t + p[2]))

    def jacobian(p, t):
        u = t + p[2]
        e = np.exp(p[1] / u)
        return columns(e, p[0] * e / u, -p[0] * p[1] * e / u**2)


class Mgh17:
    def value(p, t):
        return p[0] + p[1] * np.exp(-p[3] * t) + p[2] * np.exp(-p[4] * t)

    def jacobian(p, t):
        a, b = np.exp(-p[3] * t), np.exp(-p[4] * t)
        return columns(np.ones_like(t), a, b, -p[1] * t * a, -p[2] * t * b)


class Nelson:
    def value(p, t):
        return p[0] - p[1] * t[:, 0] * np.exp(-p[2] * t[:, 1])

    def jacobian(p, t):
        e = t[:, 0] * np.exp(-p[2] * t[:, 1])
        return columns(np.ones_like(e), -e, p[1] * t[:, 1] * e)


class Rat42:
    def value(p, t):
        return p[0] / (1 + np.exp(p[1] - p[2] * t))

    def jacobian(p, t):
        e = np.exp(p[1] - p[2] * t)
        u = 1 + e
        return columns(1 / u, -p[0] * e / u**2, p[0] * t * e / u**2)


class Rat43:
    def value(p, t):
        return p[0] / (1 + np.exp(p[1] - p[2] * t)) ** (1 / p[3])

    def jacobian(p, t):
        e = np.exp(p[1] - p[2] * t)
        u = 1 + e
        power = u ** (-1 / p[3])
        steep = -p[0] * power * e / (u * p[3])
        return columns(power, steep, -t * steep, p[0] * power * np.log(u) / p[3] ** 2)


class Roszman1:
    def value(p, t):
        return p[0] - p[1] * t - np.arctan(p[2] / (t - p[3])) / np.pi

    def jacobian(p, t):
        u = t - p[3]
        below = np.pi * (u * u + p[2] * p[2])
        return columns(np.ones_like(t), -t, -u / below, -p[2] / below)


MODELS = {
    "misra1a": Saturation, "misra1b": Misra1b, "misra1c": Misra1c, "misra1d": Misra1d,
    "boxbod": Saturation, "bennett5": Bennett5, "chwirut1": Chwirut, "chwirut2": Chwirut,
    "danwood": DanWood, "enso": Enso, "eckerle4": Eckerle4,
    "gauss1": Gauss, "gauss2": Gauss, "gauss3": Gauss,
    "hahn1": Rational(3), "thurber": Rational(3), "kirby2": Rational(2),
    "lanczos1": Decays, "lanczos2": Decays, "lanczos3": Decays,
    "mgh09": Mgh09, "mgh10": Mgh10, "mgh17": Mgh17, "nelson": Nelson,
    "rat42": Rat42, "rat43": Rat43, "roszman1": Roszman1,
}


def load(name):
    """The model and the table of a set, with bounds ten times as far out as its largest values."""
    _, parameters = (TABLES / f"{name}.txt").read_text().split("parameters:", 1)
    parameters, data = parameters.split("data:", 1)
    rows = lambda text: np.array([[float(w) for w in line.split()] for line in text.splitlines()[1:] if line.strip()])
    parameters, data = rows(parameters), rows(data)
    y, at = data[:, 0], data[:, 1] if data.shape[1] == 2 else data[:, 1:]
    if name == "nelson":
        y = np.log(y)
    reach = 10 * np.abs(parameters[:, :3]).max(axis=1)
    table = types.SimpleNamespace(
        starts=(parameters[:, 0], parameters[:, 1]), certified=parameters[:, 2], bounds=(-reach, reach), y=y, at=at
    )
    return MODELS[name], table
