"""What the page about a training draws: read from the figures, not from their pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis.training.report import confusion_plot, reliability_plot
from tests.pinned import assert_pinned


def drawn(figure: Any) -> Iterator[str]:
    yield " ".join(f"{value:.2f}" for value in figure.get_size_inches())
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            told = [f"{place:.1f} {label.get_text()} {label.get_rotation():.0f}" for place, label in ticks]
            yield f"{axis.get_label_text()}: {', '.join(told)}"
        for image in axes.images:
            yield f"{image.get_cmap().name} {image.get_clim()}"
            yield from (" ".join(f"{value:.2f}" for value in row) for row in image.get_array())
        for line in axes.lines:
            points = zip(line.get_xdata(), line.get_ydata(), strict=True)
            style = line.get_label(), line.get_color(), line.get_linestyle(), line.get_marker(), line.get_linewidth()
            yield f"{style}: {' '.join(f'{x:.3f},{y:.3f}' for x, y in points)}"
        for text in axes.texts:
            place = *text.get_position(), text.get_ha(), text.get_va()
            yield f"{place} {text.get_text()} {text.get_color()}"
        legend = axes.get_legend()
        yield " ".join(text.get_text() for text in legend.get_texts()) if legend else "no legend"


def test_the_plots_of_a_training() -> None:
    """Of few classes with numbers and a curve each, of many without; one with no item, and fewer items than bins."""
    lines = []
    for classes, items in ((3, 60), (5, 7), (6, 60), (12, 30), (13, 400), (30, 30)):
        names = [f"class {number}" for number in range(classes)]
        generator = np.random.default_rng(classes)
        truth = generator.integers(0, classes - 1, items)
        shares = generator.dirichlet(np.ones(classes), items)
        table = np.zeros((classes, classes), dtype=int)
        np.add.at(table, (truth, np.where(generator.random(items) < 0.6, truth, shares.argmax(axis=1))), 1)
        lines += [f"= {classes}", *drawn(confusion_plot(table.tolist(), names))]
        lines += drawn(reliability_plot(truth, shares, names, bins=4 if classes == 13 else 10))
    assert_pinned("plots.txt", "\n".join(lines))
