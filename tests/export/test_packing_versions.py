"""Versions of a model beside each other: what a training writes, what `current` names, what a kill leaves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from drift_contracts.bundle_paths import BundleError, bundle_names, current_version, versions_in
from drift_engine.bundle import load_bundle
from drift_ml.packing import versions as module
from drift_ml.packing.versions import use_version, write_version
from drift_ml.tables.row_digests import read_row_digests
from drift_ml.training import Recipe, load_rows, train
from drift_ml.training.bundle_commands import bundles as command


@pytest.fixture(scope="session")
def jobs(tmp_path_factory, houses):
    """Two trained versions of a model, in the order of their training, in one folder."""
    folder = tmp_path_factory.mktemp("versions")
    table = load_rows(houses, rows=100)
    return [train(houses, table, folder, recipe=Recipe(trees=3, seed=seed)) for seed in (1, 2)]


@pytest.fixture
def model(jobs, tmp_path):
    """The folder of a model with two versions, the second of which is the current one."""
    shutil.copytree(jobs[0].bundle.parent, tmp_path / "bundles/house-price")
    return tmp_path / "bundles/house-price"


@pytest.fixture
def first(jobs):
    """The name of the version that was trained first."""
    return jobs[0].manifest["model_version"]


@pytest.fixture
def second(jobs):
    """The name of the version that was trained last."""
    return jobs[1].manifest["model_version"]


def flat(job, folder):
    """A model's folder as an earlier release wrote it."""
    return shutil.copytree(job.bundle, folder / "bundles/house-price")


def contents(job):
    """The files of a version."""
    return {path.name: path.read_bytes() for path in job.bundle.iterdir()}


def state(folder):
    """Every file below a folder with its content and time."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(path, path.read_bytes(), path.stat().st_mtime_ns) for path in files]


def test_path_to_version(model, first, second):
    """A path to a model opens its current version, and one to a version opens that."""
    assert load_bundle(model).manifest["model_version"] == second
    assert load_bundle(model / first).manifest["model_version"] == first
    assert sorted(path.name for path in model.iterdir()) == sorted([first, second, "current"])
    assert read_row_digests(model, load_bundle(model).manifest) is not None


def test_equal_content(model, houses):
    """Training equal content again changes neither a file nor its time."""
    before = state(model)
    train(houses, load_rows(houses, rows=100), model.parent.parent, recipe=Recipe(trees=3, seed=2))
    assert state(model) == before


def test_choose_older(model, first, second, houses):
    """An older version can be chosen, and the next training chooses its own."""
    use_version(model, first)
    assert load_bundle(model).manifest["model_version"] == first
    train(houses, load_rows(houses, rows=100), model.parent.parent, recipe=Recipe(trees=3, seed=2))
    assert current_version(model) == second


def test_flat_becomes_version(jobs, tmp_path, first, second, houses):
    """Training into a flat folder keeps its bundle as a version that can be chosen again."""
    folder = flat(jobs[0], tmp_path)
    assert load_bundle(folder).manifest["model_version"] == first
    train(houses, load_rows(houses, rows=100), tmp_path, recipe=Recipe(trees=3, seed=2))
    assert sorted(path.name for path in folder.iterdir()) == sorted([first, second, "current"])
    assert load_bundle(folder).manifest["model_version"] == second
    use_version(folder, first)
    assert load_bundle(folder).manifest == jobs[0].manifest


def test_equal_flat_folder(jobs, tmp_path, second, houses):
    """A flat folder of the same content becomes that version, and is not stored twice."""
    folder = flat(jobs[1], tmp_path)
    train(houses, load_rows(houses, rows=100), tmp_path, recipe=Recipe(trees=3, seed=2))
    assert sorted(path.name for path in folder.iterdir()) == sorted([second, "current"])


def test_broken_flat_folder(jobs, tmp_path, second, houses):
    """A flat folder that cannot be loaded does not stop a training."""
    folder = flat(jobs[0], tmp_path)
    (folder / "manifest.json").write_text("{}")
    train(houses, load_rows(houses, rows=100), tmp_path, recipe=Recipe(trees=3, seed=2))
    assert sorted(path.name for path in folder.iterdir()) == sorted([second, "current"])


def test_broken_current(model, first):
    """A broken `current` names the command that mends it by choosing a version."""
    (model / "current").write_text("0" * 12)
    with pytest.raises(BundleError, match="driftctl bundles use house-price"):
        load_bundle(model)
    use_version(model, first)
    assert load_bundle(model).manifest["model_version"] == first


def test_unpublished_versions(model, first):
    """Versions that no training has published are not served, as a kill may have left them."""
    (model / "current").unlink()
    assert bundle_names(model.parent) == []
    use_version(model, first)
    assert bundle_names(model.parent) == ["house-price"]


class Killed(BaseException):
    """The process ends here."""


def test_killed_training(jobs, tmp_path, monkeypatch, first, second):
    """A kill at any step leaves a bundle that loads, and the next training ends."""
    for steps in range(60):
        build = tmp_path / str(steps)
        folder = flat(jobs[0], build)
        with monkeypatch.context() as patched:
            done = killed_after(steps, patched)
            try:
                write_version(folder, second, contents(jobs[1]))
                use_version(folder, second)
                ended = True
            except Killed:
                ended = False
        assert load_bundle(folder).manifest["model_version"] in (first, second)
        write_version(folder, second, contents(jobs[1]))
        use_version(folder, second)
        assert load_bundle(folder).manifest["model_version"] == second
        assert versions_in(folder) == sorted([first, second])
        assert not (folder / "manifest.json").exists()
        if ended:
            break
    assert done[0] <= steps
    assert steps > 10


def killed_after(steps, patched):
    """Let the process end after so many changes of the file system; return the count of them."""
    done = [0]

    def counted(function):
        def step(*arguments, **options):
            if done[0] == steps:
                raise Killed
            done[0] += 1
            return function(*arguments, **options)

        return step

    # A killed process cleans nothing up.
    patched.setattr(module.shutil, "rmtree", counted(shutil.rmtree))
    patched.setattr(module, "mkdtemp", counted(module.mkdtemp))
    for name in ("rename", "replace", "unlink", "mkdir"):
        patched.setattr(module.Path, name, counted(getattr(module.Path, name)))
    return done


def test_damaged_version(model, second, jobs):
    """A damaged version is mended by the next training, and foreign files are removed."""
    folder = model / second
    (folder / "forest.bin").write_bytes(b"damaged")
    (folder / "note.txt").write_text("x")
    (folder / "folder").mkdir()
    (folder / "baseline.json").unlink()
    (folder / "baseline.json").symlink_to(jobs[1].bundle / "baseline.json")
    write_version(model, second, contents(jobs[1]))
    assert load_bundle(model).manifest == jobs[1].manifest
    assert contents(jobs[1]) == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_rows_of_another_file(model, second, jobs):
    """The same rows from another file change the manifest only, as the version is of what serves."""
    files = contents(jobs[1])
    manifest = json.loads(files["manifest.json"])
    manifest["training"]["source"] = "another.csv"
    before = (model / second / "forest.bin").stat().st_mtime_ns
    write_version(model, second, files | {"manifest.json": json.dumps(manifest).encode()})
    assert load_bundle(model).manifest["training"]["source"] == "another.csv"
    assert (model / second / "forest.bin").stat().st_mtime_ns == before


def test_trainings_at_once(jobs, tmp_path, first, second):
    """Trainings at the same time all end, and a version of theirs is current."""
    folder = flat(jobs[0], tmp_path)

    def publish(job):
        version = job.manifest["model_version"]
        write_version(folder, version, contents(job))
        use_version(folder, version)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(publish, jobs * 8))
    assert load_bundle(folder).manifest["model_version"] in (first, second)
    assert load_bundle(folder / first).manifest == jobs[0].manifest
    assert load_bundle(folder / second).manifest == jobs[1].manifest
    assert sorted(path.name for path in folder.parent.iterdir()) == ["house-price"]


def test_version_not_made(jobs, tmp_path, second):
    """A version that cannot be made is an error of the system, also beside an equal name."""
    folder = tmp_path / "bundles/house-price"
    folder.mkdir(parents=True)
    (folder / second).write_text("a file")
    with pytest.raises(OSError, match=second):
        write_version(folder, second, contents(jobs[1]))


def test_leftovers(model, second, jobs):
    """What a killed training left is removed after an hour, and not what another one writes."""
    old, young = (model.parent / f".house-price-{name}" for name in ("old", "young"))
    for path in (old, young):
        path.mkdir()
    os.utime(old, (time.time() - 7200,) * 2)
    write_version(model, second, contents(jobs[1]))
    assert not old.exists()
    assert young.exists()


def run(*words):
    """The command's result."""
    return CliRunner(env={"COLUMNS": "160"}).invoke(command, [str(word) for word in words])


