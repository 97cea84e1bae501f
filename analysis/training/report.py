"""One HTML page about a training run; plots are inside the page."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.model_folder import ModelCard, shown_value
from analysis.training.judging.measures import Comparison, Scores

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2433}"
    "table{border-collapse:collapse;margin:.5rem 0}td,th{border:1px solid #ccd;padding:.25rem .6rem;text-align:left}"
    "td,p,li{overflow-wrap:anywhere}td:first-child{min-width:6rem}img{max-width:100%}h2{margin-top:2rem}"
)


def write_report(
    path: Path,
    card: ModelCard,
    scores: Scores,
    comparison: Comparison | None,
    *,
    truth: npt.NDArray[np.intp],
    probabilities: npt.NDArray[np.float64],
) -> None:
    """The page: figures with intervals, comparison with the model in use, confusion, reliability, the card."""
    names = list(card.classes)
    parts = [f"<h1>{html.escape(card.title)}</h1>", "<h2>Held-out figures</h2>", scores_table(scores)]
    parts += ["<h2>Against the model in use</h2>", _comparison(comparison, card)]
    parts += ["<h2>Confusion (rows: truth)</h2>", _image(confusion_plot(scores.confusion, names))]
    parts += ["<h2>Reliability</h2>", _image(reliability_plot(truth, probabilities, names))]
    for heading, content in (("Data", card.data), ("Options", card.options), ("Versions", card.versions)):
        parts += [f"<h2>{heading}</h2>", _mapping(content)]
    parts += ["<h2>Limits</h2><ul>", *(f"<li>{html.escape(limit)}</li>" for limit in card.limits), "</ul>"]
    features = ", ".join(card.features[:400])
    parts += [f"<h2>Features ({len(card.features)})</h2><p>{html.escape(features)}</p>"]
    path.write_text(page(card.title, parts), encoding="utf-8")


def page(title: str, parts: Sequence[str]) -> str:
    """A self-contained page."""
    view = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    head = f"{view}<title>{html.escape(title)}</title><style>{_STYLE}</style>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def scores_table(scores: Scores) -> str:
    ece = "not given under 2,000 items" if scores.calibration_error is None else f"{scores.calibration_error:.4f}"
    rows = (
        ("Items", str(scores.items)),
        ("Groups", str(scores.groups)),
        ("Unweighted average recall", str(scores.recall)),
        ("Macro-F1", str(scores.macro_f1)),
        ("Brier score (0-2, lower is better)", str(scores.brier)),
        ("Expected calibration error", ece),
    )
    return _table(("", "value [95 % interval, bootstrap over groups]"), rows)


def _comparison(comparison: Comparison | None, card: ModelCard) -> str:
    if comparison is None:
        return f"<p>{html.escape(str(card.figures.get('comparison', 'none')))}</p>"
    rows = (
        ("Unweighted average recall", str(comparison.recall)),
        ("Macro-F1", str(comparison.macro_f1)),
        ("Brier score (negative is better)", str(comparison.brier)),
    )
    verdict = html.escape(str(card.figures.get("comparison", comparison.verdict)))
    return f"<p>New minus old, paired: {verdict}.</p>" + _table(("", "difference"), rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    top = f"<tr>{head}</tr>" if header else ""
    return f"<table>{top}{body}</table>"


def _mapping(content: Mapping[str, Any]) -> str:
    shown = [(str(key).replace("_", " "), shown_value(value) or "none") for key, value in content.items()]
    return _table((), [row for row in shown if row[0] != "averages"])


def _image(figure: Any) -> str:
    """The figure as a PNG within the page."""
    target = io.BytesIO()
    figure.savefig(target, format="png", metadata={"Software": None})
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(target.getvalue()).decode()}">'


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def confusion_plot(table: Sequence[Sequence[int]], names: Sequence[str]) -> Any:
    """A figure; colour is the share of the row."""
    counts = np.asarray(table, dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = max(4.0, min(14.0, 0.45 * len(names) + 3))
    figure, axes = _figure(size, size)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90 if len(names) > 5 else 0)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("answer")
    axes.set_ylabel("truth")
    if len(names) <= 12:
        for row, column in np.ndindex(counts.shape):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{counts[row, column]:.0f}", ha="center", va="center", color=colour)
    return figure


def reliability_plot(
    truth: npt.NDArray[np.intp], probabilities: npt.NDArray[np.float64], names: Sequence[str], bins: int = 10
) -> Any:
    """A figure: how often a class is true, plotted against its predicted probability; bins of equal size."""
    figure, axes = _figure(5.5, 5.0)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="--")
    if len(names) <= 5:
        curves = [(name, probabilities[:, number], truth == number) for number, name in enumerate(names)]
    else:
        curves = [("most probable class", probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)]
    for name, said, happened in curves:
        order = np.array_split(np.argsort(said, kind="stable"), min(bins, len(said)))
        axes.plot([said[rows].mean() for rows in order], [happened[rows].mean() for rows in order], "o-", label=name)
    axes.set_xlabel("probability said")
    axes.set_ylabel("share that was true")
    axes.legend()
    return figure
