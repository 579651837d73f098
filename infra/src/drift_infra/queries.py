"""Questions that the runbook asks, saved where people will look for them."""

# ruff: noqa: E501 - the queries are SQL and Logs Insights text, kept as people paste them

from __future__ import annotations

# Every version, also one that nothing here reads yet: the aggregator sets that aside with a reason, and it does not vanish.
PREDICTION_EVENTS = '{ $.contract = "prediction.event.*" }'

LOG_QUERIES = {
    "drifted-requests": """fields @timestamp, Model, DriftScore, drift.severity, prediction_id
| filter contract like /^prediction[.]event[.]/ and DriftScore > {threshold}
| sort DriftScore desc
| limit 50""",
    "drift-by-version": """filter contract like /^prediction[.]event[.]/
| stats count(*) as requests, avg(DriftScore) as drift, pct(DriftScore, 90) as drift_p90 by Model, model_version""",
    "labels": """filter contract like /^prediction[.]event[.]/ and ispresent(label)
| stats count(*) as answers, avg(Prediction) as score, avg(margin) as margin_mean, avg(entropy) as entropy_mean by Model, model_version, label
| sort answers desc
| limit 1000""",
    "slow-answers": """fields @timestamp, Model, Latency, prediction_id
| filter contract like /^prediction[.]event[.]/
| sort Latency desc
| limit 50""",
    "one-prediction": """fields @timestamp, @message
| filter prediction_id = "REPLACE-WITH-AN-ID"
| limit 5""",
    "failures": """fields @timestamp, @message
| filter Errors > 0 or @message like /Task timed out|Traceback/
| sort @timestamp desc
| limit 50""",
    "cold-starts": """filter @type = "REPORT"
| stats count(*) as runs, sum(@initDuration > 0) as cold, avg(@initDuration) as cold_ms, max(@maxMemoryUsed / 1000000) as peak_mb by bin(1h)""",
}

ATHENA_QUERIES = {
    "drift-by-hour": """SELECT model, dt, hour, count(*) AS requests, avg(driftscore) AS drift, approx_percentile(driftscore, 0.9) AS drift_p90
FROM {table}
WHERE dt >= date_format(current_date - interval '7' day, '%Y-%m-%d')
GROUP BY model, dt, hour ORDER BY model, dt, hour""",
    "drifted-features": """SELECT model, feature, count(*) AS requests
FROM {table} CROSS JOIN UNNEST(CAST(json_extract(drift, '$.drifted') AS array(varchar))) AS t (feature)
WHERE dt >= date_format(current_date - interval '1' day, '%Y-%m-%d')
GROUP BY model, feature ORDER BY requests DESC""",
    "labels": """SELECT model, model_version, label, count(*) AS answers, avg(prediction) AS score, avg(margin) AS margin, avg(entropy) AS entropy
FROM {table}
WHERE dt >= date_format(current_date - interval '1' day, '%Y-%m-%d') AND label IS NOT NULL
GROUP BY model, model_version, label ORDER BY model, model_version, answers DESC""",
    "one-prediction": """SELECT * FROM {table}
WHERE dt = date_format(current_date, '%Y-%m-%d') AND prediction_id = 'REPLACE-WITH-AN-ID'""",
    "versions-side-by-side": """SELECT model, model_version, count(*) AS requests, avg(prediction) AS prediction, avg(driftscore) AS drift, avg(latency) AS latency_ms
FROM {table}
WHERE dt >= date_format(current_date - interval '1' day, '%Y-%m-%d')
GROUP BY model, model_version ORDER BY model, model_version""",
}

# Columns of the prediction log as Athena reads them; nested objects stay JSON text, so that a new feature needs no change.
COLUMNS = {
    "contract": "string", "prediction_id": "string", "timestamp": "string", "model_version": "string", "stack": "string",
    "prediction": "double", "driftscore": "double", "latency": "double", "features": "string", "drift": "string",
    # Null for models of one number, whose events are of the first version.
    "label": "string", "positive": "double", "margin": "double", "entropy": "double", "probabilities": "string",
    "predictions": "string",
}  # fmt: skip


def class_mix(model: str) -> str:
    """Return the Logs Insights query of a classifier's answers by hour and class."""
    return f"{_labelled(model)} | stats count(*) as answers by bin(1h), label"


def doubt(model: str) -> str:
    """Return the Logs Insights query of a classifier's mean margin and entropy by hour."""
    return f"{_labelled(model)} | stats avg(margin) as margin, avg(entropy) as entropy by bin(1h)"


def _labelled(model: str) -> str:
    # Names of models are letters, digits and hyphens: they need no escape.
    return f'filter Model = "{model}" and ispresent(label)'
