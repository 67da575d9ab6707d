#!/usr/bin/env bash
# Writes requirements.lock and requirements-torch.lock from requirements.txt: every package that is needed at run time,
# its version and the hashes of its files. Installed with `pip install --require-hashes`, nothing else gets in.
#
#   scripts/lock.sh [PYTHON]      takes an environment of its own (uv); PYTHON must have torch of the pinned version
#
# torch has a file of its own, because the index that a CPU build for Linux comes from has nothing else: where pip has
# to be told of one, ARCHSCOPE_TORCH_INDEX names it. The hash is that of the build for this machine and this Python.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet uv
compile() { "$work/venv/bin/uv" pip compile --quiet --no-config --generate-hashes --no-header --no-emit-index-url "$@"; }

torch=$(grep '^torch==' requirements.txt)
grep -v '^#\|^torch==' requirements.txt >"$work/requirements.in"
# What torch itself needs, but for the CUDA libraries that its build on the ordinary index asks for.
"$python" - "${torch#torch==}" >>"$work/requirements.in" <<'PYTHON'
import importlib.metadata as metadata, re, sys
assert metadata.version("torch").split("+")[0] == sys.argv[1], "the environment has another torch"
needed = [each for each in metadata.requires("torch") or [] if "extra ==" not in each]
print("\n".join(each for each in needed if not re.match(r"(nvidia|cuda|triton|pytorch-triton)", each)))
PYTHON
{
    echo "# Written by scripts/lock.sh from requirements.txt. torch: see requirements-torch.lock."
    compile --universal --python-version 3.11 "$work/requirements.in" | sed "s|-r $work/requirements.in|-r requirements.txt|; s|$work/requirements.in|requirements.txt|"
} >"$work/requirements.lock"

"$python" -m pip download --quiet --no-deps --dest "$work/torch" "$torch+cpu" ${ARCHSCOPE_TORCH_INDEX:+--index-url "$ARCHSCOPE_TORCH_INDEX"}
{
    echo "# Written by scripts/lock.sh from requirements.txt; install it with --no-deps. Linux: the CPU build for"
    echo "# $("$python" -c 'import platform; print(f"Python {platform.python_version_tuple()[0]}.{platform.python_version_tuple()[1]} on {platform.machine()}")'). For another one, run scripts/lock.sh there."
    echo "$torch+cpu ; sys_platform == 'linux' \\"
    echo "    --hash=sha256:$("$python" -m pip hash "$work"/torch/*.whl | sed -n 's/.*sha256://p')"
    echo "$torch" | compile --no-deps --universal --python-version 3.11 --no-annotate - | sed "s|^$torch \\\\|$torch ; sys_platform == 'darwin' \\\\|"
} >"$work/requirements-torch.lock"
mv "$work/requirements.lock" "$work/requirements-torch.lock" .
