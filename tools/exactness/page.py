"""The page docs/exactness.md, from what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Results = Sequence[Mapping[str, Any]]

HEAD = """# Exactness

How exactly a packed model answers as its library does. `nox -s exact` measures it and writes this page; `-- --all`
tries every combination of versions that has wheels. Each combination's result is kept in `build/exactness` until the
sources or the versions change, so that a run that was interrupted goes on where it stopped; `-- --only NAME` measures one
of those that `-- --list` names, and `-- --stored` writes the page of what is kept. [Any model](any-model.md) says how to export one.

Each estimator is fitted, converted, and asked beside its library: all training rows and 20,000 hard rows, made of JSON
as requests are. Hard rows lie on the model's thresholds, one ulp to either side in float32 and in float64, at the edges
of the feature set, and hold null and unseen categories where it lets them.

- **exact**: every bit of every answer, and every label.
- **exact-link**: every bit of every score before the link (the sigmoid, the softmax, the exponential), and every label;
  the link is computed by an exponential of our own, at most 4 ulp beside the library's (2 in float32). "Worst ulp" is
  the largest distance of a final value.
- **nearest**: linear models of dense matrices, whose library adds in no promised order: every score is within what rounding
  can do in any order ([the bound](any-model.md#steps-of-pipelines)). "Of the bound" is the largest difference as a share of
  it. In ulp that may be much, as a sum of large terms may be a small number.

"From a file" is another proof: the estimator is saved by the versions of the heading with joblib, read by the pinned
versions without executing anything of it, packed, and compared with the saved answers to all these rows.

Libraries disagree with themselves, so each grade names a call: forests add up in any order where `n_jobs` is above 1,
and histogram boosting rounds one row otherwise than a batch from eight classes on. XGBoost 3.2 takes an unseen text in
a data frame for the first category; here it is an unknown category, which goes left as its matrices have it.

numpy computes exponentials otherwise on processors with AVX-512: a softmax of scikit-learn is then up to 4 ulp beside
itself (5 with numpy 1.26 and ten classes, which is refused). The figures here are of numpy without them, as any
processor has it, by
`NPY_DISABLE_CPU_FEATURES="AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4"`;
whoever exports on such a processor and is refused sets the same.

lignum (the package `pylignum`) reads the boosters' own files; it does not know every setting, and leaves
out LightGBM's `reg_sqrt`.
"""

COLUMNS = (
    "family",
    "estimator",
    "grade",
    "worst ulp",
    "of the bound",
    "rows",
    "missing values",
    "from a file",
    "equal to lignum",
)
#: What happens to what is not served, and how the page calls it.
FATES = {
    "refused": "Refused by name, when packing",
    "needs": "Not in this version",
    "failed": "Failed",
}


def render(
    measured: Sequence[Mapping[str, Any]],
    missing: Sequence[str],
) -> str:
    """Return the page.

    Args:
        measured: Stored results, the first of them that of the pinned versions.
        missing: Combinations that could not be tried, as sentences.
    """
    first = measured[0] if measured else None
    parts = [HEAD]
    if first is not None:
        parts += [_combinations(measured), _in_full(first)]
    for document in measured[1:]:
        parts.append(_otherwise(document, measured[0]))
    if missing:
        listed = "\n".join(f"- {words}" for words in missing)
        parts.append(f"## Not checked\n\n{listed}\n")
    return "\n".join(parts)


def _combinations(measured: Sequence[Mapping[str, Any]]) -> str:
    """Return a table with a line for each combination of versions."""
    lines = ["## Combinations\n"]
    lines.append(
        _line(
            *("Python", "numpy", "scikit-learn", "XGBoost", "LightGBM"),
            *COUNTS,
        )
    )
    lines.append(_line(*["---"] * (5 + len(COUNTS))))
    for document in measured:
        libraries = document["libraries"]
        versions = [
            libraries[name]
            for name in (
                "numpy",
                "scikit-learn",
                "xgboost",
                "lightgbm",
            )
        ]
        counts = [str(count(document["results"])) for count in COUNTS.values()]
        lines.append(
            _line(
                _minor(document["python"]),
                *versions,
                *counts,
            )
        )
    digest = measured[0]["digest"][:12]
    lines.append(f"\nThe first line was measured with the sources and pins of digest `{digest}`.")
    return "\n".join(lines) + "\n"


def _graded(grade: str) -> Callable[[Results], int]:
    return lambda results: sum(result.get("grade") == grade for result in results)


def _having(fate: str) -> Callable[[Results], int]:
    return lambda results: sum(fate in result for result in results)


def _from_files(results: Results) -> str:
    """Return how many of the estimators in files were packed with a grade."""
    files = [result["from_file"] for result in results if "from_file" in result]
    equal = sum("grade" in file for file in files)
    return f"{equal} of {len(files)}"


#: Columns of the table of combinations, each counted from a combination's results.
COUNTS: dict[str, Callable[[Results], object]] = {
    "exact": _graded("exact"),
    "exact-link": _graded("exact-link"),
    "nearest": _graded("nearest"),
    "refused": _having("refused"),
    "newer only": _having("needs"),
    "failed": _having("failed"),
    "from files": _from_files,
}


def _in_full(document: Mapping[str, Any]) -> str:
    """Return the table of every estimator, of the pinned versions."""
    lines = [
        f"## {_title(document)}\n",
        _line(*COLUMNS),
        _line(*["---"] * len(COLUMNS)),
    ]
    results = document["results"]
    lines += [_row(result) for result in results if "grade" in result]
    lines += _fates(results) + _refused_files(results)
    return "\n".join(lines) + "\n"


def _otherwise(
    document: Mapping[str, Any],
    first: Mapping[str, Any],
) -> str:
    """Return what is otherwise than with the pinned versions.

    Args:
        document: Of a combination.
        first: Of the pinned versions.
    """
    usual = {result["name"]: _facts(result) for result in first["results"]}
    results = document["results"]
    others = [result for result in results if _facts(result) != usual.get(result["name"])]
    lines = [f"## {_title(document)}\n"]
    rows = [_row(result) for result in others if "grade" in result]
    if rows:
        lines += [
            _line(*COLUMNS),
            _line(*["---"] * len(COLUMNS)),
            *rows,
        ]
    fates = _fates(others) + _untried(results, first["results"])
    lines += fates
    if not rows and not fates:
        lines.append("Everything is as with the pinned versions.")
    else:
        lines.append("\nEverything else is as with the pinned versions.")
    return "\n".join(lines) + "\n"


def _untried(
    results: Results,
    usual: Results,
) -> list[str]:
    """Return which estimators the pinned versions have and these have not, by their library."""
    names = {result["name"] for result in results}
    counts: dict[str, int] = {}
    for result in usual:
        if result["name"] not in names:
            library = result["library"]
            counts[library] = counts.get(library, 0) + 1
    if not counts:
        return []
    listed = [f"- {library}: {count} estimators" for library, count in counts.items()]
    return ["\nNot tried with these versions, as the library is not installed:\n", *listed]


def _facts(result: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what of a result a reader would want to know where it is otherwise."""
    names = ("grade", "refused", "needs", "failed", "missing", "lignum")
    file = result.get("from_file", {})
    is_near = result.get("grade") == "nearest"
    # How near a sum was depends on how the machine's library adds.
    distance = None if is_near else result.get("worst_ulp")
    return (
        *(result.get(name) for name in names),
        distance,
        file.get("grade"),
        file.get("refused"),
    )


def _fates(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what was not served as lists: refused, not there yet, or broken."""
    lines = []
    for fate, title in FATES.items():
        listed = [f"- {result['name']}: {result[fate]}" for result in results if fate in result]
        if listed:
            lines += [f"\n{title}:\n", *listed]
    return lines


def _title(document: Mapping[str, Any]) -> str:
    libraries = document["libraries"].items()
    versions = ", ".join(f"{name} {version}" for name, version in libraries)
    return f"Python {_minor(document['python'])}, {versions}"


def _row(result: Mapping[str, Any]) -> str:
    missing = "yes" if result["missing"] else "no"
    share = result.get("bound_share")
    return _line(
        result["family"],
        result["name"],
        result["grade"],
        f"{result['worst_ulp']:g}",
        "" if share is None else f"{share:.0%}",
        f"{result['rows']:,} + {result['hard_rows']:,}",
        missing,
        _from_file(result.get("from_file")),
        _lignum(result.get("lignum")),
    )


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _from_file(result: Mapping[str, Any] | None) -> str:
    if result is None:
        return ""
    return str(result.get("grade", "refused"))


def _refused_files(results: Results) -> list[str]:
    """Return why estimators cannot be packed out of a joblib file, each reason once."""
    counts: dict[str, int] = {}
    for result in results:
        words = result.get("from_file", {}).get("refused")
        if words is not None:
            counts[words] = counts.get(words, 0) + 1
    if not counts:
        return []
    listed = [f"- {words} ({count} of the estimators)" for words, count in counts.items()]
    return ["\nRefused out of a joblib file:\n", *listed]


def _lignum(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    if "refuses" in found:
        return "it refuses"
    return f"{found['equal']:,} of {found['rows']:,}"


def _minor(version: str) -> str:
    """Return a version of Python without its last number."""
    return version.rpartition(".")[0]
