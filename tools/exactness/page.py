"""The page docs/exactness.md, from what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HEAD = """# Exactness

How exactly a packed model answers as its library does. `nox -s exact` measures it and writes this page; `-- --all`
tries every combination of versions that has wheels. [Any model](any-model.md) says how to export one.

Each estimator is fitted, converted, and asked beside its library: all training rows and 20,000 hard rows, made of JSON
as requests are. Hard rows lie on the model's thresholds, one ulp to either side in float32 and in float64, at the edges
of the feature set, and hold null and unseen categories where it lets them.

- **exact**: every bit of every answer, and every label.
- **exact-link**: every bit of every score before the link (the sigmoid, the softmax, the exponential), and every label;
  the link is computed by an exponential of our own, at most 4 ulp beside the library's (2 in float32). "Worst ulp" is
  the largest distance of a final value.

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


def render(measured: Sequence[Mapping[str, Any]], missing: Sequence[str]) -> str:
    """Return the page.

    Args:
        measured: Documents of `measure`, each with the name of its combination; the first is that
            of the pinned versions.
        missing: Combinations that could not be tried, as sentences.
    """
    parts = [HEAD, *map(_section, measured)]
    if missing:
        parts.append("## Not checked\n")
        parts.append("\n".join(f"- {words}" for words in missing) + "\n")
    return "\n".join(parts)


def _section(document: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in document["libraries"].items())
    lines = [f"## Python {_minor(document['python'])}, {versions}\n"]
    lines.append(
        "| family | estimator | grade | worst ulp | rows | missing values | equal to lignum |"
    )
    lines.append("|---|---|---|---|---|---|---|")
    served = [result for result in document["results"] if "grade" in result]
    lines += [_row(result) for result in served]
    refused = [result for result in document["results"] if "refused" in result]
    if refused:
        lines.append("\nRefused by name, when packing:\n")
    lines += [f"- {result['name']}: {result['refused']}" for result in refused]
    return "\n".join(lines) + "\n"


def _row(result: Mapping[str, Any]) -> str:
    rows = f"{result['rows']:,} + {result['hard_rows']:,}"
    missing = "yes" if result["missing"] else "no"
    cells = (
        result["family"],
        result["name"],
        result["grade"],
        f"{result['worst_ulp']:g}",
        rows,
        missing,
        _lignum(result.get("lignum")),
    )
    return f"| {' | '.join(cells)} |"


def _lignum(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    if "refuses" in found:
        return "it refuses"
    return f"{found['equal']:,} of {found['rows']:,}"


def _minor(version: str) -> str:
    """Return a version of Python without its last number."""
    return version.rpartition(".")[0]
