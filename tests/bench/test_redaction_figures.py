"""How redaction is measured, and the network that is fitted for it."""

from __future__ import annotations

import numpy as np

from analysis.redaction import build_redactor
from bench.materials.redaction_exchanges import REFERENCE, exchange_of
from bench.redaction import exchanges
from bench.redaction_network import fit_network
from pipeline.config.areas.redaction import KINDS, RedactionSettings

ORDER = exchange_of(
    "an order", [("agent", "Your order number?"), ("client", "{reference|4 4 1 7 9 0}, for <3> of them.")]
)


def test_a_reference_is_a_value_where_its_kind_is_wanted_and_harmless_elsewhere() -> None:
    wanted = exchanges(build_redactor(RedactionSettings(kinds=(*KINDS, REFERENCE))), [ORDER], show=False)
    assert str(wanted["reference"]).startswith("1 of 1")
    assert str(wanted["harmless numbers taken"]).startswith("0 of 1")
    left = exchanges(build_redactor(RedactionSettings()), [ORDER], show=False)
    assert "reference" not in left
    assert str(left["harmless numbers taken"]).startswith("0 of 2")


def test_a_network_tells_what_no_sum_of_inputs_tells() -> None:
    """Exclusive or, which needs the hidden layer."""
    rows = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 1024, dtype=np.float32)
    labels = (rows.sum(axis=1) == 1).astype(np.int64)
    found = fit_network(np.hstack([rows, 1 - rows]), labels, classes=2)
    single = np.hstack([rows[:4], 1 - rows[:4]])
    scores = np.maximum(single @ found.hidden + found.constant, 0) @ found.out + found.out_constant
    assert scores.argmax(axis=1).tolist() == [0, 1, 1, 0]
    again = fit_network(np.hstack([rows, 1 - rows]), labels, classes=2)
    np.testing.assert_array_equal(found.hidden, again.hidden)
