"""The table of the bars: ours, the released detector's and the others', of seeded runs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time, time
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_ml.evidence import Budget, MixtureDetector, Settings

from benchmarks.simulate import promises as of
from benchmarks.simulate.courses import BUDGET, Reference, course_of
from benchmarks.simulate.promises import Promise, promises, traffic
from benchmarks.simulate.tables import table

if TYPE_CHECKING:
    from benchmarks.simulate.courses import Course

    #: Figures by bar and detector.
    Found = dict[tuple[str, str], "Figures"]
    #: What is reached, in words, and whether it is enough; None where nothing is asked for.
    Reached = tuple[str, bool | None]

ROOT = Path(__file__).parents[2]
STATES = ROOT / "tests" / "upgrade" / "states"
BEGIN, END = "<!-- bars: begin -->", "<!-- bars: end -->"
PART = 20
"""Runs of a part, which is done in one go and kept."""
QUICK_PARTS = 1
A_REFERENCE = 4
"""Runs that share a reference; of many features all of a part do, as they take long."""
MANY_COLUMNS = 10
VERSION = 2
"""Of what a part holds."""
TEN_THOUSAND = 10_000
SMALL = 20
"""Fewer events are shown with a digit behind the point."""
NOT_RELEASED = "NOT MEASURED: the released detector; its commit {} is not in this clone: fetch its history"


@dataclass(frozen=True)
class Part:
    """Some runs of one detector on one kind of traffic."""

    promise: Promise
    detector: str
    number: int
    #: Of what the detector is made of.
    made_of: str

    @property
    def name(self) -> str:
        """Return the name under which the runs are kept."""
        facts = [asdict(self.promise), self.detector, self.number, self.made_of, PART, VERSION]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:20]


# --- the trees ------------------------------------------------------------------------------------------


def released_commit() -> str:
    """Return the commit whose stored states the upgrade tests read."""
    return min(path.name for path in STATES.iterdir() if path.is_dir())


def released_tree(cache: Path) -> Path | None:
    """Return a worktree of the released commit; None where the history does not reach it."""
    commit = released_commit()
    folder = (cache / f"released-{commit}").resolve()
    if not (folder / "ml").is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        for words in (["worktree", "prune"], ["worktree", "add", "--quiet", "--detach", str(folder), commit]):
            done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode:
                return None
    return folder


def our_digest() -> str:
    """Return the digest of what our detector does with a small reference and a drift that ends.

    Runs are kept under it: a change of the sources that changes no figure runs nothing again.
    """
    rng = np.random.default_rng(7)
    promise = Promise("digest", "", "", 60, columns=12, rows=300)
    reference = Reference(promise, rng)
    detector = MixtureDetector(Settings(reference.channels, Budget(BUDGET)))
    figures: list[float] = []
    for step, shift in enumerate([0.0] * 3 + [1.0] * 12 + [0.0] * 45):
        rows = rng.standard_normal((promise.batch, promise.columns))
        rows[:, 0] += shift
        (counts,) = reference.batches(rows)
        detector.update(counts, events=promise.batch, timestamp_s=float(step))
        figures += [detector.evidence, len(detector.raised), len(detector.end_recovered())]
    capital = detector.to_json()["capital"]
    figures += [value for value in capital["log"] if value is not None] + capital["age"]
    text = " ".join(f"{figure:.9g}" for figure in figures)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# --- runs -----------------------------------------------------------------------------------------------


def run(part: Part) -> dict[str, Any]:
    """Return the figures of each run of a part; the same for the same part."""
    begun = process_time()
    promise = part.promise
    seed = [31, part.number, int(hashlib.sha256(promise.key.encode()).hexdigest()[:8], 16)]
    rng = np.random.default_rng(seed)
    shared = PART if promise.columns > MANY_COLUMNS else A_REFERENCE
    figures = []
    for place in range(PART):
        if place % shared == 0:
            reference = Reference(promise, rng)
        stream = traffic(promise, rng)
        course = course_of(part.detector, reference, stream.rows)
        figures.append(figures_of(promise, course, stream))
    return {"runs": figures, "seconds": round(process_time() - begun, 2)}


def figures_of(promise: Promise, course: Course, stream: of.Traffic) -> dict[str, Any]:
    """Return the figures of one run; what did not happen is None."""
    meant = [at for at, features in course.raised if promise.told is None or promise.told in features]
    quiet = stream.onset - promise.second
    steps = np.arange(1, len(course.standing) + 1) * promise.batch
    standing = np.array(course.standing)
    before = [at for at, _ in course.raised if at <= quiet]
    after = [at for at in meant if stream.onset < at <= stream.onset + promise.most]
    stood = stream.onset and bool(standing[max(0, stream.onset // promise.batch - 1)])
    delay = float(after[0] - stream.onset) if after else None
    if not course.raised or course.raised[0][1] == ():
        # One that names nothing and stands anyhow has "told" it at once.
        delay = 0.0 if stood and delay is None and course.raised else delay
    drifting = (steps > quiet) & (steps <= stream.end)
    healed = steps > stream.end
    ends = steps[healed & ~standing] if healed.any() else np.array([])
    return {
        "alarms": len(before),
        "quiet": quiet,
        "in_alarm": float(standing[steps <= quiet].mean()),
        "luck": bool([at for at in meant if at <= promise.most]) or bool(standing[steps <= quiet].all()),
        "delay": delay,
        "alerts": len([at for at, _ in course.raised if quiet < at <= stream.end]),
        "in_drift": float(standing[drifting].mean()) if drifting.any() else None,
        "end": float(ends[0] - stream.end) if len(ends) else None,
    }


def kept(part: Part, cache: Path) -> Path:
    """Return the file of a part."""
    return cache / f"bar-{part.name}.json"


def done(part: Part, cache: str) -> float:
    """Run a part unless it is there; return the processor time that it took."""
    path = kept(part, Path(cache))
    if path.exists():
        return 0.0
    result = run(part)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(result))
    unfinished.replace(path)
    return float(result["seconds"])


def parts(count: int, *, with_released: bool) -> list[Part]:
    """Return every part: the first of each bar and detector first, those of many features last."""
    made_of = {of.OURS: our_digest(), of.RELEASED: released_commit()}
    listed = []
    for number in range(count):
        for promise in promises():
            known = [each for each in promise.detectors if each != of.RELEASED or with_released]
            listed += [Part(promise, each, number, made_of.get(each, "")) for each in known]
    return sorted(listed, key=lambda part: part.promise.columns > MANY_COLUMNS)


# --- figures --------------------------------------------------------------------------------------------


def share_text(count: int, total: int) -> str:
    """Return a share in percent with its 95 % interval (Wilson 1927).

    >>> share_text(190, 200)
    '95 % (91 to 97)'
    """
    share, spread = count / total, 1.96**2 / total
    middle = (share + spread / 2) / (1 + spread)
    half = 1.96 * np.sqrt(share * (1 - share) / total + spread / total / 4) / (1 + spread)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return f"{100 * share:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def events_text(events: float) -> str:
    """Return a number of events, with a digit behind the point where it is small.

    >>> events_text(7.46), events_text(9020.4)
    ('7.5', '9,020')
    """
    return f"{events:.1f}" if events < SMALL else f"{events:,.0f}"


def rate_text(count: int, events: float) -> str:
    """Return a rate per 10,000 events with its 95 % interval (Garwood 1936).

    >>> rate_text(0, 400_000)
    '0 (0 to 0.092)'
    """
    from scipy.stats import chi2  # noqa: PLC0415 - --help must not wait for it

    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    high = chi2.ppf(0.975, 2 * count + 2) / 2
    rate, low, high = (each / events * TEN_THOUSAND for each in (count, low, high))
    return f"{rate:.2g} ({low:.2g} to {high:.2g})"


@dataclass(frozen=True)
class Figures:
    """All runs of one detector on one kind of traffic."""

    promise: Promise
    runs: list[dict[str, Any]]

    def told(self) -> int:
        """Return in how many runs the change was told in time."""
        return sum(run["delay"] is not None for run in self.runs)

    def delays(self) -> np.ndarray:
        """Return the delays, of what was not told the whole time: a restricted mean."""
        most = float(self.promise.most)
        return np.array([most if run["delay"] is None else run["delay"] for run in self.runs])

    def mean(self) -> float:
        """Return the restricted mean delay."""
        return float(self.delays().mean())

    def rate(self) -> float:
        """Return the false alarms per 10,000 events."""
        return sum(run["alarms"] for run in self.runs) / self.events() * TEN_THOUSAND

    def events(self) -> int:
        """Return the events without a change."""
        return int(sum(run["quiet"] for run in self.runs))

    def alerts(self) -> float:
        """Return the alerts a change."""
        return float(np.mean([run["alerts"] for run in self.runs]))

    def ended(self) -> list[float]:
        """Return after how many events each alarm ended when its change had."""
        return [run["end"] for run in self.runs if run["end"] is not None]

    def row(self) -> list[str]:
        """Return the cells of a table but for the first two."""
        total = len(self.runs)
        alarms = sum(run["alarms"] for run in self.runs)
        in_alarm = f"{100 * np.mean([run['in_alarm'] for run in self.runs]):.3g} %"
        cells = [str(total), rate_text(alarms, self.events()), in_alarm]
        if not self.promise.change:
            return [*cells, "-", "-", "-", "-"]
        delays = self.delays()
        half = 1.96 * delays.std(ddof=1) / np.sqrt(total)
        luck = share_text(sum(run["luck"] for run in self.runs), total)
        delay = f"{events_text(delays.mean())} +- {events_text(half)}"
        return [*cells, share_text(self.told(), total), luck, delay, f"{self.alerts():.2f}"]


def read(listed: list[Part], cache: Path) -> Found:
    """Return the figures by bar and detector."""
    found: Found = {}
    for part in listed:
        key = (part.promise.key, part.detector)
        if not kept(part, cache).exists():
            continue  # not run yet: `--kept` shows what is there
        runs = json.loads(kept(part, cache).read_text())["runs"]
        found.setdefault(key, Figures(part.promise, [])).runs.extend(runs)
    return found


HEADER = [
    "traffic",
    "detector",
    "runs",
    "false alarms in 10,000 events",
    "in alarm without a change",
    "told",
    "told by luck",
    "delay, events",
    "alerts a change",
]


def rows(found: Found) -> list[list[str]]:
    """Return the rows of the table of all detectors."""
    listed = []
    for promise in promises():
        for detector in promise.detectors:
            if (promise.key, detector) in found:
                words = f"{promise.words.split(':')[0]}, within {promise.most:,}" if promise.change else promise.words
                name = f"**{detector}**" if detector == of.OURS else detector
                listed.append([words, name, *found[promise.key, detector].row()])
    return listed


def verdicts(found: Found) -> list[list[str]]:
    """Return the rows of the first table: each bar, ours, the released one's, and whether ours reaches it."""
    listed = []
    for promise in promises():
        cells = [promise.words]
        holds = None
        for detector in (of.RELEASED, of.OURS):
            figures = found.get((promise.key, detector))
            text, holds = measured(promise, detector, found) if figures else ("not measured", None)
            cells.append(text)
        listed.append([cells[0], cells[2], cells[1], promise.bar, {None: "-", True: "yes", False: "**no**"}[holds]])
    return listed


