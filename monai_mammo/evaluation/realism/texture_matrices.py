"""First-order, co-occurrence and run-length features of grey levels inside a region."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np

__all__ = [
    "CO_OCCURRENCE_FEATURES",
    "FIRST_ORDER_FEATURES",
    "N_LEVELS",
    "RUN_LENGTH_FEATURES",
    "co_occurrence_features",
    "first_order_features",
    "grey_levels",
    "level_pairs",
    "run_length_features",
]

N_LEVELS = 32

FIRST_ORDER_FEATURES = (
    *("10Percentile", "90Percentile", "Entropy", "InterquartileRange", "Kurtosis", "Maximum", "Mean"),
    *("MeanAbsoluteDeviation", "Median", "Minimum", "Range", "RobustMeanAbsoluteDeviation", "RootMeanSquared"),
    *("Skewness", "Uniformity", "Variance"),
)
"""What `first_order_features` gives, in order, by the names of pyradiomics."""

CO_OCCURRENCE_FEATURES = (
    *("Autocorrelation", "ClusterProminence", "ClusterShade", "ClusterTendency", "Contrast", "Correlation"),
    *("DifferenceAverage", "DifferenceEntropy", "DifferenceVariance", "Id", "Idm", "Idmn", "Idn", "Imc1", "Imc2"),
    *("InverseVariance", "JointAverage", "JointEnergy", "JointEntropy", "MCC", "MaximumProbability", "SumEntropy"),
    "SumSquares",
)
"""What `co_occurrence_features` gives, in order, by the names of pyradiomics."""

RUN_LENGTH_FEATURES = (
    *("GrayLevelNonUniformityNormalized", "GrayLevelVariance", "HighGrayLevelRunEmphasis", "LongRunEmphasis"),
    *("LongRunHighGrayLevelEmphasis", "LongRunLowGrayLevelEmphasis", "LowGrayLevelRunEmphasis", "RunEntropy"),
    *("RunLengthNonUniformityNormalized", "RunPercentage", "RunVariance", "ShortRunEmphasis"),
    *("ShortRunHighGrayLevelEmphasis", "ShortRunLowGrayLevelEmphasis"),
)
"""What `run_length_features` gives, in order, by the names of pyradiomics."""

_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


def grey_levels(picture: np.ndarray, inside: np.ndarray, *, n_levels: int = N_LEVELS) -> np.ndarray:
    """Whole grey levels of a region, equally wide between its lowest and its highest value.

    Parameters
    ----------
    picture : ndarray, shape (rows, columns), float
    inside : ndarray, shape (rows, columns), bool
        One pixel or more.
    n_levels : int
        Grey levels that there may be.

    Returns
    -------
    ndarray, shape (rows, columns), int16
        From 1 to `n_levels`, 0 outside; a region of one value has one level.
    """
    values = picture[inside]
    edges = np.histogram_bin_edges(values, n_levels)
    levels = np.zeros(picture.shape, dtype=np.int16)
    levels[inside] = np.clip(_n_edges_up_to(values, edges), 1, n_levels)
    return levels


def first_order_features(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Features of how values are spread, without regard to place.

    Parameters
    ----------
    values : ndarray, shape (n,), float
        Of the pixels in the region; one or more.
    levels : ndarray, shape (n,), int
        The same as whole grey levels, by which entropy (in bits) and uniformity go.

    Returns
    -------
    ndarray, shape (16,)
        In the order of `FIRST_ORDER_FEATURES`. Skewness and kurtosis (3 of a normal law) of one value are 0.

    References
    ----------
    Zwanenburg et al., Radiology 295:328 (2020); van Griethuysen et al., Cancer Res 77:e104 (2017).
    """
    ordered = np.sort(values)  # in less time than percentiles of unordered values take
    p10, p25, median, p75, p90 = np.percentile(ordered, (10, 25, 50, 75, 90))
    mean, deviations = values.mean(), values - values.mean()
    squares = deviations * deviations
    variance = squares.mean()
    third, fourth = (squares * deviations).mean(), (squares * squares).mean()
    middle = ordered[np.searchsorted(ordered, p10) : np.searchsorted(ordered, p90, side="right")]
    shares = np.bincount(levels) / levels.size
    found = {
        "10Percentile": p10,
        "90Percentile": p90,
        "Entropy": _entropy(shares),
        "InterquartileRange": p75 - p25,
        "Kurtosis": fourth / variance**2 if variance > 0 else 0.0,
        "Maximum": ordered[-1],
        "Mean": mean,
        "MeanAbsoluteDeviation": np.abs(deviations).mean(),
        "Median": median,
        "Minimum": ordered[0],
        "Range": ordered[-1] - ordered[0],
        "RobustMeanAbsoluteDeviation": np.abs(middle - middle.mean()).mean() if middle.size else 0.0,
        "RootMeanSquared": np.sqrt((values**2).mean()),
        "Skewness": third / variance**1.5 if variance > 0 else 0.0,
        "Uniformity": (shares**2).sum(),
        "Variance": variance,
    }
    return np.array([float(found[name]) for name in FIRST_ORDER_FEATURES])


