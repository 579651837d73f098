"""A seeded world for the page: traffic, drift and alarms on a clock that only moves when it is told to."""

from __future__ import annotations

import bisect
import json
import math
import random
import statistics
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from drift_contracts.alarm_language import expression_text, rule_text
from drift_ml.verdict import Drift, decide

THRESHOLD = 2.0
BUCKET = 15
BUCKETS = 80
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp()
PERIOD = 60

_PACKAGE = files("drift_contracts")
_FEATURES = json.loads((_PACKAGE / "feature_sets" / "house-price.json").read_text("utf-8"))["features"]
_SCENARIOS = json.loads((_PACKAGE / "scenarios" / "house-price.json").read_text("utf-8"))["scenarios"]
_SPEC = json.loads((_PACKAGE / "monitoring" / "spec.json").read_text("utf-8"))
_LAWS = {
    "bedrooms": (3, 1.41),
    "bathrooms": (2, 0.82),
    "sqft": (2000, 500),
    "age": (24.5, 14.4),
    "location_score": (5.5, 2.6),
}

CLASSIFIER = "flight-delay"
MANY_CLASSES = "parcel-route"
LONG_MODEL = "a-model-whose-name-was-written-by-a-committee-and-then-extended-by-another-committee-v2"
LONG_FEATURE = "days_since_the_customer_last_opened_a_support_ticket_in_any_channel_"


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Model:
    """One model's features, laws and what it has answered."""

    name: str
    features: list[dict[str, Any]]
    laws: dict[str, tuple[float, float]]
    scenarios: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    alarm_states: dict[str, tuple[str, float, str]] = field(default_factory=dict)
    history: list[dict[str, str]] = field(default_factory=list)
    #: Of a classifier, with the share that each has in training.
    classes: dict[str, float] = field(default_factory=dict)

    def ordinary(self, random_: random.Random) -> dict[str, float]:
        values = {}
        for feature in self.features:
            mean, std = self.laws[feature["name"]]
            value = min(max(random_.gauss(mean, std), mean - 2.2 * std), mean + 2.2 * std)
            values[feature["name"]] = round(value) if feature["type"] == "integer" else round(value, 1)
        return values

    def observe(self, at: float, values: dict[str, float]) -> dict[str, Any]:
        z = {name: (value - self.laws[name][0]) / self.laws[name][1] for name, value in values.items()}
        score = statistics.fmean(abs(each) for each in z.values())
        price = 120_000 + sum(110_000 * math.tanh(each) for each in z.values()) + 520_000
        row = {
            "at": at,
            "timestamp": iso(at),
            "prediction_id": f"019ab0f2-7c1e-7d3a-9b1f-{len(self.rows):012x}",
            "prediction": round(price, 2),
            "drift_score": round(score, 4),
            "severity": "normal" if score < 1 else "moderate" if score <= THRESHOLD else "high",
            "drifted": [name for name, each in z.items() if abs(each) > THRESHOLD],
            "features": values,
        }
        if self.classes:
            row |= self._answer(statistics.fmean(z.values()))
        self.rows.append(row)
        return row

    def _answer(self, push: float) -> dict[str, Any]:
        """A class by its share, the later ones the more the larger the features are."""
        weights = {
            name: share * math.exp(place * 1.5 * push) for place, (name, share) in enumerate(self.classes.items())
        }
        total = sum(weights.values())
        random_ = random.Random(len(self.rows))
        tilted = {name: weight / total * random_.uniform(0.3, 1.7) for name, weight in weights.items()}
        whole = sum(tilted.values())
        shares = {name: weight / whole for name, weight in tilted.items()}
        label = max(shares, key=shares.__getitem__)
        largest = dict(sorted(shares.items(), key=lambda item: -item[1])[:10])
        score = shares[list(shares)[-1]] if len(shares) == 2 else shares[label]
        return {"label": label, "probabilities": largest, "prediction": score}


def _edges(mean: float, std: float) -> list[float]:
    return [mean + std * step for step in (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2)]


def _shares(counts: list[int]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]