LEAST_TOLD = 0.95
LEAST_PAIRS = 0.9
MOST_ALERTS = 1.1
SLOWER_UNDER_ANOTHER = 1.3
NOMINAL = 0.1
MOST_SPARSE = 1.2
SHIFT_BARS = {"mean .25": 1.2, "mean .5": 1.2, "mean 1": 1.3}
MEDIANS = {"variance": 80, "correlation": 84}
MEANS = {"all": 8, "levels 60": 200, "levels 300": 200, "frozen": 500}


def measured(promise: Promise, detector: str, found: Found) -> Reached:
    """Return what a detector reaches of a bar in words, and whether that is enough."""
    figures = found[promise.key, detector]
    key, total = promise.key, len(figures.runs)
    if not promise.change:
        alarms = sum(run["alarms"] for run in figures.runs)
        return rate_text(alarms, figures.events()), figures.rate() <= NOMINAL
    if key in COMPARED:
        return COMPARED[key](figures, detector, found)
    if key in MEDIANS:
        median = float(np.median(figures.delays()))
        return f"{median:.0f}", median <= MEDIANS[key]
    told, mean = figures.told(), f"{events_text(figures.mean())} events"
    if key in MEANS:
        return f"{mean}, told in {share_text(told, total)}", figures.mean() <= MEANS[key]
    is_enough = told >= LEAST_PAIRS * total if key.startswith("pair") else None
    return f"{share_text(told, total)} told, {mean}", is_enough


