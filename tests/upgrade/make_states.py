"""Save a state of the code at hand, so that later code can be shown to take it over.

    python -m tests.upgrade.make_states --name 1.2.0                       everything but the graphs
    python -m tests.upgrade.make_states --name 1.2.0 --only graphs         the graphs, where Pulumi
    is installed nox -s save-state -- --name 1.2.0                                      both, each
    in its own environment

A state is written to tests/upgrade/states/NAME and never changed afterwards. Equal code and
libraries give equal content. docs/upgrade.md says when to save one.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.upgrade.saved import SavedState, write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.upgrade.saved import Request

ROOT = Path(__file__).resolve().parents[2]
STATES = Path(__file__).parent / "states"
#: Minutes by which the late event of the prediction log is late.
LATE_MINUTES = 180
#: Lines that the delivery puts into one object at most.
LINES_AN_OBJECT = 48


def main() -> int:
    """Make the parts that are asked for; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--name", required=True, help="Commit or release whose code this is; the folder's name."
    )
    parser.add_argument(
        "--only", choices=list(PARTS), action="append", help="Make this part only (repeatable)."
    )
    parser.add_argument(
        "--bundles", type=Path, help="Folder of bundles to keep. Default: trained as they ship."
    )
    parser.add_argument(
        "--out", type=Path, default=STATES, help="Folder of states. Default: %(default)s."
    )
    options = parser.parse_args()
    state = SavedState(options.out / options.name)
    parts = options.only or [name for name in PARTS if name != "graphs"]
    if "bundles" in parts and state.folder.exists():
        sys.stderr.write(
            f"{state.folder} is there: a saved state is never changed. Give another --name.\n"
        )
        return 2
    for name in parts:
        PARTS[name](state, options)
    return 0


def make_bundles(state: SavedState, options: argparse.Namespace) -> None:
    """Keep both bundles as they ship."""
    from drift_ml.training.__main__ import main as train  # noqa: PLC0415 - slow

    if options.bundles is not None:
        shutil.copytree(options.bundles, state.bundles)
        return
    with tempfile.TemporaryDirectory() as build:
        train.main(["--out", build], standalone_mode=False)
        shutil.copytree(Path(build) / "bundles", state.bundles)


def make_console(state: SavedState, _options: argparse.Namespace) -> None:
    """Keep the console's data folder in the middle of the story, and what comes afterwards."""
    from tests.upgrade import story  # noqa: PLC0415 - not there for the graphs
    from tests.upgrade.running import Running, bundles_in, facts_of  # noqa: PLC0415

    bundles = bundles_in(state.bundles)
    traffic = story.Traffic(bundles)
    before = list(traffic.minutes(story.BEFORE))
    afterwards = list(traffic.minutes(story.AFTER, after=int(before[-1][0].at) + story.MINUTE))
    *whole, last = before
    _play(state.console, bundles, whole, last)
    (state.console / "lock").unlink()
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = Running(Path(folder) / "data", bundles, story.BEGIN)
        for minute in before:
            undisturbed.pass_minute(minute)
        course = []
        undisturbed.alerts.clear()
        for minute in afterwards:
            undisturbed.pass_minute(minute)
            course.append(undisturbed.standing())
        undisturbed.stop()
        expected = {
            "alerts": undisturbed.alerts,
            "course": course,
            "end": facts_of(Path(folder) / "data", bundles),
        }
    facts = {
        "saved_at": last[-1].at,
        "not_taken_in": len(last),
        "console": facts_of(state.console, bundles),
    }
    for left in state.console.glob("*-shm"):
        left.unlink()
    write_json(
        state.folder / "afterwards.json.gz",
        [[each.to_json() for each in minute] for minute in afterwards],
    )
    write_json(state.folder / "expected.json.gz", expected)
    write_json(state.folder / "facts.json", facts)


def _play(data: Path, bundles: Any, minutes: list[list[Request]], last: list[Request]) -> None:
    """Let a console live through the minutes, with a restart each day and one more.

    The last minute is only answered.

    Webhooks take every alert but those of the last day's end.
    """
    from tests.upgrade.running import Running  # noqa: PLC0415 - as above

    running: Running | None = None
    end = minutes[-1][0].at
    for index, minute in enumerate(minutes):
        new_day = index == 0 or minute[0].at - minutes[index - 1][0].at > 3600
        if running is None or new_day or index == len(minutes) - 3:
            if running is not None:
                running.stop()
            running = Running(data, bundles, minute[0].at, seed=index + 1)
        running.pass_minute(minute)
        running.age_log()
        if end - minute[0].at > 5 * 60:
            running.deliver()
    running.answer(last)
    running.stop()


