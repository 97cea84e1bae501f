"""The report's figures, its tests for drift, its page; and the whole of it through the command line."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.materials.recordings import sample_speech as speech
from bench.materials.recordings import write_wav
from commands.report import spans as spans_of
from commands.report.bottleneck import Load, bottleneck
from commands.report.build import prefixes
from commands.report.charts import Axis, linear, logarithmic, nice
from commands.report.page import figures, page, shown_number, shown_seconds
from db.embedded.server import EmbeddedServer
from pipeline.config.root import Settings
from pipeline.run.performance import MOST_SAMPLES, PerformanceRecorder, ResourceSample, StageSpan, parse_nvidia
from tests.commands.run.test_run import command
from tests.commands.running import NO_MODELS, SCRIPTED, Workplace
from tests.databases import TEMPLATE, fresh_database


def span(stage: str, name: str, start_s: float, end_s: float, audio_s: float = 0.0) -> StageSpan:
    return StageSpan(stage, name, start_s, end_s, audio_s)


TWO_CALLS = [
    span("prepare", "a", 0, 2),
    span("prepare", "b", 0, 3),
    span("recognise", "a", 3, 7, 60),
    span("recognise", "b", 5, 9, 30),
    span("store", "a", 8, 9, 60),
    span("store", "b", 9, 10, 30),
]


def test_calls_worked_on_together_share_the_stage_and_waiting_is_no_work() -> None:
    a, b = spans_of.by_call(TWO_CALLS)
    # Alone for two seconds, together for two, then the other alone for two.
    assert a.share_s["recognise"] == pytest.approx(3.0)
    assert b.share_s["recognise"] == pytest.approx(3.0)
    assert a.waits_s == {"recognise": 1.0, "store": 1.0}
    assert a.work_s == pytest.approx(2 + 3 + 1)
    assert a.real_time_factor == pytest.approx(0.1)
    assert spans_of.slowest([a, b], 1)[0]["file_name"] == "b"


def test_calls_of_one_name_are_told_apart() -> None:
    twice = [
        span("prepare", "a", 0, 1),
        span("store", "a", 1, 2, 5),
        span("prepare", "a", 4, 5),
        span("store", "a", 6, 7, 9),
    ]
    assert [call.audio_s for call in spans_of.by_call(twice)] == [5, 9]


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0.001, 1e3)), min_size=1, max_size=40))
def test_shares_add_up_to_the_time_the_stage_was_busy(spans: list[tuple[float, float]]) -> None:
    made = [span("recognise", f"c{i}", start, start + length, 1) for i, (start, length) in enumerate(spans)]
    union, end = 0.0, -1.0
    for begin, finish in sorted((one.start_s, one.end_s) for one in made):
        union += max(0.0, finish - max(begin, end))
        end = max(end, finish)
    assert sum(call.work_s for call in spans_of.by_call(made)) == pytest.approx(union, rel=1e-6, abs=1e-6)


def test_the_timeline_holds_every_second_of_work() -> None:
    drawn = spans_of.timeline(TWO_CALLS, 10.0)
    for stage, seconds in (("prepare", 5), ("recognise", 8), ("store", 2)):
        assert sum(drawn["stages"][stage]) * drawn["bin_s"] == pytest.approx(seconds, rel=0.01)
    assert drawn["stages"]["analyse"] == []


def test_a_night_of_37000_calls_stays_small_and_keeps_its_extremes() -> None:
    rng = random.Random(7)
    calls = [
        spans_of.CallTimes(f"{i}.wav", rng.uniform(10, 900), {}, {"prepare": rng.uniform(0.1, 2)})
        for i in range(37_000)
    ]
    calls[123] = spans_of.CallTimes("slow.wav", 10.0, {}, {"prepare": 500.0})
    points = spans_of.scatter(calls, 400)
    assert len(points) <= 400
    assert max(point[1] for point in points) == 50.0
    samples = [ResourceSample(float(i), i % 1000, 100.0, {"recognise": i % 7}) for i in range(14_000)]
    drawn = spans_of.resources(samples, 400)
    assert len(drawn["at_s"]) <= 400
    assert max(drawn["memory_bytes"]) == 999
    assert max(drawn["queues"]["recognise"]) == 6
    assert drawn["gpu_memory_bytes"] is None
    assert drawn["mlx_bytes"] is None


def test_nothing_recorded_is_no_error() -> None:
    assert spans_of.by_call([]) == []
    assert spans_of.resources([], 400)["at_s"] == []
    assert spans_of.quantiles([])["p50_s"] is None
    assert spans_of.timeline([], 0.0)["stages"] == {stage: [] for stage in spans_of.STAGES}


def test_a_long_run_keeps_few_samples_over_its_whole_length() -> None:
    recorder = PerformanceRecorder()
    for second in range(3 * MOST_SAMPLES):
        recorder.keep(ResourceSample(float(second), 1, 0.0, {}))
    assert MOST_SAMPLES / 2 <= len(recorder.samples) <= MOST_SAMPLES
    assert recorder.samples[0].at_s == 0.0


@pytest.mark.parametrize(
    ("said", "memory_mib", "busy"),
    [("1024, 50\n2048, 100\n", 3072, 75.0), ("10, 0\n", 10, 0.0), ("[N/A], [N/A]\n", None, None), ("", None, None)],
)
def test_nvidia_answers_are_read(said: str, memory_mib: int | None, busy: float | None) -> None:
    reading = parse_nvidia(said)
    if memory_mib is None:
        assert reading is None
    else:
        assert reading is not None
        assert (reading.memory_bytes, reading.busy_percent) == (memory_mib * 2**20, busy)


# ------------------------------------------------------------------------------------- bottleneck


@pytest.mark.parametrize(
    ("load", "name", "setting"),
    [
        ({"short_of_memory_share": 0.8, "startup_share": 0.9}, "memory", "run.max_memory_gb"),
        ({"startup_share": 0.9}, "start-up", "more calls per run"),
        ({"utilisation": {"prepare": 0.9, "recognise": 0.7}}, "prepare", "run.decode_workers"),
        ({"utilisation": {"recognise": 0.97, "prepare": 0.2}}, "recognise", "transcription.engines"),
        ({"utilisation": {"analyse": 0.8}, "longest_step": "summary"}, "analyse", "step summary"),
        ({"utilisation": {"store": 0.8}}, "store", "database"),
        ({"utilisation": {"store": 0.3}}, None, "run.calls_ahead"),
        ({"utilisation": {}}, None, "run.calls_ahead"),
    ],
)
def test_the_bottleneck_is_named_with_the_setting_to_change(
    load: dict[str, Any], name: str | None, setting: str
) -> None:
    whole: dict[str, Any] = {"startup_share": 0.1, "short_of_memory_share": 0.0, "utilisation": {}} | load
    found = bottleneck(Load(**whole), Settings(), cores=8)
    assert found["name"] == name
    assert setting in found["setting"]


# ------------------------------------------------------------------------------------------- page


@given(st.floats(1e-6, 1e9), st.floats(0, 1e6))
def test_linear_axes_hold_their_values_with_few_ticks(high: float, low_share: float) -> None:
    axis = linear("x", [high, high * min(1.0, low_share / 1e6)])
    assert axis.high >= high * 0.999
    assert 2 <= len(axis.ticks()) <= 8
    assert 0 <= axis.share(high) <= 1.001


@given(st.lists(st.floats(1e-5, 1e5), min_size=1))
def test_logarithmic_axes_hold_their_values(values: list[float]) -> None:
    axis = logarithmic("y", values)
    assert all(-1e-9 <= axis.share(value) <= 1 + 1e-9 for value in values)
    assert len(axis.ticks()) >= 2


def test_steps_are_nice() -> None:
    assert [nice(value) for value in (0.03, 1.0, 1.1, 4.0, 70.0)] == [0.05, 1.0, 2.0, 5.0, 100.0]
    assert Axis("x", 0, 10).ticks() == [0, 2, 4, 6, 8, 10]


def test_numbers_and_seconds_are_shown_as_people_write_them() -> None:
    assert [shown_number(v) for v in (None, 0, 37_005, 19.44, 0.1234)] == ["–", "0", "37 005", "19.4", "0.123"]
    assert [shown_seconds(v) for v in (None, 0.02, 5, 300, 7200)] == ["–", "20 ms", "5.0 s", "5.0 min", "2.0 h"]


class Outside(HTMLParser):
    """Everything a browser would load, and every element left open."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [str(value) for name, value in attrs if name in {"src", "href", "xlink:href"}]
        if tag not in {"meta", "br", "line", "polyline", "polygon", "rect", "circle", "link", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        return

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    ("busy_s", "span_s", "shown"), [(95.0, 100.0, "5.0 %"), (100.0, 100.0, "0.0 %"), (0.0, 0.0, "–"), (None, None, "–")]
)
def test_how_long_the_recogniser_stood_idle_is_a_figure(busy_s: float, span_s: float, shown: str) -> None:
    assert dict(figures({"recogniser_busy_s": busy_s, "recogniser_span_s": span_s}))["recogniser idle"] == shown


