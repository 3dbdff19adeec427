"""The flow of retrodict's `fluid` with PhiFlow's own operators, compiled by JAX, in single precision."""

import numpy as np
from phi.jax.flow import PERIODIC, Box, CenteredGrid, Solve, StaggeredGrid, advect, batch, fluid, math, stack, tensor
from phi.jax.flow import spatial

import peer

N, STEPS = 64, 8
BOX = Box(x=N, y=N)


@math.jit_compile
def run(velocity, marker):
    velocity, pressure = fluid.make_incompressible(velocity, solve=Solve("CG", 1e-5, 1e-5))
    for _ in range(STEPS):
        velocity = advect.mac_cormack(velocity, velocity, 1.0)
        velocity, pressure = fluid.make_incompressible(velocity, solve=Solve("CG", 1e-5, 1e-5, x0=pressure))
        marker = advect.mac_cormack(marker, velocity, 1.0)
    return marker


def workload(name):
    count = int(name.split("-")[-1])
    a = 2 * np.pi * np.arange(N)[:, None] / N
    b = 2 * np.pi * np.arange(N)[None, :] / N
    first = np.array([0.5 * np.sin(a + 0.3 * k) * np.cos(b) for k in range(count)], dtype=np.float32)
    second = np.array([0.5 * np.cos(a + 0.1 * k) * np.sin(2 * b) for k in range(count)], dtype=np.float32)
    shape = batch("examples"), spatial("x,y")
    components = stack({"x": tensor(first, *shape), "y": tensor(second, *shape)}, math.dual(vector="x,y"))
    velocity = StaggeredGrid(components, PERIODIC, bounds=BOX, x=N, y=N)
    wave = np.sin(4 * np.pi * (np.arange(N) + 0.5) / N)
    values = (0.5 + 0.5 * wave[:, None] * wave[None, :]).astype(np.float32)
    marker = CenteredGrid(tensor(values, spatial("x,y")), PERIODIC, bounds=BOX, x=N, y=N)

    def work():
        result = run(velocity, marker).values.numpy("examples,x,y")
        return np.abs(result.astype(np.float64)).sum()

    return work


if __name__ == "__main__":
    peer.serve(workload)
