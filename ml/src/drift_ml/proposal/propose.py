"""From a table to a proposed feature set: what it holds, what was assumed, what is in doubt."""

from __future__ import annotations

import re
import shlex
import unicodedata
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from drift_contracts import DriftError, FeatureSet
from drift_contracts.documents import schema
from drift_contracts.wording import listed

from drift_ml.proposal.classes import TWO, class_members
from drift_ml.proposal.judge import Judged, judge
from drift_ml.proposal.profile import Profile, profile_column, written_texts
from drift_ml.proposal.relation import LEAK, explained_share
from drift_ml.proposal.sampling import sample_rows
from drift_ml.tables import DataError, ReadOptions
from drift_ml.tables.layout import PANDAS_INDEX, kept_names
from drift_ml.tables.times import check_times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from drift_ml.proposal.sampling import Sample

CONTRACT = "feature-set.v2"
VERSION = "1.0.0"
#: A number of so few values is a target that may be classes.
FEW_VALUES = 10
#: So many columns are left out by name; of more, all others are by one pattern.
MOST_NAMED = 8
#: What is said of a column that says more of the target than LEAK.
LEAKS = (
    "it says nearly all about the target: if it is not known before the target is, run again with"
    " --ignore and its name"
)
#: A doubt that more columns share is a doubt about the table.
MOST_ALIKE = 3
#: What a name in a contract may hold.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
LONGEST_NAME = 64
LONGEST_MODEL = 48
#: Where a request may name its session or its caller.
PLACES = ("header", "feature", "context")


class ProposalError(DriftError):
    """A table for which no feature set can be proposed."""


@dataclass(frozen=True)
class Wanted:
    """What only the user knows of a table."""

    #: Columns as the header names them: what is predicted, when a row was, what names it.
    target: str
    time_column: str | None = None
    id_columns: tuple[str, ...] = ()
    #: The model's name; made from the target's by default.
    model: str | None = None
    #: Where a request names its session and its caller, as `_source` reads it.
    session: str | None = None
    caller: str | None = None
    #: Features that cut the traffic into segments, as `_segment` reads them.
    segments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """A feature set for a table, to be read before it is used."""

    feature_set: FeatureSet
    #: Per column of the file, in its order, what becomes of it.
    columns: tuple[Judged, ...]
    #: About the target and the table as a whole, in words.
    assumed: tuple[str, ...]
    doubts: tuple[str, ...]
    #: Rows that were looked at, and how they were chosen; "" where they are all.
    rows: int
    chosen: str
    #: Options with which other commands must read the file.
    reading: tuple[str, ...] = ()
    #: Columns that other commands must leave out.
    left_out: tuple[str, ...] = field(default=())
    #: Whether rows were seen that have no target.
    is_partly_labelled: bool = False

    def train_command(
        self,
        data: Path,
        feature_set: Path,
    ) -> str:
        """Return the command that trains on the table, as a shell takes it.

        Args:
            data: the table.
            feature_set: the file that the feature set was written to.
        """
        words = ["driftctl", "train", "--feature-set", str(feature_set), "--data", str(data)]
        words += self.reading
        words += ["--drop-unlabelled"] if self.is_partly_labelled else []
        # A pattern leaves out no column that is needed.
        names = self.left_out if len(self.left_out) <= MOST_NAMED else ("*",)
        for name in names:
            words += ["--ignore", name]
        return shlex.join(words)


