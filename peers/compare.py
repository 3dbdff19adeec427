"""Runs every workload here and in the peers, in turns, and prints the table of ratios."""

import argparse
import importlib.util
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent

SIZES = [64, 128, 256, 512, 1024, 2048]

# Ours, the peer's script, the peer's variant, the goal for theirs / ours, calls in one workload.
WORKLOADS = (
    [(f"heat-{n}", "scipy", "fft2", 2 if n >= 1024 else 1) for n in SIZES]
    + [(f"heat-{n}", "scipy", "rfft2", None) for n in SIZES]
    + [
        ("pg-128", "phiflow", "", 5),
        ("lbfgs-128", "scipy", "", 5),
        ("sine-newton", "scipy", "trust-exact", None),
        ("sine-newton", "scipy", "Newton-CG", None),
        ("sine-gauss-newton", "scipy", "", None),
        ("schroedinger-16", "jax", "thomas", 3),
        ("schroedinger-16", "jax", "dense", 3),
        ("lotka-volterra", "scipy", "", None),
        ("nist-bounded", "scipy", "", 20),
        ("fluid-8", "jax_fluid", "", 2),
        ("fluid-64", "jax_fluid", "", 2),
        ("fluid-gradient-8", "jax_fluid", "", 2),
        ("fluid-gradient-64", "jax_fluid", "", 2),
        ("fluid-8", "phiflow_fluid", "", 10),
        ("fluid-64", "phiflow_fluid", "", 10),
    ]
)

# Steps of training, which another bench serves; weights differ, so that no results are compared.
TRAINING = [
    ("mlp-32", "jax_training", "", 1),
    ("hig-oscillators", "jax_training", "svd", 8),
    ("hig-oscillators", "jax_training", "gram", 1.5),
    ("hig-oscillators", "jax_training", "layers", 1.5),
    ("hig-nonlinear", "jax_training", "svd", 12),
    ("hig-nonlinear", "jax_training", "gram", 1.5),
    ("hig-nonlinear", "jax_training", "layers", 1.5),
    ("hig-dipole", "jax_training", "svd", 12),
    ("hig-dipole", "jax_training", "gram", 1.5),
    ("hig-dipole", "jax_training", "layers", 1.5),
    ("hig-poisson-16", "jax_training", "svd", 60),
    ("hig-poisson-16", "jax_training", "gram", 1.5),
    ("hig-poisson-16", "jax_training", "layers", 1.5),
    ("unet-16", "torch", "", 1.3),
    ("unet-128", "torch", "", 1.3),
]

PEERS = ("scipy", "phiflow", "jax", "jax_fluid", "phiflow_fluid")

# PhiFlow's flow is the same physics on the same grid, but with another scheme and a pressure that is
# solved for only to a tolerance. Of NIST's fits, each side solves as many as it can.
LOOSE = {"phiflow_fluid": 2e-2, "nist-bounded": 0.2}

# The peer solves a tenth of the problems, so that both samples last about as long; a hundred steps of
# JAX's small network are one call.
OURS_PER_CALL = {"sine-newton": 1000, "sine-gauss-newton": 1000}
THEIRS_PER_CALL = {"sine-newton": 100, "sine-gauss-newton": 100, "mlp-32": 100}
MICROSECONDS = 10

COMMANDS = [("toy", 0.3), ("heat", 30)]


