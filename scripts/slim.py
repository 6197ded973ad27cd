"""Remove from an image's virtual environment what no service ever needs: `python slim.py /venv`.

Files are named one by one, because some packages do import what is called `tests` (evidently). Symbols for debuggers
go too (`strip`, of binutils): some wheels are ten times as large with them. The Dockerfiles import the service
afterwards, so a build fails when something was needed after all.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

# the test suites of packages whose tests are data and nothing else
TESTED = ("numpy", "pandas", "pyarrow", "scipy", "sklearn", "statsmodels", "networkx", "sympy", "joblib", "narwhals")
UNUSED = (
    # headers and sources for those who compile against it
    "pyarrow/include", "pyarrow/src", "pyarrow/includes", "pyarrow/**/*.pyx", "pyarrow/**/*.pxi", "pyarrow/**/*.pxd",
    # Flight (its own RPC) and S3: nothing of ours opens a remote file through Arrow
    "pyarrow/libarrow_flight.so*", "pyarrow/libarrow_python_flight.so*", "pyarrow/_flight.*.so",
    "pyarrow/libarrow_s3.so*", "pyarrow/_s3fs.*.so",
    # other stores, other formats, encryption, and a test of Arrow's own
    "pyarrow/_azurefs.*.so", "pyarrow/_gcsfs.*.so", "pyarrow/_hdfs.*.so", "pyarrow/_orc.*.so",
    "pyarrow/_dataset_orc.*.so", "pyarrow/*_encryption.*so*", "pyarrow/_pyarrow_cpp_tests.*.so",
    # copies of libarrow_python.so.MAJOR under names that only a linker asks for
    "pyarrow/libarrow_python.so", "pyarrow/libarrow_python.so.*.*",
    "numpy/_core/include", "numpy/_core/lib/*.a", "numpy/random/lib/*.a",
    "numpy/_core/_simd.*.so", "numpy/_core/*_tests.*.so",
    "jupyterlab_plotly", "../../../share/jupyter",
    "sqlalchemy/testing", "sqlalchemy/dialects/m*sql", "sqlalchemy/dialects/oracle",
    "asyncpg/**/*.pyx", "asyncpg/**/*.c",
    "numpy/**/*.pyi", "**/*.ipynb", "statsmodels/datasets/*/src",
    # made-up data for the demonstration of Evidently's own server
    "faker",
    # a second zstandard for interpreters that are not CPython
    "zstandard/_cffi*.so",
    "onnxruntime/tools", "onnxruntime/transformers", "onnxruntime/quantization",
)  # fmt: skip


def main(venv: Path) -> None:
    (packages,) = venv.glob("lib/python3*/site-packages")
    before = size(venv)
    for package in TESTED:
        for folder in list((packages / package).rglob("tests")):
            remove(folder)
    for pattern in UNUSED:
        for path in list(packages.glob(pattern)):
            remove(path)
    # those in NAME.libs were rewritten when their wheel was made, which `strip` may not survive
    libraries = [p for p in packages.rglob("*.so*") if not p.parent.name.endswith(".libs") and not p.is_symlink()]
    subprocess.run(["strip", "--strip-unneeded", *map(str, libraries)], check=True)
    print(f"{venv}: {before >> 20} MB, {size(venv) >> 20} MB without what no service needs")


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def size(folder: Path) -> int:
    return sum(p.lstat().st_size for p in folder.rglob("*") if not p.is_dir())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