class World:
    """Models, a clock, and the documents of the page's API."""

    def __init__(self) -> None:
        self.random = random.Random(7)
        self.now = START
        #: Seconds of a bucket of the charts.
        self.bucket = BUCKET
        self.evidence: dict[str, Any] | None = None
        self.warnings: list[dict[str, Any]] | None = None
        house = Model("house-price", _FEATURES, _LAWS, _SCENARIOS)
        long_names = [f"{LONG_FEATURE}{number}" for number in range(14)]
        wide = Model(
            LONG_MODEL,
            [
                {"name": name, "type": "number", "unit": "days", "description": f"Feature {name}, " * 4}
                for name in long_names
            ],
            dict.fromkeys(long_names, (10.0, 3.0)),
        )
        fresh = Model("fresh", _FEATURES, _LAWS, _SCENARIOS)
        flights = Model(CLASSIFIER, _FEATURES, _LAWS, _SCENARIOS, classes={"on-time": 0.6, "late": 0.4})
        places = [f"Depot {number} of the region in the north-west, hall {number % 4}" for number in range(11)]
        parcels = Model(MANY_CLASSES, _FEATURES, _LAWS, classes=dict.fromkeys(places, 1 / 11))
        self.models = {model.name: model for model in (house, wide, fresh, flights, parcels)}
        for step in range(140):
            at = START - 1120 + step * 8
            house.observe(at, house.ordinary(self.random))
            wide.observe(at, wide.ordinary(self.random))
        for model in (flights, parcels):
            seeded = random.Random(11)
            for step in range(140):
                model.observe(START - 1120 + step * 8, model.ordinary(seeded))
        for model in self.models.values():
            self._alarms(model)

    def advance(self, seconds: float, *, traffic: bool = True) -> None:
        """Move the clock; each two seconds one ordinary request comes to the first model."""
        end = self.now + seconds
        while self.now + 2 <= end:
            self.now += 2
            if traffic:
                house = self.models["house-price"]
                house.observe(self.now, house.ordinary(self.random))
        self.now = end
        for model in self.models.values():
            self._alarms(model)

    def send(self, model: Model, scenario: dict[str, Any]) -> dict[str, Any]:
        """Send a scenario's requests over two alarm periods and evaluate the alarms."""
        before = len(model.rows)
        for _ in range(2 * PERIOD // 6):
            self.now += 6
            for values in scenario["requests"]:
                model.observe(self.now, values)
        self._alarms(model)
        sent = model.rows[before:]
        average = statistics.fmean(row["drift_score"] for row in sent)
        severity = "normal" if average < 1 else "moderate" if average <= THRESHOLD else "high"
        labels = Counter(row["label"] for row in sent if "label" in row)
        return {
            "scenario": scenario["name"],
            "sent": len(sent),
            "average_drift_score": average,
            "severity": severity,
        } | ({"labels": dict(labels.most_common())} if labels else {})

    def _alarms(self, model: Model) -> None:
        recent = [row["drift_score"] for row in model.rows if row["at"] > self.now - 2 * PERIOD]
        average = statistics.fmean(recent) if recent else 0.0
        high = average > THRESHOLD
        compared = "above" if high else "not above"
        self._set(
            model,
            "high-drift",
            high,
            f"2 of 2 datapoints were {compared} the threshold 2.0: the newest is {average:.2f}",
        )
        self._set(
            model,
            "needs-attention",
            high,
            "high-drift is in ALARM" if high else "No alarm of the rule is raised",
        )

    def _set(self, model: Model, alarm: str, raised: bool, reason: str) -> None:
        state = "ALARM" if raised else "OK"
        before, since, _ = model.alarm_states.get(alarm, ("INSUFFICIENT_DATA", self.now, ""))
        if state != before:
            since = self.now
            model.history.append(
                {"timestamp": iso(self.now), "alarm": alarm, "from": before, "to": state, "reason": reason}
            )
        model.alarm_states[alarm] = (state, since, reason)

    def state(self, name: str | None = None) -> dict[str, Any]:
        """The document of GET /console/api/state."""
        model = self.models[name or "house-price"]
        newest = math.floor((self.now - START) / self.bucket)
        first = START - START % self.bucket + (newest - BUCKETS + 1) * self.bucket
        times = [first + place * self.bucket for place in range(BUCKETS)]
        buckets: list[list[dict[str, Any]]] = [[] for _ in times]
        for row in model.rows:
            place = bisect.bisect_right(times, row["at"]) - 1
            if place >= 0:
                buckets[place].append(row)
        rows = [row for bucket in buckets for row in bucket]
        answers = {"answers": _answers(model, times, buckets)} if model.classes else {}
        return answers | {
            "now": iso(self.now),
            "stack": "local",
            "fast": True,
            "model": model.name,
            "models": list(self.models),
            "threshold": THRESHOLD,
            "target": {"name": "delay", "unit": ""} if model.classes else {"name": "price", "unit": "USD"},
            "service": {"lines_lost": 0, "lag_seconds": 0, "dead": []},
            "totals": {
                "predictions": len(rows),
                "drifted": sum(row["drift_score"] > THRESHOLD for row in rows),
                "errors": 0,
                "rejected": 0,
            },
            "series": {
                "bucket_seconds": self.bucket,
                "times": times,
                "count": [len(bucket) for bucket in buckets],
                "prediction": {
                    "average": [_mean(bucket, "prediction") for bucket in buckets],
                    "p10": [_rank(bucket, 0.1) for bucket in buckets],
                    "p90": [_rank(bucket, 0.9) for bucket in buckets],
                },
                "drift_score": {
                    "average": [_mean(bucket, "drift_score") for bucket in buckets],
                    "maximum": [max((row["drift_score"] for row in bucket), default=None) for bucket in buckets],
                },
            },
            "features": [_feature(feature, model.laws[feature["name"]], rows, buckets) for feature in model.features],
            "alarms": [
                _alarm(
                    alarm,
                    model.alarm_states.get(alarm["name"], ("OK", START - 1000, "Not over its threshold")),
                )
                for alarm in _SPEC["alarms"]
            ],
            "history": model.history,
            "recent": [{key: value for key, value in row.items() if key != "at"} for row in reversed(model.rows[-30:])],
            "model_card": _card() | {"warnings": self.warnings} | (_class_card(model) if model.classes else {}),
            "scenarios": [
                {"name": each["name"], "title": each["title"], "requests": len(each["requests"])}
                for each in model.scenarios
            ],
            "evidence": self.evidence,
        }


def _answers(model: Model, times: list[int], buckets: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """What a classifier answers, as the console's state has it: windows of a minute over buckets of 15 s."""
    drawn = list(model.classes)[:6] if len(model.classes) > 7 else list(model.classes)
    names = [*drawn, f"{len(model.classes) - len(drawn)} other classes"] if len(drawn) < len(model.classes) else drawn

    def mixed(rows: list[dict[str, Any]]) -> list[float]:
        found = Counter(row["label"] if row["label"] in drawn else names[-1] for row in rows)
        return [found[name] / len(rows) if rows else 0.0 for name in names]

    course: list[list[float | None]] = [[None] * len(times) for _ in names]
    for place in range(0, len(times), 4):
        window = [row for bucket in buckets[place : place + 4] for row in bucket]
        for name, value in enumerate(mixed(window)) if window else ():
            course[name][place] = value
    rows = [row for bucket in buckets for row in bucket]
    whose = names[-1] if len(model.classes) == 2 else "the label"
    score = {"name": "score", "type": "number", "unit": "", "description": f"Probability of {whose}"}
    scored = [row | {"features": {"score": row["prediction"]}} for row in rows]
    by_bucket = [[row | {"features": {"score": row["prediction"]}} for row in bucket] for bucket in buckets]
    shares = dict(model.classes)
    others = sum(share for name, share in shares.items() if name not in drawn)
    binary = len(model.classes) == 2
    return {
        "classes": list(model.classes),
        "positive": names[-1] if binary else None,
        "threshold": 0.5 if binary else None,
        "calibration": _calibration(),
        "mix": {
            "names": names,
            "baseline": [shares.get(name, others) for name in names],
            "live": mixed(rows),
            "count": len(rows),
            "times": times,
            "course": course,
        },
        "score": _feature(score, (0.4, 0.13), scored, by_bucket),
    }


def _calibration() -> list[dict[str, Any]]:
    bins = []
    for place in range(10):
        middle = 0.05 + place / 10
        observed = middle + 0.06 * math.sin(place)
        bins.append(
            {
                "low": place / 10,
                "high": (place + 1) / 10,
                "count": 40 + 30 * place,
                "predicted": middle,
                "observed": observed,
                "observed_low": max(0.0, observed - 0.08),
                "observed_high": min(1.0, observed + 0.08),
            }
        )
    return bins


def _exactness(model: Model) -> dict[str, Any]:
    """Return how exactly a classifier answers: one was proven, the other was compared with nothing."""
    reference = {"call": "HistGradientBoostingClassifier.predict_proba", "library": "scikit-learn", "version": "1.9.1"}
    if model.name == MANY_CLASSES:
        return {"grade": "unproven", "rows": 0, "hard_rows": 0, "worst_ulp": None, "reference": reference}
    return {"grade": "exact-link", "rows": 3000, "hard_rows": 20000, "worst_ulp": 1, "reference": reference}


def _class_card(model: Model) -> dict[str, Any]:
    return {
        "scores": {
            "log_loss": {"value": 0.48, "low": 0.47, "high": 0.49},
            "brier": {"value": 0.15, "low": 0.14, "high": 0.16},
            "auc": {"value": None, "low": None, "high": None},
        },
        "class_scores": {name: {"precision": 0.7, "recall": 0.4, "f1": 0.51, "support": 400} for name in model.classes},
        "exactness": _exactness(model),
        "held_out": {"by": "time", "column": "time", "from": "2013-11-01", "to": "2013-12-31"},
        "importances": {
            "hour": {"value": 0.0102, "low": 0.0088, "high": 0.0116},
            "wind": {"value": 0.0031, "low": 0.002, "high": 0.0042},
        },
    }


def _mean(bucket: list[dict[str, Any]], key: str) -> float | None:
    return statistics.fmean(row[key] for row in bucket) if bucket else None


def _rank(bucket: list[dict[str, Any]], part: float) -> float | None:
    values = sorted(row["prediction"] for row in bucket)
    return values[round(part * (len(values) - 1))] if values else None


def _feature(
    feature: dict[str, Any],
    law: tuple[float, float],
    rows: list[dict[str, Any]],
    buckets: list[list[dict[str, Any]]],
) -> dict[str, Any]:
    mean, std = law
    name, edges = feature["name"], _edges(mean, std)
    low, high = mean - 2.5 * std, mean + 2.5 * std
    walls = [low, *edges, high]
    normal = statistics.NormalDist(mean, std)
    cumulative = [0.0, *(normal.cdf(edge) for edge in edges), 1.0]
    values = [row["features"][name] for row in rows]
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[bisect.bisect_left(edges, value)] += 1
    live = statistics.fmean(values) if values else None
    return {
        "name": name,
        "type": feature["type"],
        "unit": feature.get("unit", ""),
        "description": feature.get("description", ""),
        "baseline": {
            "mean": mean,
            "std": std,
            "min": low,
            "max": high,
            "bins": [
                {
                    "label": f"{walls[i]:,.4g} to {walls[i + 1]:,.4g}",
                    "low": walls[i],
                    "high": walls[i + 1],
                    "share": cumulative[i + 1] - cumulative[i],
                }
                for i in range(len(counts))
            ],
        },
        "live": {
            "count": len(values),
            "mean": live,
            "z": None if live is None else (live - mean) / std,
            "mean_abs_z": statistics.fmean(abs(value - mean) / std for value in values) if values else None,
            "share": _shares(counts),
        },
        "series": {
            "average": [
                statistics.fmean(row["features"][name] for row in bucket) if bucket else None for bucket in buckets
            ]
        },
    }


def _alarm(alarm: dict[str, Any], now: tuple[str, float, str]) -> dict[str, Any]:
    threshold = alarm.get("threshold")
    setting = _SPEC["settings"][threshold["setting"]]["default"] if isinstance(threshold, dict) else threshold
    keys = (
        "name",
        "title",
        "severity",
        "statistic",
        "metric",
        "evaluation_periods",
        "datapoints_to_alarm",
        "comparison",
    )
    rule, expression = alarm.get("rule"), alarm.get("expression")
    return {key: alarm.get(key) for key in keys} | {
        "rule": rule and rule_text(rule),
        "expression": expression and expression_text(expression),
        "state": now[0],
        "since": iso(now[1]),
        "reason": now[2],
        "next": alarm["runbook"],
        "threshold": setting,
        "period": PERIOD,
    }


def _card() -> dict[str, Any]:
    return {
        "model_version": "3f9a1c2b4d5e",
        "feature_set": "1.0.0",
        "rows": 10000,
        "estimator": {
            "kind": "RandomForestRegressor",
            "parameters": {"n_estimators": 100, "min_samples_leaf": 5, "random_state": 7},
        },
        "training": {
            "source": "synthetic:house-price",
            "rows": 10000,
            "held_out_rows": 2000,
            "seed": 7,
            "data_sha256": "0f" * 32,
            "libraries": {"python": "3.11.7", "scikit-learn": "1.9.1", "numpy": "2.4.6"},
        },
        "scores": {
            "r2": {"value": 0.974, "low": 0.972, "high": 0.976},
            "mae": {"value": 17200.0, "low": 16700.0, "high": 17700.0},
            "rmse": {"value": 21600.0, "low": 21000.0, "high": 22200.0},
            "mape": {"value": 0.035, "low": 0.033, "high": 0.037},
        },
    }


def evidence(world: World, *, alarm: bool) -> dict[str, Any]:
    """Evidence that climbs over its bar and names the area, or stays under it."""
    times = world.state()["series"]["times"]
    value = [min(i, 70) / 60 if alarm else 0.2 + 0.1 * math.sin(i / 6) for i in range(len(times))]
    top = [("sqft", "up", 0.71), ("age", "up", 0.2), ("product:age:sqft", None, 0.09)]
    since = iso(world.now - 200)
    return {
        "threshold": 1.0,
        "times": times,
        "value": value,
        "alarm": alarm,
        "since": since if alarm else None,
        "finding": _finding(since) if alarm else None,
        "top": [
            {"channel": name, "feature": None if ":" in name else name, "direction": way, "share": part}
            for name, way, part in top
        ],
        "budget": 100_000.0,
        "window": {"events": 1120, "first": iso(START - 1120), "last": since, "words": "1 of 30 channels differs"},
        "effects": [_effect("sqft", 0.52), _effect("age", 0.02), _effect(LONG_FEATURE, -0.01)],
        "alerts": [_drift_alert(since, iso(world.now - 140))] if alarm else [],
        "verdict": decided([drift_of(since)] if alarm else []),
        "acknowledged": {},
    }


def drift_of(since: str, name: str = "sqft", muted_until: str | None = None) -> dict[str, Any]:
    """A drift as the console shows it."""
    words = f"{name}: the mean rose from 2,000 to 2,260 square feet"
    alert_id = "019ab0f2-7c1e-5d3a-9b1f-0a1b2c3d4e5f"
    return {"alert_id": alert_id, "words": words, "of": [name], "since": since, "muted_until": muted_until}


def decided(drifts: list[dict[str, Any]], unproven: str = "") -> dict[str, Any]:
    """What the console decides of drifts, by its own function."""
    facts = [
        Drift(drift["words"], tuple(drift["of"]), muted_until=drift["muted_until"] and drift["muted_until"][:10])
        for drift in drifts
    ]
    found = decide(facts)
    return {
        "level": found.level,
        "headline": found.headline,
        "others": list(found.others),
        "unproven": unproven,
        "drifts": drifts,
    }


def _finding(since: str) -> dict[str, Any]:
    facts = {"channel": "sqft", "kind": "location", "direction": "up", "size": 0.52, "effect": 0.52}
    return facts | {"since": since, "events": 80.0, "evidence": 11.6, "needed": 11.5, "shares": {}, "of": ["sqft"]}


def _effect(name: str, shift: float) -> dict[str, Any]:
    weights = [1 + shift * (place - 7.5) / 7.5 for place in range(16)]
    return {
        "feature": name,
        "level": "large" if shift > 0.1 else "none",
        "words": f"{name}: {shift:+.2f} standard deviations",
        "psi": abs(shift) / 2,
        "ks": abs(shift) / 3,
        "wasserstein": abs(shift),
        "mean_shift": {"value": shift, "low": shift - 0.1, "high": shift + 0.1},
        "p_adjusted": 0.000001 if shift > 0.1 else 0.8,
        "labels": [f"{place} to {place + 1}" for place in range(16)],
        "baseline": [1 / 16] * 16,
        "window": [weight / sum(weights) for weight in weights],
    }


def _drift_alert(since: str, at: str) -> dict[str, Any]:
    return {
        "contract": "alert.v2",
        "alert_id": "019ab0f2-7c1e-5d3a-9b1f-0a1b2c3d4e5f",
        "kind": "drift",
        "state": "ALARM",
        "name": "drift-evidence",
        "timestamp": at,
        "title": "house-price: drift in sqft: the mean rose from 2,000 to 2,260 square feet",
        "reason": f"sqft: the mean rose from 2,000 to 2,260 square feet since {since}, over 80 events",
        "next": ["Ask whether its source or the callers changed at that time"],
        "drift": {"before": 2000.0, "after": 2260.0, "unit": "square feet", "events": 80},
    }


def replayed(world: World, *, budget: float, minimum_effect: float) -> dict[str, Any]:
    """The world's evidence under other settings: reached sooner with a smaller budget, never over large effects."""
    real = world.evidence or evidence(world, alarm=False)
    scale = math.log(100_000) / math.log(budget)
    alarm = {"channel": "sqft", "kind": "location", "direction": "up", "effect": 0.5, "at": iso(world.now - 170)}
    alarm |= {"words": "sqft: the mean rose from 2,000 to 2,260 square feet", "muted": False}
    return {
        "budget": budget,
        "minimum_effect": minimum_effect,
        "times": real["times"],
        "value": [value * scale for value in real["value"]],
        "alarms": [alarm] if real["alarm"] and minimum_effect < 0.5 else [],
        "windows": 19,
        "events": 1120,
        "held": "Held against the training rows, as in the service until a rhythm is learned",
    }
