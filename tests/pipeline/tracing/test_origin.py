"""Request ids and places in a trace: what is taken from a caller, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tracing.origin import (
    Origin,
    TracePlace,
    current_origin,
    new_trace,
    request_id_of,
    trace_place,
    working_for,
)

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("header", "place"),
    [
        (f"00-{TRACE}-{SPAN}-01", TracePlace(TRACE, SPAN, True)),
        (f"00-{TRACE}-{SPAN}-00", TracePlace(TRACE, SPAN, False)),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", TracePlace(TRACE, SPAN, True)),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        ("", None),
        (None, None),
    ],
)
def test_a_traceparent_is_read_as_the_standard_says(header: str | None, place: TracePlace | None) -> None:
    assert trace_place(header) == place


@given(st.text(max_size=80))
def test_no_header_breaks_the_reader(header: str) -> None:
    place = trace_place(header)
    assert place is None or trace_place(place.traceparent) == place


@given(st.text(max_size=200))
def test_a_request_id_can_stand_in_a_log_line_and_a_header(given_id: str) -> None:
    taken = request_id_of(given_id)
    assert taken.isascii()
    assert taken.isprintable()
    assert " " not in taken
    assert 1 <= len(taken) <= 128


@pytest.mark.parametrize("given_id", ["order-77", "a1:b/c=d+e@f", "x" * 128])
def test_a_callers_id_is_kept(given_id: str) -> None:
    assert request_id_of(given_id) == given_id


def test_two_requests_without_an_id_have_two_ids() -> None:
    assert request_id_of(None) != request_id_of(None)


def test_a_child_is_another_span_of_the_same_trace() -> None:
    parent = new_trace()
    child = parent.child()
    assert child.trace_id == parent.trace_id
    assert child.span_id != parent.span_id


def test_work_inside_is_done_for_the_request_and_work_after_it_is_not() -> None:
    origin = Origin("r-1", new_trace())
    with working_for(origin):
        assert current_origin() == origin
        with working_for(None):
            assert current_origin() == origin
    assert current_origin() is None