def _over_cusums(figures: Figures, _detector: str, found: Found) -> Reached:
    key = figures.promise.key
    ratio = figures.mean() / found[key, of.CUSUMS].mean()
    return f"{ratio:.2f} times, {figures.mean():.0f} events", ratio <= SHIFT_BARS[key]


def _under_another(figures: Figures, _detector: str, found: Found) -> Reached:
    told, total = figures.told(), len(figures.runs)
    times = figures.mean() / found["second alone", of.OURS].mean()
    holds = told >= LEAST_TOLD * total and times <= SLOWER_UNDER_ANOTHER
    return f"told in {share_text(told, total)}, {times:.2f} times", holds


def _lasting(figures: Figures, _detector: str, _found: Found) -> Reached:
    ended, total = figures.ended(), len(figures.runs)
    text = f"{figures.alerts():.2f} alerts, ended in {share_text(len(ended), total)}"
    if ended:
        text += f" after {np.mean(ended):.0f} events"
    return text, figures.alerts() <= MOST_ALERTS and len(ended) == total


def _sparse(figures: Figures, detector: str, found: Found) -> Reached:
    ratio = figures.mean() / VALUES_OF_SPARSE / found["whole", detector].mean()
    return f"{ratio:.2f} times, {figures.mean():.0f} events", ratio <= MOST_SPARSE