def co_occurrence_features(levels: np.ndarray, *, n_levels: int = N_LEVELS) -> np.ndarray:
    """Features of the grey levels of neighbours (GLCM), each its mean over four directions.

    Parameters
    ----------
    levels : ndarray, shape (rows, columns), int
        From 1 to `n_levels`, 0 outside the region.
    n_levels : int
        Grey levels that there may be.

    Returns
    -------
    ndarray, shape (23,)
        In the order of `CO_OCCURRENCE_FEATURES`, at 1 pixel, pairs counted both ways. Directions without a pair are
        left out; without any all features are 0.

    References
    ----------
    Haralick et al., IEEE Trans Syst Man Cybern 3:610 (1973); Zwanenburg et al., Radiology 295:328 (2020).
    """
    tables = [table for table in (level_pairs(levels, step, n_levels=n_levels) for step in _STEPS) if table.any()]
    if not tables:
        return np.zeros(len(CO_OCCURRENCE_FEATURES))
    share = np.stack([table / table.sum() for table in tables])  # (directions, levels, levels)
    found = _of_shares(share, n_levels)
    return np.array([float(found[name].mean()) for name in CO_OCCURRENCE_FEATURES])


def level_pairs(levels: np.ndarray, step: tuple[int, int], *, n_levels: int = N_LEVELS) -> np.ndarray:
    """How often two levels lie one step apart, counted both ways.

    Parameters
    ----------
    levels : ndarray, shape (rows, columns), int
        From 1 to `n_levels`, 0 outside the region.
    step : tuple of int
        Rows down, 0 or more, and columns to the right, or to the left where negative.
    n_levels : int
        Grey levels that there may be.

    Returns
    -------
    ndarray, shape (n_levels, n_levels), int64
        Symmetric.
    """
    (down, across), (rows, columns) = step, levels.shape
    first = levels[: rows - down, max(0, -across) : columns - max(0, across)]
    second = levels[down:, max(0, across) : columns - max(0, -across)]
    width = n_levels + 1
    both = (width * first.astype(np.int32) + second).ravel()
    counts = np.bincount(both, minlength=width**2).reshape(width, width)[1:, 1:]
    return counts + counts.T


def run_length_features(levels: np.ndarray, *, n_levels: int = N_LEVELS) -> np.ndarray:
    """Features of runs of one grey level (GLRLM), each its mean over four directions.

    Parameters
    ----------
    levels : ndarray, shape (rows, columns), int
        From 1 to `n_levels`, 0 outside the region, which has one pixel or more.
    n_levels : int
        Grey levels that there may be.

    Returns
    -------
    ndarray, shape (14,)
        In the order of `RUN_LENGTH_FEATURES`.

    References
    ----------
    Galloway, Comput Graph Image Process 4:172 (1975); Zwanenburg et al., Radiology 295:328 (2020).
    """
    n_pixels = int((levels > 0).sum())
    of_directions = [_of_runs(*_runs(lines, n_levels), n_pixels) for lines in _lines(levels)]
    return np.array([float(np.mean([found[name] for found in of_directions])) for name in RUN_LENGTH_FEATURES])


