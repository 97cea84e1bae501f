"""The hash of what a step depends on is the one of all earlier versions, whatever is written ahead."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from analysis.fingerprints import Written, fingerprint_of
from pipeline.records import CustomerSegment

_PARTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(CustomerSegment)
    | st.builds(Path, st.text(alphabet="abc/", max_size=5)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=8,
)


@given(st.lists(st.tuples(_PARTS, st.booleans()), max_size=5))
def test_the_hash_is_that_of_one_list_of_all_parts(parts: list[tuple[object, bool]]) -> None:
    plain = [part for part, _ in parts]
    canonical = json.dumps(plain, sort_keys=True, ensure_ascii=False, default=str)
    expected = hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    assert fingerprint_of(*(Written.of(part) if ahead else part for part, ahead in parts)) == expected
