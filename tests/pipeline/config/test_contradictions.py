"""Settings that contradict each other are refused; at the border where they do not yet, they are taken."""

from __future__ import annotations

import pytest

from pipeline.config.loader import load_settings
from pipeline.errors import ConfigurationError

_WEBHOOK = "reporting.notify.webhook.url=https://chat.example.org/hook"
_MAIL = [
    "reporting.notify.smtp.host=mail.example.org",
    "reporting.notify.smtp.sender=calls@example.org",
    "reporting.notify.smtp.recipients=[night@example.org]",
]
_KEY = "encryption.key=env:EARSHOT_KEY"


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["audio.gain.target_dbfs=-30", "audio.gain.quiet_below_dbfs=-30"], "target_dbfs (-30.0) must be above"),
        (["audio.gain.target_dbfs=-29", "audio.gain.quiet_below_dbfs=-30"], None),
        (["voice_activity.threshold=0.4", "voice_activity.neg_threshold=0.5"], "neg_threshold (0.5) must not be above"),
        (["voice_activity.threshold=0.4", "voice_activity.neg_threshold=0.4"], None),
        (
            ["voice_activity.max_segment_s=20", "voice_activity.cut_search_share=0.5", "voice_activity.overlap_s=5.1"],
            "at most a half of the shortest cut segment, 5 s",
        ),
        (
            ["voice_activity.max_segment_s=20", "voice_activity.cut_search_share=0.5", "voice_activity.overlap_s=5"],
            None,
        ),
        (["voice_activity.detectors=[energy, energy]"], "names one twice: energy, energy"),
        (["database.url=mysql://calls"], "must be `embedded` or start with postgresql://"),
        (["database.url=postgres://calls"], None),
        (["database.url=postgresql://calls"], None),
        (["encryption.recordings=true"], "key is not set, but recordings or spool is"),
        (["encryption.spool=true"], "key is not set, but recordings or spool is"),
        (["encryption.spool=true", _KEY], None),
        ([_KEY], None),
        (
            ["glossary.when_segment_unknown=b2b", "glossary.b2b="],
            "when_segment_unknown is b2b, but glossary.b2b is null",
        ),
        (["glossary.when_segment_unknown=classify", "glossary.b2b="], None),
        (["glossary.when_segment_unknown=b2c", "glossary.b2b=", "glossary.b2c=c.csv"], None),
        (["topics.method=trained"], "method is trained, but topics.trained.model_dir is null"),
        (["topics.method=trained", "topics.trained.model_dir=trained"], None),
        (["watch.notify=true", "watch.alarm_wer=", _WEBHOOK], "notify is true, but alarm_wer is null"),
        (["watch.notify=true", "watch.alarm_wer=0.2"], "watch.notify is true, but neither"),
        (["watch.notify=true", "watch.alarm_wer=0.2", _WEBHOOK], None),
        (["watch.notify=true", "watch.alarm_wer=0.2", *_MAIL], None),
        (["watch.notify=false", "watch.alarm_wer="], None),
        (["attention.notify=true"], "attention.notify is true, but neither"),
        (["attention.notify=true", _WEBHOOK], None),
        (
            ["transcription.engines=[deepgram]", "transcription.deepgram.time_limit_s=60", "run.segment_timeout_s=60"],
            "must be under run.segment_timeout_s (60)",
        ),
        (
            ["transcription.engines=[deepgram]", "transcription.deepgram.time_limit_s=59", "run.segment_timeout_s=60"],
            None,
        ),
        (["run.executor=ray", "ray.address=auto", "database.url=embedded"], "they cannot reach the embedded database"),
        (["run.executor=ray", "ray.address=auto", "database.url=postgresql://calls"], None),
        (["run.executor=ray", "ray.address=local", "database.url=embedded"], None),
        (["service.tls_key_file=a.pem"], "belong together"),
        (["service.tls_certificate_file=a.pem", "service.tls_key_file=a.pem"], None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_settings_that_contradict_each_other_are_refused(overrides: list[str], told: str | None) -> None:
    if told is None:
        load_settings(None, overrides)
        return
    with pytest.raises(ConfigurationError) as caught:
        load_settings(None, overrides)
    assert told in str(caught.value)