@pytest.mark.parametrize("report", [{}, {"run_id": "r", "error": "no <model>", "counts": {}}, {"counts": {"found": 0}}])
def test_a_run_that_did_nothing_has_a_page(report: dict[str, Any]) -> None:
    html = page(report)
    reader = Outside()
    reader.feed(html)
    assert (reader.loads, reader.open) == ([], [])
    assert "<model>" not in html


def test_names_cannot_break_out_of_the_page() -> None:
    evil = '"><script>alert(1)</script>'
    slow = [{"file_name": evil, "audio_s": 1.0, "work_s": 1.0, "stages": {"prepare": 1.0}}]
    failure = [{"error_type": evil, "stage": evil, "calls": 1, "transient": True, "example": evil}]
    html = page({"stamp": evil, "slowest": slow, "failures": failure, "disappeared": {"calls": 1, "first": [evil]}})
    assert "<script" not in html


# ---------------------------------------------------------------------------------- the whole of it


@pytest.fixture
def place(server: EmbeddedServer, tmp_path: Path) -> Iterator[Workplace]:
    calls = tmp_path / "calls"
    calls.mkdir()
    talk = speech(12.0)
    for number in range(3):
        write_wav(calls / f"2026090{number + 1}-10000{number}_inbound.wav", talk[number * 60_000 :][:60_000])
    (calls / "broken.wav").write_bytes(b"RIFF but nothing else" * 40)
    for url in fresh_database(server, TEMPLATE):
        yield Workplace(calls, tmp_path / "output", url)