VALUES_OF_SPARSE = 10
"""Events to a value of a feature that is missing in 90 %."""
COMPARED = {**dict.fromkeys(SHIFT_BARS, _over_cusums), "second": _under_another, "lasting": _lasting, "sparse": _sparse}


# --- the command ----------------------------------------------------------------------------------------


def document(found: Found) -> str:
    """Return both tables as text."""
    runs = [len(figures.runs) for figures in found.values()]
    least, most = min(runs), max(runs)
    span = f"{least}" if least == most else f"{least} to {most}"
    header = ["bar", "ours", f"released ({released_commit()})", "must be", "holds"]
    return "\n\n".join(
        [
            f"Printed by `nox -s simulate -- --bars`: {span} seeded runs a row, budget 100,000 events,"
            " shares and rates with their 95 % interval.",
            table(header, verdicts(found)),
            "### The bars, by detector",
            table(HEADER, rows(found)),
        ]
    )


def estimate(listed: list[Part], cache: Path) -> str:
    """Return what is left to do, with the time that it will take by what was done."""
    seconds: dict[tuple[str, str], float] = {}
    left = []
    for part in listed:
        path = kept(part, cache)
        if path.exists():
            seconds[part.promise.key, part.detector] = json.loads(path.read_text())["seconds"]
        else:
            left.append((part.promise.key, part.detector))
    known = [seconds[key] for key in left if key in seconds]
    usual = np.mean(known) if known else 6.0
    total = sum(seconds.get(key, usual) for key in left)
    there = f"{len(listed) - len(left)} of {len(listed)} parts are there"
    return f"{there}; the others take about {total / 60:.0f} minutes of one core"


def report(options: Any) -> None:
    """Run what is missing, print the table, and write it into the document unless it is a quick one."""
    cache = options.cache
    cache.mkdir(parents=True, exist_ok=True)
    tree = released_tree(cache)
    if tree is None:
        print(NOT_RELEASED.format(released_commit()), file=sys.stderr)
    else:
        os.environ["DRIFT_RELEASED_TREE"] = str(tree)
    count = QUICK_PARTS if options.quick else -(-options.runs // PART)
    listed = parts(count, with_released=tree is not None)
    print(estimate(listed, cache), file=sys.stderr, flush=True)
    if not options.kept:
        run_missing(listed, options)
    found = read(listed, cache)
    text = document(found)
    print(text)
    if options.quick:
        print(f"quick: {PART} runs a row, whose intervals are wide; nothing is written", file=sys.stderr)
        return
    path = options.docs / "evidence.md"
    before, rest = path.read_text().split(BEGIN)
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[-1]}")
    print(f"wrote {path}", file=sys.stderr)


def run_missing(listed: list[Part], options: Any) -> None:
    """Run the parts that are not there, and say what they took."""
    begun, used = time(), 0.0
    with ProcessPoolExecutor(options.jobs) as pool:
        waiting = [pool.submit(done, part, str(options.cache)) for part in listed]
        try:
            for number, future in enumerate(as_completed(waiting), 1):
                used += future.result()
                if number % len(promises()) == 0:
                    print(f"{number} of {len(listed)} parts", file=sys.stderr, flush=True)
        finally:
            pool.shutdown(cancel_futures=True)
    print(f"{used / 60:.1f} minutes of processor time, {(time() - begun) / 60:.1f} minutes", file=sys.stderr)
