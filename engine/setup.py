"""The compiled forest engine; without a compiler its pure-Python twin serves, and `Forest.engine` says so."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "drift_engine.forest._kernel",
            ["src/drift_engine/forest/_kernel.c"],
            # never -ffast-math, no fused multiply-add: the answers are scikit-learn's to the last bit
            extra_compile_args=["-O3", "-ffp-contract=off"],
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
