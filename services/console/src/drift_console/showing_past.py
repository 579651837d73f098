"""Past traffic put in the place of live traffic: its model, its store, its clock, its terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from drift_contracts import SettingsError
from drift_ml.replay.backtest import takes_missing
from drift_ml.replay.texts import time_text
from rich.text import Text

from drift_console.past import Asked, PastTraffic
from drift_console.player import Feed, PastClock, make_answering
from drift_console.replaying import Place, detection_facts, place_of, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_engine.bundle import Bundle
    from rich.console import Console as Terminal

    from drift_console.page_types import ReplayEntry
    from drift_console.settings import Settings

#: Holds the stores of all replays, unless a folder is chosen.
REPLAYS = Path("build/replays")
#: Parts of the rows after which the terminal says how far a replay is.
PARTS = 10


@dataclass
class Past:
    """What a console needs to show past traffic."""

    asked: Asked
    traffic: PastTraffic
    place: Place
    #: Of the console, with the replay's store.
    settings: Settings
    #: The model that answers.
    bundles: dict[str, Bundle]
    clock: PastClock = field(init=False)
    _part: int = -1

    def __post_init__(self) -> None:
        self.clock = PastClock(self.traffic.survey.first_ms / 1000)

    def feed(self, write: Callable[[str], None], terminal: Terminal) -> Feed:
        """Return what a player plays.

        Args:
            write: Takes a line of the event log.
            terminal: Where people read how far it is.
        """
        return Feed(
            self.traffic,
            self.asked.path.name,
            self.asked.speed,
            self.clock,
            make_answering(self.settings, self.bundles, write),
            lambda entry: self._show(entry, terminal),
        )

    def announce(self, terminal: Terminal) -> None:
        """Print what is shown, where its store lies, and whether it goes on."""
        survey, speed = self.traffic.survey, self.asked.speed
        pace = "as fast as it goes" if speed is None else f"at x {speed:,g}"
        first, last = time_text(survey.first_ms), time_text(survey.last_ms)
        start = "goes on where an earlier start ended; --anew begins again"
        if not self.place.goes_on:
            start = "begins anew"
        lines = (
            f"Replay of {self.asked.path.name}, {pace}: {survey.rows:,} rows from {first} to {last}"
            " UTC.",
            f"Its store is {self.place.folder}, and it {start}. Nobody is notified.",
        )
        for line in (*lines, *self._unnamed()):
            terminal.print(Text(line), soft_wrap=True)

    def _unnamed(self) -> list[str]:
        """Return what the service reads from requests and no column of the file is chosen for."""
        ((_, bundle),) = self.bundles.items()
        lines = []
        for kind, source in bundle.feature_set.sources.items():
            if source.feature is None and kind not in self.asked.marks:
                option = f"--{kind} COLUMN names the column of the file that has it"
                lines.append(f"No row has a {kind}, which the model reads from {source}; {option}.")
        return lines

    def _show(self, entry: ReplayEntry, terminal: Terminal) -> None:
        """Print how far the replay is, ten times in all, and that it has ended."""
        now = f"{entry['now'][:16].replace('T', ' ')} UTC"
        part = PARTS * entry["played"] // entry["rows"]
        if entry["ended"]:
            words = f"The replay has ended at {now}; the page stays as it is. Ctrl-C ends it."
        elif part > self._part:
            words = f"Replay at {now}: {entry['played']:,} of {entry['rows']:,} rows."
        else:
            return
        self._part = part
        terminal.print(Text(words, style="dim"), soft_wrap=True)


def open_past(
    settings: Settings,
    bundles: dict[str, Bundle],
    asked: Asked,
    terminal: Terminal,
) -> Past:
    """Return past traffic that is looked through, and a store for it.

    Args:
        settings: Those of the command line.
        bundles: That could answer; one must be left.
        asked: What is to be shown.
        terminal: Where people read that a long file is being looked through.

    Raises:
        SettingsError: several models could answer, or the folder is of other traffic.
        DataError: the file breaks the feature set, or cannot be read.
    """
    if len(bundles) > 1:
        names = ", ".join(bundles)
        raise SettingsError({"--model": f"the one that answers the rows of --replay: {names}"})
    ((model, bundle),) = bundles.items()
    feature_set = bundle.feature_set
    is_complete = not takes_missing(bundle.model, len(feature_set.names))
    with terminal.status(f"Looking through {asked.path.name}"):
        traffic = PastTraffic(asked, feature_set, complete=is_complete)
        version = bundle.manifest["model_version"]
        identity = traffic.identity(model=model, version=version, **detection_facts(settings))
    place = place_of(
        settings.data if asked.data_is_chosen else REPLAYS,
        asked.path.name.split(".")[0],
        identity,
        is_chosen=asked.data_is_chosen,
        anew=asked.anew,
    )
    return Past(asked, traffic, place, settings_of(settings, place), bundles)
