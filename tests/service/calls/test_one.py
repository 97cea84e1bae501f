"""One call over the API: all that the tables know of it."""

from __future__ import annotations

from tests.service.conftest import Room


def test_a_call_is_whole(api: Room) -> None:
    call = api.browser.get(f"/v1/calls/{api.call_id}").json()
    assert (call["call_id"], call["file_name"], call["status"]) == (api.call_id, "a <b>.wav", "done")
    assert (call["started_at"], call["direction"], call["agent_id"]) == ("2026-11-20T08:30:00Z", "inbound", "A7")
    assert call["metadata"] == {"campaign": "autumn"}
    assert call["moods"]["client"]["fusion"] == {
        "label": "negative", "negative": 0.8, "neutral": 0.15, "positive": 0.05,
    }  # fmt: skip
    assert call["moods"]["client"]["acoustic"] is None
    assert call["missing"]["client_acoustic"] == "too quiet"
    assert call["mood_turn"] == {"at_s": 2.5, "by": "agent", "to": "better", "channel": 1, "ordinal": 0}
    assert call["topic"]["topic"] == "Billing"
    assert call["topic"]["evidence"] == [{"text": "charged twice", "channel": 0, "ordinal": 0, "start_s": 0.0}]
    assert call["summary"]["outcome"] == "refund promised"
    assert call["summary"]["evidence"][0]["text"] == "charged twice"
    assert call["action_items"] == [{"what": "refund", "who": "agent", "by_when": None}]
    assert call["talk"]["turns"] is not None
    assert call["attention"][0]["rule"] == "charged_twice"
    assert call["recording"]["sample_rate_hz"] == 16_000
    assert call["recogniser"]["engine"] == "mlx_qwen3"
    assert {step["step"]: step["model"] for step in call["steps"]}["summary"] == "qwen3"
    assert call["error"] is None
