#!/usr/bin/env bash
# The suite with CuPy on a GPU, then the same training on GPU and CPU side by side:
#
#     bash ci/gpu.sh RESULTS.json [WHEELS]
#
# For a machine with a CUDA GPU that has Python 3.11 or later, CuPy, NumPy and pytest. What else the
# suite needs comes from WHEELS, a folder of wheels carried there, or is downloaded. To fill it, for
# the Python of that machine:
#     pip download --no-deps --only-binary=:all: --python-version 3.12 -d WHEELS array-api-compat \
#         array-api-strict filelock hypothesis safetensors sortedcontainers threadpoolctl tomli-w tqdm
# PyTorch and JAX take part where they are installed, on the GPU where they can use it. CIFAR-10 is
# looked for in XPNET_DATA_DIR; without it the digits are trained. Last comes the benchmark against
# PyTorch, eager and as a CUDA graph, and JAX, whose JSON and picture go beside RESULTS.json, and with
# CIFAR-10 the notes' grid of 144 nets as a sweep, beside PyTorch one by one and stacked.
set -euo pipefail
results=$(realpath -m "${1:?name the results file}")
source=${2:+--no-index --find-links $(realpath "$2")}
cd "$(dirname "$0")/.."

site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
# Without their own needs: what is carried must not bring a second NumPy.
# shellcheck disable=SC2086 # the options are several words, or none
python3 -m pip install -q --no-deps --target "$site" $source \
    array-api-compat array-api-strict filelock hypothesis safetensors sortedcontainers \
    threadpoolctl tomli-w tqdm
export PYTHONPATH=$PWD:$site

nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
if python3 -c 'import torch; raise SystemExit(not torch.cuda.is_available())' 2>/dev/null; then
    export XPNET_TEST_TORCH=torch:cuda
fi
status=0
XPNET_REQUIRE_BACKENDS=cupy python3 -m pytest -q -p no:cacheprovider || status=$?
# Also after a failure: a rented machine is soon gone.
python3 ci/gpu_run.py "$results" || status=$?
python3 ci/benchmark.py --device gpu --out "${results%.json}-benchmark.json" || status=$?
if [ -n "${XPNET_DATA_DIR:-}" ]; then
    python3 ci/benchmark_sweep.py --data-dir "$XPNET_DATA_DIR" --device gpu --rounds 1 \
        --out "${results%.json}-sweep.json" || status=$?
fi
exit "$status"
