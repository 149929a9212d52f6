#!/usr/bin/env bash
# One cell of the CI matrix, in a fresh virtual environment of its own:
#
#     bash ci/cell.sh CELL        # lint, numpy, oldest, backends, dpnp or wheel
#     PYTHON=python3.13 bash ci/cell.sh numpy
#
# lint      ruff and mypy
# numpy     the whole suite with the core's needs alone, newest releases
# oldest    the same with the oldest releases that pyproject.toml admits
# backends  the whole suite with PyTorch, JAX and Dask, none of which may be skipped
# dpnp      the whole suite with dpnp on an OpenCL CPU (3 GB: by hand, not in the matrix)
# wheel     the wheel, installed without extras, trains from an empty folder
set -euo pipefail
cd "$(dirname "$0")/.."

cell=${1:?name a cell: lint, numpy, oldest, backends, dpnp or wheel}
venv=.venv-$cell
"${PYTHON:-python3}" -m venv --clear "$venv"
python=$venv/bin/python
"$python" --version
pip() { "$python" -m pip --disable-pip-version-check -q "$@"; }

case $cell in
lint)
    pip install -U pip
    pip install -e . --group dev
    "$python" -m ruff check
    "$python" -m ruff format --check
    "$python" -m mypy
    "$python" ci/backends_table.py --check # the README shows the figures that are kept, as they are
    ;;
numpy)
    pip install -e '.[test]'
    "$python" -m pytest -q
    ;;
oldest)
    pip install -e '.[test]' -c ci/oldest.txt
    "$python" -m pytest -q
    ;;
backends)
    pip install -U pip
    pip install -e '.[test]' --group backends
    XPNET_REQUIRE_BACKENDS=numpy,array-api-strict,torch,jax,dask "$python" -m pytest -q -m ''
    ;;
dpnp)
    pip install -U pip
    pip install -e '.[test]' --group dpnp
    export OCL_ICD_FILENAMES=$PWD/$venv/lib/libintelocl.so
    XPNET_REQUIRE_BACKENDS=numpy,array-api-strict,dpnp "$python" -m pytest -q
    ;;
wheel)
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    pip wheel --no-deps -w "$folder" .
    pip install "$folder"/xpnet-*.whl
    here=$PWD
    cd "$folder"
    "$here/$python" -m xpnet.train --out run
    test -s run/summary.json
    ;;
*)
    echo "ci/cell.sh: unknown cell '$cell': choose lint, numpy, oldest, backends, dpnp or wheel" >&2
    exit 2
    ;;
esac