def _n_edges_up_to(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How many of some edges, equally far apart, are no larger than each value, shape (n,).

    As `numpy.searchsorted` has it, by a division that is put right where it rounds to the wrong side of an edge.
    """
    n_bins = len(edges) - 1
    below = ((values - edges[0]) * (n_bins / (edges[-1] - edges[0]))).astype(np.int16)
    np.clip(below, 0, n_bins - 1, out=below)
    below -= values < edges[below]
    below += values >= edges[below + 1]
    return below + 1


def _of_shares(share: np.ndarray, n_levels: int) -> dict[str, np.ndarray]:
    """Features of symmetric tables of co-occurrence, each of shape (directions,)."""
    level = np.arange(1, n_levels + 1, dtype=float)
    flat = share.reshape(len(share), -1)
    of_one = share.sum(axis=2)  # (directions, levels)
    mean = of_one @ level
    variance = (of_one * (level - mean[:, None]) ** 2).sum(axis=1)
    k_sum, k_difference = np.arange(2, 2 * n_levels + 1), np.arange(n_levels)
    of_sum, of_difference = (flat @ table for table in _sums_and_differences(n_levels))
    around = k_sum - 2 * mean[:, None]
    difference = of_difference @ k_difference
    product = flat @ np.outer(level, level).ravel()
    entropy, of_one_entropy = _entropies(flat), _entropies(of_one)
    independent = (of_one[:, :, None] * of_one[:, None, :]).reshape(len(share), -1)
    crossed = -(flat * _log2(independent)).sum(axis=1)
    # Imc2 has the entropies in bits where its authors have them in nats, as pyradiomics does
    information = np.maximum(_entropies(independent) - entropy, 0)
    return {
        "Autocorrelation": product,
        "ClusterProminence": (of_sum * around**4).sum(axis=1),
        "ClusterShade": (of_sum * around**3).sum(axis=1),
        "ClusterTendency": (of_sum * around**2).sum(axis=1),
        "Contrast": of_difference @ k_difference**2,
        "Correlation": _ratio(product - mean**2, variance, otherwise=1),
        "DifferenceAverage": difference,
        "DifferenceEntropy": _entropies(of_difference),
        "DifferenceVariance": (of_difference * (k_difference - difference[:, None]) ** 2).sum(axis=1),
        "Id": of_difference @ (1 / (1 + k_difference)),
        "Idm": of_difference @ (1 / (1 + k_difference**2)),
        "Idmn": of_difference @ (1 / (1 + (k_difference / n_levels) ** 2)),
        "Idn": of_difference @ (1 / (1 + k_difference / n_levels)),
        "Imc1": _ratio(entropy - crossed, of_one_entropy, otherwise=0),
        "Imc2": np.sqrt(1 - np.exp(-2 * information)),
        "InverseVariance": of_difference[:, 1:] @ (1.0 / k_difference[1:] ** 2),
        "JointAverage": mean,
        "JointEnergy": (flat**2).sum(axis=1),
        "JointEntropy": entropy,
        "MCC": np.array([_maximal_correlation(one) for one in share]),
        "MaximumProbability": flat.max(axis=1),
        "SumEntropy": _entropies(of_sum),
        "SumSquares": variance,
    }


@functools.cache
def _sums_and_differences(n_levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Which sum, from 2, and which distance, from 0, each pair of levels has, shape (pairs, values)."""
    i, j = (x.ravel() for x in np.indices((n_levels, n_levels)))
    return np.eye(2 * n_levels - 1)[i + j], np.eye(n_levels)[abs(i - j)]


def _maximal_correlation(share: np.ndarray) -> float:
    """Root of the second eigenvalue of Haralick's Q; of a symmetric table the second singular value of one matrix."""
    of_one = share.sum(axis=1)
    known = of_one > 0
    if known.sum() < 2:
        return 1.0
    root = np.sqrt(of_one[known])
    scaled = share[np.ix_(known, known)] / np.outer(root, root)
    return float(np.sort(np.abs(np.linalg.eigvalsh(scaled)))[-2])


def _lines(levels: np.ndarray) -> Iterator[np.ndarray]:
    """The picture as lines along each direction, one a row, 0 between them."""
    rows, columns = levels.shape
    yield levels
    yield levels.T
    for turned in (levels[:, ::-1], levels):
        wide = np.zeros((rows, columns + rows), dtype=levels.dtype)
        wide[:, :columns] = turned
        # each row one field further right than the one above it
        yield wide.ravel()[: rows * (columns + rows - 1)].reshape(rows, columns + rows - 1).T


def _runs(lines: np.ndarray, n_levels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels and lengths of runs, and how many there are of each pair, each of shape (n pairs,)."""
    n_lines, n_fields = lines.shape
    row = np.zeros(1 + n_lines * (n_fields + 1), lines.dtype)  # a field outside before and after each line
    row[1:].reshape(n_lines, n_fields + 1)[:, :-1] = lines
    is_change, is_inside = row[1:] != row[:-1], row > 0
    starts = np.flatnonzero(is_change & is_inside[1:])
    lengths = np.flatnonzero(is_change & is_inside[:-1]) - starts
    width = n_levels + 1
    counts = np.bincount(lengths * width + row[1:][starts])
    pairs = np.flatnonzero(counts)
    return (pairs % width).astype(float), (pairs // width).astype(float), counts[pairs].astype(float)


def _of_runs(level: np.ndarray, length: np.ndarray, counts: np.ndarray, n_pixels: int) -> dict[str, float]:
    n_runs = counts.sum()
    share = counts / n_runs

    def mean(values: np.ndarray) -> float:
        return float((share * values).sum())

    of_level, of_length = (np.bincount(x.astype(int), weights=share) for x in (level, length))
    return {
        "GrayLevelNonUniformityNormalized": float((of_level**2).sum()),
        "GrayLevelVariance": mean((level - mean(level)) ** 2),
        "HighGrayLevelRunEmphasis": mean(level**2),
        "LongRunEmphasis": mean(length**2),
        "LongRunHighGrayLevelEmphasis": mean(length**2 * level**2),
        "LongRunLowGrayLevelEmphasis": mean(length**2 / level**2),
        "LowGrayLevelRunEmphasis": mean(1 / level**2),
        "RunEntropy": _entropy(share),
        "RunLengthNonUniformityNormalized": float((of_length**2).sum()),
        "RunPercentage": float(n_runs / n_pixels),
        "RunVariance": mean((length - mean(length)) ** 2),
        "ShortRunEmphasis": mean(1 / length**2),
        "ShortRunHighGrayLevelEmphasis": mean(level**2 / length**2),
        "ShortRunLowGrayLevelEmphasis": mean(1 / (level**2 * length**2)),
    }


def _ratio(above: np.ndarray, below: np.ndarray, *, otherwise: float) -> np.ndarray:
    """Quotients, `otherwise` where what is divided by is 0."""
    return np.divide(above, below, out=np.full(np.shape(above), float(otherwise)), where=below > 0)


def _log2(shares: np.ndarray) -> np.ndarray:
    """0 where there is none."""
    return np.log2(shares, out=np.zeros(shares.shape), where=shares > 0)


def _entropies(shares: np.ndarray) -> np.ndarray:
    """In bits, shape (directions,)."""
    entropies: np.ndarray = -(shares * _log2(shares)).sum(axis=1)
    return entropies


def _entropy(shares: np.ndarray) -> float:
    """In bits."""
    return float(_entropies(np.atleast_2d(shares))[0])