def propose(
    path: Path,
    wanted: Wanted,
    options: ReadOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Proposal:
    """Return a proposed feature set for a table.

    Args:
        path: a CSV, TSV or Parquet file, text also packed by gzip, or a folder of such files.
        wanted: what only the user knows.
        options: how to read the file.
        progress: called with columns done and columns in all.

    Raises:
        DataError: the file is no table, or has no rows.
        ProposalError: a column that is named is not there, or no feature is left.
    """
    options = options or ReadOptions()
    try:
        sample = sample_rows(path, options)
    except DataError as error:
        raise DataError(error.source, error.findings, "nothing was proposed") from error.__cause__
    _check_names(sample.names, wanted)
    _check_time(sample, wanted)
    profiles = _profiles(sample, options, progress)
    target = profiles[wanted.target]
    names = set(kept_names(sample.names, options.ignore))
    columns = [
        _judged(profile, target, wanted, is_ignored=profile.name not in names)
        for profile in profiles.values()
        if profile.name != wanted.target
    ]
    columns = _most_telling(columns)
    columns, shared = _shared_doubts(columns)
    features = [column for column in columns if column.members is not None]
    if not features:
        reasons = "; ".join(f"{column.name}: {column.reason}" for column in columns[:3])
        raise ProposalError(
            f"{path.name}: expected at least one column that can be a feature ({reasons})"
        )
    classes = _classes(target, sample, options)
    document = _document(features, target, classes, wanted)
    assumed, doubts = _of_target(target, document["target"])
    doubts += shared
    if sample.ragged:
        doubts.append(
            f"{sample.ragged} rows have another number of cells than the header: training"
            " refuses them"
        )
    return Proposal(
        feature_set=FeatureSet.from_json(document),
        columns=tuple(columns),
        assumed=tuple(assumed),
        doubts=tuple(doubts),
        rows=sample.rows,
        chosen=sample.chosen,
        reading=_reading_words(options, profiles.values(), wanted),
        left_out=_left_out(columns, wanted),
        is_partly_labelled=target.missing > 0,
    )


def _check_names(
    names: Sequence[str],
    wanted: Wanted,
) -> None:
    """Raise ProposalError for a column that the header does not have."""
    options = {"target": (wanted.target,), "id-column": wanted.id_columns}
    if wanted.time_column is not None:
        options["time-column"] = (wanted.time_column,)
    for option, columns in options.items():
        for column in columns:
            if column in names:
                continue
            near = get_close_matches(column, names, n=3, cutoff=0.5)
            raise ProposalError(
                f"--{option}: expected a column of the table, such as {listed(near or [*names])}"
            )


def _check_time(
    sample: Sample,
    wanted: Wanted,
) -> None:
    """Raise ProposalError for a column of times that training could not read."""
    if wanted.time_column is None:
        return
    column = sample.columns[sample.names.index(wanted.time_column)]
    for problem in check_times(column.combine_chunks(), after=None, ordered=False).problems:
        hint = f"; {problem.hint}" if problem.hint else ""
        raise ProposalError(
            f"--time-column: expected {problem.expected} in {wanted.time_column}{hint}"
        )


def _profiles(
    sample: Sample,
    options: ReadOptions,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Profile]:
    """Return the profile of each column by its name, in the order of the file."""
    profiles: dict[str, Profile] = {}
    for place, (name, column) in enumerate(zip(sample.names, sample.columns, strict=True), start=1):
        profiles[name] = profile_column(name, column, options)
        if progress is not None:
            progress(place, len(sample.names))
    return profiles


def _judged(
    profile: Profile,
    target: Profile,
    wanted: Wanted,
    *,
    is_ignored: bool,
) -> Judged:
    """Return what becomes of a column that is not the target."""
    reasons = {
        "--ignore leaves it out": is_ignored,
        "it orders the rows, as --time-column says": profile.name == wanted.time_column,
        "it names the rows, as --id-column says": profile.name in wanted.id_columns,
        "it holds the row labels of pandas": PANDAS_INDEX.fullmatch(profile.name) is not None,
    }
    for reason, holds in reasons.items():
        if holds:
            return Judged(profile.name, None, reason=reason)
    judged = judge(profile)
    if judged.members is None:
        return judged
    share = explained_share(profile, target)
    doubts = judged.doubts if share <= LEAK else (*judged.doubts, LEAKS)
    return replace(judged, doubts=doubts, share=share)


def _most_telling(columns: list[Judged]) -> list[Judged]:
    """Return the columns with as many features as a feature set may have.

    Of more, those stay that say most about the target, each taken alone.
    """
    most: int = schema(CONTRACT)["properties"]["features"]["maxItems"]
    features = [column for column in columns if column.members is not None]
    if len(features) <= most:
        return columns
    ranked = sorted(features, key=lambda column: -column.share)
    chosen = {column.name for column in ranked[:most]}
    reason = f"a feature set has at most {most} features, and others say more about the target"
    return [
        column
        if column.members is None or column.name in chosen
        else Judged(column.name, None, reason=reason)
        for column in columns
    ]


def _shared_doubts(columns: list[Judged]) -> tuple[list[Judged], list[str]]:
    """Return the columns without the doubts that many share, and these as one doubt each."""
    names: dict[str, list[str]] = {}
    for column in columns:
        for doubt in column.doubts:
            names.setdefault(doubt, []).append(column.name)
    shared = {doubt for doubt, holders in names.items() if len(holders) > MOST_ALIKE}
    alone = [
        replace(column, doubts=tuple(doubt for doubt in column.doubts if doubt not in shared))
        for column in columns
    ]
    return alone, [f"{listed(names[doubt])}: {doubt}" for doubt in names if doubt in shared]


def _document(
    features: Sequence[Judged],
    target: Profile,
    classes: dict[str, Any],
    wanted: Wanted,
) -> dict[str, Any]:
    """Return the feature set as a document.

    Args:
        features: the columns that become one.
        target: the column that is predicted.
        classes: its members as a target of classes, none for a number.
        wanted: what only the user knows.
    """
    used: set[str] = set()
    target_name = _contract_name(target.name, used)
    members: dict[str, Any] = {
        "name": target_name,
        **_column_of(target.name, target_name),
        "unit": "unknown",
        "description": f"Fill in: what {target.name} means, and when it is known.",
        **classes,
    }
    described = []
    for judged in features:
        name = _contract_name(judged.name, used)
        described.append(
            {
                "name": name,
                **_column_of(judged.name, name),
                "description": f"Fill in: what {judged.name} means.",
                **(judged.members or {}),
            }
        )
    return {
        "contract": CONTRACT,
        "name": wanted.model or _model_name(target_name),
        "version": VERSION,
        "description": f"Predicts {target.name} from {len(described)} features. Fill in the rest.",
        "target": members,
        "features": described,
        **_sources(wanted),
        **_segments(wanted, described),
    }


def _segments(
    wanted: Wanted, described: Sequence[Mapping[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Return the member that names segments, none where nobody asked. Raises ProposalError.

    Args:
        wanted: what only the user knows.
        described: the features; a column may be named as the file has it.
    """
    names = {feature.get("column", feature["name"]): feature["name"] for feature in described}
    listed = [_segment(text, names) for text in wanted.segments]
    return {"segments": listed} if listed else {}


def _segment(text: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Return one entry of segments as a feature set has it. Raises ProposalError.

    Args:
        text: a feature, of a number with its cuts.
        names: of the features, by column.

    >>> _segment("age=10,40", {})
    {'feature': 'age', 'cuts': [10.0, 40.0]}
    >>> _segment("Region", {"Region": "region"})
    {'feature': 'region'}
    """
    name, has_cuts, cuts = text.partition("=")
    entry: dict[str, Any] = {"feature": names.get(name, name)}
    if has_cuts:
        try:
            entry["cuts"] = [float(cut) for cut in cuts.split(",")]
        except ValueError as error:
            expected = "expected a feature, of a number with its cuts, such as region or age=10,40"
            raise ProposalError(f"--segment: {expected}") from error
    return entry


def _sources(wanted: Wanted) -> dict[str, dict[str, str]]:
    """Return the members that name a session and a caller. Raises ProposalError."""
    places = {"session": wanted.session, "caller": wanted.caller}
    return {kind: _source(kind, text) for kind, text in places.items() if text is not None}


def _source(kind: str, text: str) -> dict[str, str]:
    """Return a place as a feature set has it. Raises ProposalError.

    Args:
        kind: the option that has it.
        text: a kind of place and a name, with a colon between.

    >>> _source("session", "header:x-session-id")
    {'header': 'x-session-id'}
    """
    place, _, name = text.partition(":")
    if place not in PLACES or not name:
        raise ProposalError(
            f"--{kind}: expected header:NAME, feature:NAME or context:/POINTER, such as"
            " header:x-session-id or context:/authorizer/iam/userArn"
        )
    return {place: name}


def _classes(
    target: Profile,
    sample: Sample,
    options: ReadOptions,
) -> dict[str, Any]:
    """Return the members of a target of classes, named as the file has them."""
    column = sample.columns[sample.names.index(target.name)]
    texts = written_texts(column, options, target.marks)
    decimal = "," if target.has_decimal_comma else options.decimal
    return class_members(target, texts, decimal)


def _of_target(
    target: Profile,
    members: dict[str, Any],
) -> tuple[list[str], list[str]]:
    """Return what was assumed of the target, and what is in doubt."""
    assumed: list[str] = []
    doubts: list[str] = []
    classes = members.get("classes")
    if classes is None:
        assumed.append(f"{target.name} is a number, so that a regressor predicts it")
        if target.distinct <= FEW_VALUES:
            doubts.append(
                f"{target.name} has {target.distinct} values: if they are classes, give the target"
                ' "kind": "classification" and "classes"'
            )
    else:
        assumed.append(
            f"{target.name} has {len(classes)} classes, so that a classifier predicts it"
        )
        if "positive" in members:
            assumed.append(f"{members['positive']} is the positive class")
        elif len(classes) == TWO:
            assumed.append(f"{classes[-1]} is the positive class, as the last one by name")
        if target.kind != "text" and len(classes) > TWO:
            doubts.append(
                f"{target.name} writes its two classes in {len(classes)} ways, each of which is a"
                " class to training: write each of the two in one way"
            )
    if target.missing:
        doubts.append(
            f"{target.name} is missing in {target.missing:,} rows, which --drop-unlabelled leaves"
            " out"
        )
    return assumed, doubts


def _reading_words(
    options: ReadOptions,
    profiles: Iterable[Profile],
    wanted: Wanted,
) -> tuple[str, ...]:
    """Return the options with which other commands must read the file."""
    words: list[str] = []
    if options.delimiter is not None:
        words += ["--delimiter", "tab" if options.delimiter == "\t" else options.delimiter]
    if options.decimal != ".":
        words += ["--decimal", options.decimal]
    if options.encoding is not None:
        words += ["--encoding", options.encoding]
    marks = [*options.missing]
    for profile in profiles:
        marks += [mark for mark in profile.marks if mark not in marks]
    words += [f"--missing={mark}" for mark in marks]
    if wanted.time_column is not None:
        words += ["--time-column", wanted.time_column]
    return tuple(words)


def _left_out(
    columns: Sequence[Judged],
    wanted: Wanted,
) -> tuple[str, ...]:
    """Return the columns that training must be told to leave out."""
    names = []
    for place, column in enumerate(columns, start=1):
        if column.members is None and column.name != wanted.time_column:
            names.append(column.name or f"#{place}")
    return tuple(names)


def _contract_name(
    header: str,
    used: set[str],
) -> str:
    """Return a name for a column that contracts allow and that no other column has yet.

    >>> _contract_name("Größe (m²)", set()), _contract_name("2nd floor", set())
    ('Grosse_m2', 'x_2nd_floor')
    """
    if NAME.fullmatch(header) and len(header) <= LONGEST_NAME and header not in used:
        used.add(header)
        return header
    # Accents are taken off; what has no Latin letter at all becomes x.
    plain = unicodedata.normalize("NFKD", header.replace("ß", "ss"))
    plain = plain.encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")
    if not words or not words[0].isalpha():
        words = f"x_{words}".rstrip("_")
    words = words[: LONGEST_NAME - 4]
    name, number = words, 2
    while name in used:
        name, number = f"{words}_{number}", number + 1
    used.add(name)
    return name


def _column_of(
    header: str,
    name: str,
) -> dict[str, str]:
    """Return the member that names the column in files, where it has another name."""
    return {} if header == name else {"column": header}


def _model_name(target: str) -> str:
    """Return a model's name.

    >>> _model_name("SalePrice"), _model_name("is_late")
    ('sale-price', 'is-late')
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", target)
    words = re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")
    return words[:LONGEST_MODEL].rstrip("-")
