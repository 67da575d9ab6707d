"""Throughput of a build on Dask (2 worker processes on this machine) beside that of the local engine (2 threads)."""

from distributed import LocalCluster

from benchmarks.report import Row, Section
from benchmarks.setting import Setting
from benchmarks.timing import race, shown_seconds

THREADS = {"ARCHSCOPE_THREADS": "2"}


def run(setting: Setting) -> Section:
    """The ratio at the middle size."""
    n = setting.middle
    setting.files(n)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        scheduler = ("--engine", "dask", "--scheduler", cluster.scheduler_address)
        setting.build(setting.small, *scheduler, name="engine", environment=THREADS)  # imports, compiled loops
        contenders = {
            "local": lambda: setting.build(n, name="engine", environment=THREADS),
            "dask": lambda: setting.build(n, *scheduler, name="engine", environment=THREADS),
        }
        timed = race(contenders, setting.rounds)
    setting.drop("engine")
    share = timed.ratio("local", "dask")
    row = Row(
        "Throughput on Dask", f"{n:,} x {setting.n_genes:,}", f"{shown_seconds(timed.median('dask'))}: 2 processes",
        f"{shown_seconds(timed.median('local'))}: local, 2 threads", timed.shown("local", "dask"),
        "at least 0.70x", share >= 0.7 if setting.judges(n, 4000) else None,
    )  # fmt: skip
    note = "The cluster is started before and warmed by a small build: its start-up is not in these times."
    return Section([row], notes=[note])
