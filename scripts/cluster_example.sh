#!/usr/bin/env bash
# The cluster of docs/scale.md in small: a scheduler and two workers, each a process of its own on this machine, then a
# build and a training that use them. The page shows these very commands; a test runs this script and compares both.
# Needs python (of the project's environment) on the PATH, and COUNTS, LABELS, LENGTHS, NAME and DATA.
set -euo pipefail
cd "$(dirname "$0")/.."
export SCHEDULER_HOST=${SCHEDULER_HOST:-127.0.0.1} SCHEDULER_PORT=${SCHEDULER_PORT:-8786} WORKERS=2
export WORKER_MEMORY=${WORKER_MEMORY:-2GB} SCRATCH=${SCRATCH:-$(mktemp -d)}

scheduler() {
    export DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=10
    python -m dask scheduler --host "$SCHEDULER_HOST" --port "$SCHEDULER_PORT" --no-dashboard
}

worker() {
    export ARCHSCOPE_THREADS=1 NUMBA_CACHE_DIR="$SCRATCH/numba"
    python -m dask worker "tcp://$SCHEDULER_HOST:$SCHEDULER_PORT" --nthreads 1 --nworkers 1 --memory-limit "$WORKER_MEMORY" --local-directory "$SCRATCH" --death-timeout 300 --no-dashboard
}

set -m # each process below leads a group, which is stopped with all that it started
stop() { for job in $(jobs -p); do kill -- "-$job" 2>/dev/null || true; done; wait; }
trap stop EXIT
scheduler &
worker &
worker &

export ENGINE="--engine dask --scheduler tcp://$SCHEDULER_HOST:$SCHEDULER_PORT"
python -c "import distributed, os, sys; distributed.Client(sys.argv[1]).wait_for_workers(int(os.environ['WORKERS']), 300)" "tcp://$SCHEDULER_HOST:$SCHEDULER_PORT"
python -m core --data-dir "$DATA" build "$COUNTS" --name "$NAME" --labels "$LABELS" --lengths "$LENGTHS" $ENGINE
python -m core --data-dir "$DATA" train classifier "$NAME" $ENGINE