class Worker:
    """A process that answers each name with one timed sample."""

    def __init__(self, command, threads):
        environment = dict(os.environ, PEER_THREADS=str(threads), RAYON_NUM_THREADS=str(threads))
        # SciPy uses its threads by processes and by workers of its FFT; BLAS on top of that would
        # have more threads than cores and make it slower.
        for name in ("OMP", "OPENBLAS", "MKL"):
            environment[f"{name}_NUM_THREADS"] = "1"
        eigen = str(threads > 1).lower()
        environment["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}"
        environment["JAX_PLATFORMS"] = "cpu"
        if shutil.which("taskset"):
            cores = sorted(os.sched_getaffinity(0))[:threads]
            command = ["taskset", "-c", ",".join(map(str, cores)), *command]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, env=environment, cwd=ROOT, **pipes)

    def sample(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        while line and not line.startswith("{"):
            line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{name}: the worker ended; see its message above")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def build():
    """Builds all binaries and returns the paths of the benches by their names."""
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "retrodict-cli"], cwd=ROOT, check=True)
    benches = ["--bench", "peers", "--bench", "training"]
    command = ["cargo", "build", "--release", *benches, "-p", "retrodict", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    messages = [json.loads(line) for line in lines]
    return {m["target"]["name"]: m["executable"] for m in messages if m.get("executable")}


def duel(ours, theirs, workload, variant, rounds):
    """Samples of both, in turns: a machine that slows down slows down both."""
    peer_name = f"{workload}/{variant}" if variant else workload
    pairs = [(ours.sample(workload), theirs.sample(peer_name)) for _ in range(rounds)]
    figures = pairs[0][0]["figure"], pairs[0][1]["figure"]
    medians = [statistics.median(pair[i]["milliseconds"] for pair in pairs) for i in range(2)]
    return (*medians, *figures)


def verdict(ratio, goal):
    if goal is None:
        return ""
    return f"≥ {goal}× {'yes' if ratio >= goal else 'NO'}"


def chosen(wanted, workload):
    return not wanted or any(workload.startswith(w) for w in wanted)


def training(threads, wanted, rounds, bench):
    """Steps of training, each side's best sample, which other work on the machine disturbs least.

    Each row has processes of its own, so that their memory can be compared.
    """
    for workload, peer, variant, goal in TRAINING:
        if not chosen(wanted, workload):
            continue
        if peer == "torch" and importlib.util.find_spec("torch") is None:
            print(f"{workload}: left out; pip install torch in peers/.venv for it", file=sys.stderr)
            continue
        ours = Worker([bench, "--serve"], threads)
        theirs = Worker([sys.executable, str(HERE / f"{peer}_peer.py")], threads)
        name = f"{workload}/{variant}" if variant else workload
        pairs = [(ours.sample(workload), theirs.sample(name)) for _ in range(rounds)]
        a, b = (min(pair[i]["milliseconds"] for pair in pairs) for i in range(2))
        b /= THEIRS_PER_CALL.get(workload, 1)
        note = verdict(b / a, goal)
        if "mebibytes" in pairs[-1][1]:
            note += " memory {:.0f} against {:.0f} MiB".format(*(p["mebibytes"] for p in pairs[-1]))
        label = f"{peer} {variant}".strip()
        print(f"| {workload} | {threads} | {a:.4g} | {label} | {b:.4g} | {b / a:.2f} | {note} |", flush=True)
        ours.close()
        theirs.close()


def compare(threads, wanted, rounds, bench):
    scripts = {name: [sys.executable, str(HERE / f"{name}_peer.py")] for name in PEERS}
    workers = {}
    ours = Worker([bench, "--serve"], threads)
    for workload, peer, variant, goal in WORKLOADS:
        if not chosen(wanted, workload):
            continue
        if peer not in workers:
            workers[peer] = Worker(scripts[peer], threads)
        a, b, mine, other = duel(ours, workers[peer], workload, variant, rounds)
        a /= OURS_PER_CALL.get(workload, 1)
        b /= THEIRS_PER_CALL.get(workload, 1)
        note = verdict(b / a, goal)
        if workload in OURS_PER_CALL:
            note = f"≤ {MICROSECONDS} µs {'yes' if 1e3 * a <= MICROSECONDS else 'NO'}"
        if abs(mine - other) > LOOSE.get(workload, LOOSE.get(peer, 1e-3)) * abs(other) and not (workload == "lbfgs-128" and max(mine, other) <= 1e-6):
            note += f"  results differ: {mine:.6g} against {other:.6g}"
        label = f"{peer} {variant}".strip()
        print(f"| {workload} | {threads} | {a:.4g} | {label} | {b:.4g} | {b / a:.2f} | {note} |", flush=True)
    for worker in (ours, *workers.values()):
        worker.close()


def commands(rounds):
    """Whole commands, from start to report."""
    print("\n| command | seconds | goal |\n|---|---|---|")
    for name, goal in COMMANDS:
        seconds = []
        for _ in range(rounds if goal < 1 else 1):
            with tempfile.TemporaryDirectory() as folder:
                command = [ROOT / "target/release/retrodict", "run", name, "--out", f"{folder}/run"]
                start = time.perf_counter()
                subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
                seconds.append(time.perf_counter() - start)
        median = statistics.median(seconds)
        print(f"| retrodict run {name} | {median:.2f} | < {goal} s {'yes' if median < goal else 'NO'} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5, help="samples of each side; the median counts")
    parser.add_argument("workloads", nargs="*", help="beginnings of names; all if none, 'run' for the commands")
    options = parser.parse_args()
    benches = build()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} before the start; times in ms (median of {options.rounds}, for training the best)\n")
    print("| workload | threads | retrodict | peer | its time | its / ours | goal |\n|---|---|---|---|---|---|---|")
    for threads in options.threads:
        compare(threads, options.workloads, options.rounds, benches["peers"])
        training(threads, options.workloads, options.rounds, benches["training"])
    if not options.workloads or "run" in options.workloads:
        commands(options.rounds)


if __name__ == "__main__":
    main()