def test_a_run_leaves_a_report_that_can_be_drawn_again(place: Workplace, tmp_path: Path) -> None:
    settings = (
        *NO_MODELS, "input.min_age_s=0",
        "transcription.engines=[faster_whisper,scripted]", "transcription.allow_download=false",
        "transcription.scripted.missing=hash", f"reporting.prometheus_file={tmp_path}/earshot.prom",
        "transcription.faster_whisper.model=/nowhere",
    )  # fmt: skip
    done = place.run("--performance-report", settings=settings)
    report = json.loads(place.newest("performance_report_*.json").read_text())
    assert report["counts"]["done"] == 3, done.stderr
    assert sum(n for name, n in report["counts"].items() if name != "found") == report["counts"]["found"]
    assert {row["stage"] for row in report["stages"] if row["calls"] == 3} >= {"recognise", "analyse", "store"}
    assert {row["part"] for row in report["parts"]} >= {"prepare.decode", "prepare.vad", "analyse.text"}
    assert len(report["slowest"]) >= 3
    assert report["bottleneck"]["setting"]
    assert any(why.startswith("faster_whisper: ") for why in report["passed_over"])
    assert report["quality"]["calls"] == 3
    assert report["resources"]["at_s"]
    html = place.newest("performance_report_*.html").read_text()
    reader = Outside()
    reader.feed(html)
    assert (reader.loads, reader.open) == ([], [])
    for name in (
        "Stages",
        "Queues",
        "Memory",
        "CPU",
        "GPU or MLX memory",
        "Work per call",
        "Slowest calls",
        "Failures",
    ):
        assert f"<figcaption>{name}" in html
    assert len(re.findall(r'<text class="label"', html)) >= 8
    assert "earshot_run_calls" in (tmp_path / "earshot.prom").read_text()
    again = tmp_path / "again.html"
    drawn = command(
        "report",
        "--config",
        str(tmp_path / "config.yaml"),
        "--set",
        f"database.url={place.url}",
        "--output",
        str(again),
    )
    assert drawn.returncode == 0, drawn.stderr
    assert again.read_text().count("<svg") == html.count("<svg")
    assert_log_is_complete_and_silent(place, report["run_id"])


def assert_log_is_complete_and_silent(place: Workplace, run_id: str) -> None:
    """run_id on each line, call_id on those about a call, and nothing that was said."""
    (log,) = (place.output / "logs").glob("*.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {line["run_id"] for line in lines} == {run_id}
    assert sum("call_id" in line for line in lines) >= 3
    said = {
        word
        for row in place.rows("SELECT text FROM transcript_chunks")
        for word in row["text"].split()
        if len(word) > 5
    }
    names = {path.name for path in place.calls.iterdir()}
    logged = " ".join(line["message"] for line in lines if line.get("file_name") in names)
    assert said
    assert not said & set(logged.split())


def test_recordings_that_disappeared_are_told_and_an_empty_run_has_a_report(place: Workplace) -> None:
    settings = (*SCRIPTED, "input.min_age_s=0")
    place.run(settings=settings)
    first, *_ = sorted(place.calls.glob("2026*.wav"))
    first.unlink()
    done = place.run("--performance-report", settings=settings)
    report = json.loads(place.newest("performance_report_*.json").read_text())
    assert report["disappeared"]["calls"] == 1, done.stderr
    assert report["disappeared"]["first"][0].endswith(first.name)
    assert len(place.rows("SELECT * FROM calls WHERE source_uri LIKE '%%' || %s", first.name)) == 1
    assert report["bottleneck"] is None
    assert report["comparison"]["runs"][0]["counts"]["done"] == 3
    assert "No longer where they were" in place.newest("performance_report_*.html").read_text()


def test_a_report_of_no_run_is_refused_with_words(server: EmbeddedServer, tmp_path: Path) -> None:
    for url in fresh_database(server, TEMPLATE):
        config = tmp_path / "config.yaml"
        config.touch()
        for extra in ((), ("--run", "nonsense")):
            done = command("report", "--config", str(config), "--set", f"database.url={url}", *extra)
            assert done.returncode == 2
            assert "no run" in done.stderr


def test_prefixes_of_an_input(tmp_path: Path) -> None:
    assert prefixes("s3://bucket/in") == ["s3://bucket/in/"]
    assert prefixes(str(tmp_path)) == [f"file://{tmp_path}/", f"zip://{tmp_path}/"]
    assert prefixes(str(tmp_path / "delivery.zip")) == [f"zip://{tmp_path}/delivery.zip!/"]
    (tmp_path / "a.wav").touch()
    assert prefixes(str(tmp_path / "a.wav")) == []