def test_list_and_choose(model, first, second):
    """The command lists the versions, marks the current one and chooses another."""
    listed = run("list", "--bundles", model.parent).output.splitlines()
    assert [line for line in listed if second in line and "current" in line]
    assert [line for line in listed if first in line and "current" not in line]
    assert run("use", "house-price", first, "--bundles", model.parent).exit_code == 0
    assert current_version(model) == first


def test_list_of_faults(jobs, tmp_path, second):
    """The command lists what is flat, unpublished, missing and refused."""
    folder = flat(jobs[0], tmp_path)
    assert "flat" in run("list", "--bundles", folder.parent).output
    write_version(folder, second, contents(jobs[1]))
    for name in (*contents(jobs[0]), "nothing"):
        (folder / name).unlink(missing_ok=True)
    assert second in run("list", "--bundles", folder.parent).output
    (folder / "current").write_text("0" * 12)
    assert "missing" in run("list", "--bundles", folder.parent).output
    (folder / "current").write_text("x")
    (folder / second / "forest.bin").unlink()
    assert "refused" in run("list", "--bundles", folder.parent).output


@pytest.mark.parametrize("words", [("house-price", "0" * 12), ("house-price", "../.."), ("wine", "0" * 12)])
def test_unknown_version(model, second, words):
    """An unknown version or model ends with exit code 2, and the current version stays."""
    result = run("use", *words, "--bundles", model.parent)
    assert result.exit_code == 2
    assert (second if words[0] == "house-price" else "house-price") in result.output
    assert current_version(model) == second


def test_command_imports():
    """Choosing a version needs no scikit-learn, as a machine that serves does it too."""
    program = "import sys; import drift_ml.training.bundle_commands; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_broken_current_replaced(model, first):
    """A `current` that nobody can read names no version, and is replaced."""
    (model / "current").write_text("nonsense\n")
    use_version(model, first)
    assert current_version(model) == first
