"""The compiled engines; where there is no compiler, their pure-Python twins serve.

`Forest.engine` and `PackedModel.engine` are the ones that run.
"""

import sys

from setuptools import Extension, setup

# Never -ffast-math, no fused multiply-add: the answers are scikit-learn's to the last bit.
EXACT = ["/O2", "/fp:strict"] if sys.platform == "win32" else ["-O3", "-ffp-contract=off"]
#: What both engines read files with.
COLUMNS = "src/drift_engine/_columns.h"

setup(
    ext_modules=[
        Extension(
            "drift_engine.forest._kernel",
            ["src/drift_engine/forest/_kernel.c"],
            depends=[COLUMNS],
            extra_compile_args=EXACT,
            py_limited_api=True,
            optional=True,
        ),
        Extension(
            "drift_engine.model._kernel",
            ["src/drift_engine/model/_kernel.c"],
            depends=[
                COLUMNS,
                "src/drift_engine/model/_fast_exp.h",
                "src/drift_engine/model/_hashes.h",
                "src/drift_engine/model/_links.h",
                "src/drift_engine/model/_steps.h",
            ],
            extra_compile_args=EXACT,
            libraries=[] if sys.platform == "win32" else ["m"],
            py_limited_api=True,
            optional=True,
        ),
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
