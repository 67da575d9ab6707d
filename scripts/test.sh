#!/usr/bin/env bash
# All tests: unit and page tests over the cores with the coverage of core, then the browser tests.
set -euo pipefail
.venv/bin/python -m pytest -m "not browser" -n "${TEST_WORKERS:-2}" --cov=core --cov-report=term:skip-covered --cov-fail-under=90
# A browser on a busy machine can miss its moment: what failed is tried once more, alone, and then has to pass. Those that
# start a browser of their own go apart: two of them do not go together in one process.
for tests in tests/browser "tests/deploy tests/security"; do
    # shellcheck disable=SC2086  # two folders
    .venv/bin/python -m pytest -m browser $tests || .venv/bin/python -m pytest -m browser --last-failed $tests
done
