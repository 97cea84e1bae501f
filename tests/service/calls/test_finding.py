"""Search over the API."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.conftest import Room
from tests.service.test_problems import told


def test_a_quote_has_its_time_and_the_words_that_match(api: Room) -> None:
    answer = api.browser.get("/v1/search", params={"q": "refunds"}).json()
    (found,) = answer["found"]
    assert (found["call_id"], found["role"], found["channel"], found["ordinal"]) == (api.call_id, "agent", 1, 0)
    assert found["quote"] == "I am sorry I will refund it"
    assert [piece["text"] for piece in found["pieces"] if piece["matches"]] == ["refund"]
    assert "".join(piece["text"] for piece in found["pieces"]) == found["quote"]
    assert found["at_s"] == pytest.approx(2.5 + 5 * 2 / 7)
    assert answer["searched_instead"] is None


def test_what_nobody_said_leads_to_the_likest_that_somebody_did(api: Room) -> None:
    answer = api.browser.get("/v1/search", params={"q": "chraged"}).json()
    assert answer["searched_instead"] == "charged"
    assert len(answer["found"]) == 1


def test_filters_and_sides_choose_where_to_look(api: Room) -> None:
    for more, hits in (({"role": "client"}, 0), ({"role": "agent"}, 1), ({"agent": "A8"}, 0), ({"agent": "A7"}, 1)):
        answer = api.browser.get("/v1/search", params={"q": "refund", **more}).json()
        assert len(answer["found"]) == hits


def test_a_search_without_words_is_refused(api: Room) -> None:
    for query in ("", "?q=", "?q=%00", "?q=" + "x" * 1001):
        assert told(api.browser.get(f"/v1/search{query}")).errors[0].where == "query.q"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.one_of(
        st.text(min_size=1, max_size=60),
        st.lists(st.sampled_from(['"', "OR", "-", "&", "|", "!", "(", ")", ":*", "<->", "\\", "'", "refund", "%"]),
                 min_size=1).map(" ".join),
    ).filter(lambda text: "\x00" not in text and len(text) <= 1000)
)  # fmt: skip
def test_any_text_can_be_looked_for(api: Room, query: str) -> None:
    answer = api.browser.get("/v1/search", params={"q": query.encode(errors="replace")})
    assert answer.status_code == 200, answer.text