def make_dynamodb(state: SavedState, _options: argparse.Namespace) -> None:
    """Keep the monitor's items for the same traffic, and what comes afterwards."""
    from tests.upgrade.running import (  # noqa: PLC0415 - as above
        answered,
        bundles_in,
        lines_of,
        minutes_of,
    )
    from tests.upgrade.watched import Watched, in_memory, make_table, read_items  # noqa: PLC0415

    bundles = bundles_in(state.bundles)
    before = list(minutes_of(lines_of(state)))
    afterwards = list(answered(bundles, state.afterwards))
    with in_memory() as client:
        make_table(client)
        watched = Watched(client, bundles, 0.0)
        for end, lines in before:
            watched.topic_up = end < before[-1][0] - 4 * 60
            watched.pass_minute(lines, end)
        items = read_items(client)
        facts = {
            "counted": watched.counted(),
            "published": watched.published,
            "waiting": watched.waiting(),
        }
        watched.topic_up = True
        watched.published = []
        course = []
        for end, lines in afterwards:
            watched.pass_minute(lines, end)
            found = watched.evaluations.items()
            course.append(
                {model: {"alarm": each.alarm, "evidence": each.evidence} for model, each in found}
            )
        expected = {"alerts": watched.published, "course": course, "counted": watched.counted()}
    write_json(
        state.folder / "dynamodb.json.gz", {"items": items, "saved": facts, "expected": expected}
    )


def make_objects(state: SavedState, _options: argparse.Namespace) -> None:
    """Keep the last day's lines as the stream delivers them: by model and hour, one late."""
    from tests.upgrade.running import lines_of  # noqa: PLC0415 - as above

    lines = lines_of(state)
    newest = json.loads(lines[-1])["timestamp"]
    day = [line for line in lines if json.loads(line)["timestamp"][:10] == newest[:10]]
    for model in sorted({json.loads(line)["Model"] for line in day}):
        of_model = [line for line in day if json.loads(line)["Model"] == model]
        late, *in_time = of_model
        _write_objects(state, model, in_time, arrival=datetime.fromisoformat(newest))
        late_arrival = datetime.fromtimestamp(
            datetime.fromisoformat(newest).timestamp() + LATE_MINUTES * 60, UTC
        )
        _write_objects(state, model, [late], arrival=late_arrival)


def _write_objects(state: SavedState, model: str, lines: list[str], *, arrival: datetime) -> None:
    """Write lines as objects under the key that the stream's prefix gives them."""
    folder = (
        state.folder
        / f"prediction-log/predictions/model={model}/dt={arrival:%Y-%m-%d}/hour={arrival:%H}"
    )
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(lines), LINES_AN_OBJECT):
        text = "".join(line + "\n" for line in lines[start : start + LINES_AN_OBJECT])
        name = f"mlops-drift-monitor-dev-predictions-1-{arrival:%Y-%m-%d-%H-%M-%S}-{start:012d}.gz"
        (folder / name).write_bytes(gzip.compress(text.encode(), mtime=0))


def make_exchanges(state: SavedState, _options: argparse.Namespace) -> None:
    """Record the client and every problem against the service."""
    from tests.upgrade.exchanges import record  # noqa: PLC0415 - as above
    from tests.upgrade.running import bundles_in  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        write_json(state.folder / "exchanges.json", record(Path(folder), bundles_in(state.bundles)))


def make_graphs(state: SavedState, _options: argparse.Namespace) -> None:
    """Capture the graphs of dev and prod."""
    from tests.upgrade.graphs import captured  # noqa: PLC0415 - needs Pulumi

    write_json(
        state.folder / "graphs.json.gz", captured(Path(os.environ.get("DRIFT_CHECKOUT", ROOT)))
    )


PARTS: dict[str, Callable[[SavedState, argparse.Namespace], None]] = {
    "bundles": make_bundles,
    "console": make_console,
    "dynamodb": make_dynamodb,
    "objects": make_objects,
    "exchanges": make_exchanges,
    "graphs": make_graphs,
}

if __name__ == "__main__":
    sys.exit(main())
