#!/usr/bin/env bash
# Installs pinned requirements into an environment: scripts/install.sh PYTHON REQUIREMENTS
set -euo pipefail
python=$1 requirements=$2
torch=$(grep '^torch==' requirements.txt)
# torch first and by itself. On Linux the ordinary package index carries a build with gigabytes of CUDA libraries; where
# that is too much, ARCHSCOPE_TORCH_INDEX names the index of PyTorch's CPU builds.
if ! "$python" -c "import importlib.metadata as m, sys; sys.exit(m.version('torch').split('+')[0] != '${torch#torch==}')" 2>/dev/null; then
    "$python" -m pip install --quiet "$torch" ${ARCHSCOPE_TORCH_INDEX:+--index-url "$ARCHSCOPE_TORCH_INDEX"}
fi
"$python" -m pip install --quiet -r "$requirements"
