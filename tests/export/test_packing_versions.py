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


def test_a_path_to_a_model_is_its_current_version_and_one_to_a_version_is_that(model, first, second):
    """So older versions can be replayed without being chosen."""
    assert load_bundle(model).manifest["model_version"] == second
    assert load_bundle(model / first).manifest["model_version"] == first
    assert sorted(path.name for path in model.iterdir()) == sorted([first, second, "current"])
    assert read_row_digests(model, load_bundle(model).manifest) is not None


def test_equal_content_trained_again_changes_nothing(model, houses):
    """Neither a file nor its time."""
    before = state(model)
    train(houses, load_rows(houses, rows=100), model.parent.parent, recipe=Recipe(trees=3, seed=2))
    assert state(model) == before


def test_an_older_version_is_chosen_and_a_training_chooses_its_own(model, first, second, houses):
    """The documented way back, and on."""
    use_version(model, first)
    assert load_bundle(model).manifest["model_version"] == first
    train(houses, load_rows(houses, rows=100), model.parent.parent, recipe=Recipe(trees=3, seed=2))
    assert current_version(model) == second


def test_training_into_a_flat_folder_keeps_its_bundle_as_a_version(jobs, tmp_path, first, second, houses):
    """What was served before can be chosen again."""
    folder = flat(jobs[0], tmp_path)
    assert load_bundle(folder).manifest["model_version"] == first
    train(houses, load_rows(houses, rows=100), tmp_path, recipe=Recipe(trees=3, seed=2))
    assert sorted(path.name for path in folder.iterdir()) == sorted([first, second, "current"])
    assert load_bundle(folder).manifest["model_version"] == second
    use_version(folder, first)
    assert load_bundle(folder).manifest == jobs[0].manifest


def test_a_flat_folder_of_the_same_content_becomes_that_version(jobs, tmp_path, second, houses):
    """Nothing is kept twice."""
    folder = flat(jobs[1], tmp_path)
    train(houses, load_rows(houses, rows=100), tmp_path, recipe=Recipe(trees=3, seed=2))
    assert sorted(path.name for path in folder.iterdir()) == sorted([second, "current"])


def test_a_flat_folder_that_nothing_can_load_does_not_stop_a_training(jobs, tmp_path, second, houses):
    """It could not be served either."""
    folder = flat(jobs[0], tmp_path)
    (folder / "manifest.json").write_text("{}")
    train(houses, load_rows(houses, rows=100), tmp_path, recipe=Recipe(trees=3, seed=2))
    assert sorted(path.name for path in folder.iterdir()) == sorted([second, "current"])


def test_a_broken_current_is_mended_by_choosing_a_version(model, first):
    """The refusal names the command that does it."""
    (model / "current").write_text("0" * 12)
    with pytest.raises(BundleError, match="driftctl bundles use house-price"):
        load_bundle(model)
    use_version(model, first)
    assert load_bundle(model).manifest["model_version"] == first


def test_versions_that_no_training_has_published_are_not_served(model, first):
    """So a first training that was killed before its end leaves no half-chosen model."""
    (model / "current").unlink()
    assert bundle_names(model.parent) == []
    use_version(model, first)
    assert bundle_names(model.parent) == ["house-price"]


class Killed(BaseException):
    """The process ends here."""


def test_a_kill_at_any_step_leaves_a_bundle_that_loads_and_the_next_training_ends(
    jobs, tmp_path, monkeypatch, first, second
):
    """Over a flat folder, which has the most steps."""
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


def test_a_version_that_was_damaged_is_mended_by_the_next_training(model, second, jobs):
    """Its files are replaced, and what does not belong there goes."""
    folder = model / second
    (folder / "forest.bin").write_bytes(b"damaged")
    (folder / "note.txt").write_text("x")
    (folder / "folder").mkdir()
    (folder / "baseline.json").unlink()
    (folder / "baseline.json").symlink_to(jobs[1].bundle / "baseline.json")
    write_version(model, second, contents(jobs[1]))
    assert load_bundle(model).manifest == jobs[1].manifest
    assert contents(jobs[1]) == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_rows_from_another_file_change_the_manifest_only(model, second, jobs):
    """The version is of what serves; where the rows came from is said anew."""
    files = contents(jobs[1])
    manifest = json.loads(files["manifest.json"])
    manifest["training"]["source"] = "another.csv"
    before = (model / second / "forest.bin").stat().st_mtime_ns
    write_version(model, second, files | {"manifest.json": json.dumps(manifest).encode()})
    assert load_bundle(model).manifest["training"]["source"] == "another.csv"
    assert (model / second / "forest.bin").stat().st_mtime_ns == before


def test_trainings_at_the_same_time_all_end_and_one_of_them_is_current(jobs, tmp_path, first, second):
    """Of the same version and of different ones."""
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


def test_a_version_that_cannot_be_made_is_an_error_of_the_system(jobs, tmp_path, second):
    """Not hidden behind what would be done where it is there already."""
    folder = tmp_path / "bundles/house-price"
    folder.mkdir(parents=True)
    (folder / second).write_text("a file")
    with pytest.raises(OSError, match=second):
        write_version(folder, second, contents(jobs[1]))


def test_what_a_killed_training_left_is_removed_after_an_hour(model, second, jobs):
    """Not what another training writes at this moment."""
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


def test_the_command_lists_the_versions_and_chooses_one(model, first, second):
    """By name, with a mark at the current one."""
    listed = run("list", "--bundles", model.parent).output.splitlines()
    assert [line for line in listed if second in line and "current" in line]
    assert [line for line in listed if first in line and "current" not in line]
    assert run("use", "house-price", first, "--bundles", model.parent).exit_code == 0
    assert current_version(model) == first


def test_the_command_lists_what_is_flat_unpublished_missing_and_refused(jobs, tmp_path, second):
    """It is where a person looks when something is wrong."""
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
def test_a_version_or_model_that_is_not_there_ends_with_exit_code_2(model, second, words):
    """And the current one stays."""
    result = run("use", *words, "--bundles", model.parent)
    assert result.exit_code == 2
    assert (second if words[0] == "house-price" else "house-price") in result.output
    assert current_version(model) == second


def test_the_command_needs_no_scikit_learn():
    """A machine that serves chooses versions too."""
    program = "import sys; import drift_ml.training.bundle_commands; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_broken_current_is_replaced(model, first):
    """What nobody can read names no version."""
    (model / "current").write_text("nonsense\n")
    use_version(model, first)
    assert current_version(model) == first
