"""Effect sizes between two histograms, and what chance says of them; in plain Python."""

from drift_ml.effects._bins import (
    BinsDiffer,
    merge,
    shares,
    smoothed,
)
from drift_ml.effects._chance import (
    ChiSquare,
    benjamini_hochberg,
    chi_square,
    chi_square_tail,
    fisher,
    kolmogorov_tail,
    ks_p,
)
from drift_ml.effects._distances import (
    jensen_shannon,
    ks,
    psi,
    psi_expected,
    wasserstein,
)
from drift_ml.effects._shifts import (
    Interval,
    mean_shift,
    share_shift,
    variance_ratio,
    wilson,
)

__all__ = [
    "BinsDiffer",
    "ChiSquare",
    "Interval",
    "benjamini_hochberg",
    "chi_square",
    "chi_square_tail",
    "fisher",
    "jensen_shannon",
    "kolmogorov_tail",
    "ks",
    "ks_p",
    "mean_shift",
    "merge",
    "psi",
    "psi_expected",
    "share_shift",
    "shares",
    "smoothed",
    "variance_ratio",
    "wasserstein",
    "wilson",
]
