"""The image is of the processor that was asked for, and answers there to the last bit what the forest answers here."""

from __future__ import annotations

import random

from drift_engine.bundle import load_bundle

from tests.image.support import ROOT, python

ROWS = 500


def test_architecture(docker, image, processor):
    """The image states its processor."""
    assert docker("inspect", "--format", "{{.Architecture}}", image) == processor


def test_same_predictions(docker, image, record_property):
    """Predictions are equal to the last bit on both processors."""
    seeded = random.Random(11)
    rows = [
        (
            seeded.randint(1, 9),
            seeded.randint(1, 5),
            seeded.gauss(2000, 600),
            seeded.randint(0, 90),
            seeded.uniform(0, 12),
        )
        for _ in range(ROWS)
    ]
    script = (
        "import platform; from drift_engine.forest import Forest\n"
        "forest = Forest.open('/opt/drift/bundles/house-price/forest.bin')\n"
        f"print(platform.machine(), forest.engine, *(forest.predict(row).hex() for row in {rows}))"
    )
    machine, engine, *answers = python(docker, image, script).split()
    record_property("kernel", f"{engine} on {machine}, {ROWS} predictions equal to the last bit")
    here = load_bundle(ROOT / "build/bundles/house-price").model
    assert engine == "c"
    assert answers == [here.predict(row).hex() for row in rows]
