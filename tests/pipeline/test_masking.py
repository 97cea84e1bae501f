"""Secrets out of text: by value, by shape, in children, and nothing else."""

from __future__ import annotations

import base64
import html
import json
import logging
import os
import pickle
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import masking
from pipeline.children.worker import Worker
from pipeline.errors import (
    EarshotError,
    ServiceUnavailable,
    UnforeseenError,
    described,
    told,
    traceback_text,
)
from pipeline.log_lines import JsonLines, PlainLines
from pipeline.masking import know, know_environment, know_settings, masked, masked_content

KEY = "Kq7-odd.key/of+no=shape"


@pytest.mark.parametrize(
    ("variable", "value", "text", "shown"),
    [
        ("LLM_API_KEY", "pink elephants 7", "said: pink elephants 7!", "said: ***!"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG", "bad wJalrXUtnFEMI/K7MDENG", "bad ***"),
        ("AWS_ACCESS_KEY_ID", "LOCALKEY0001", "id LOCALKEY0001", "id ***"),
        ("AWS_SESSION_TOKEN", "FwoGZXIvYXdzEB", "FwoGZXIvYXdzEB", "***"),
        ("SOME_URL", "https://me:open.sesame@host/", "it was open.sesame.", "it was ***."),
        ("SOME_URL", "postgresql://u@h/d?password=tiny1&x=2", "no tiny1 here", "no *** here"),
        ("DSN", "host=h password='two words' user=u", "two words", "***"),
        ("DB_PASSWORD", "postgres", "postgresql runs; postgres fails", "postgresql runs; *** fails"),
        ("TOKENIZERS_PARALLELISM", "falsefalse", "falsefalse", "falsefalse"),
        ("SSL_KEY", "/etc/ssl/private.pem", "/etc/ssl/private.pem", "/etc/ssl/private.pem"),
        ("OPENAI_API_KEY", "EMPTY", "EMPTY", "EMPTY"),
        ("MY_TOKEN", "none", "none of them", "none of them"),
        ("NAME", "an ordinary value", "an ordinary value", "an ordinary value"),
    ],
)
def test_what_variables_named_as_secrets_hold_is_masked(variable: str, value: str, text: str, shown: str) -> None:
    know_environment({masking.KNOWN_VALUES: '["https://u:more@h"]', variable: value})
    assert masked(text) == shown
    assert masked("more") == "more", "what is known already is no variable of its own"


@pytest.mark.parametrize(
    "echoed",
    [
        KEY,
        quote(KEY, safe=""),
        json.dumps({"key": KEY}),
        repr(KEY.encode()),
        f"cut off: {KEY[:15]}",
        f"twice {KEY} and {KEY}",
        f"Basic {base64.b64encode(f'user:{KEY}'.encode()).decode()}",
    ],
)
def test_a_known_key_is_masked_however_it_is_spelled(echoed: str) -> None:
    know(KEY)
    shown = masked(echoed)
    assert KEY[:12] not in shown
    assert quote(KEY[:12], safe="") not in shown
    assert base64.b64encode(b"user:").decode()[:6] not in shown


@pytest.mark.parametrize("before", ["", "u", "us", "\0me\0"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_known_key_is_masked_in_base64_whatever_stands_before_it(
    before: str, encode: Callable[[bytes], bytes]
) -> None:
    """A mail server repeated what it was sent to log in with."""
    know(KEY)
    shown = masked(f"535 {encode(f'{before}{KEY}'.encode()).decode()} refused")
    assert shown.startswith("535 ")
    assert shown.endswith(" refused")
    assert "***" in shown
    assert len(shown) < len("535 *** refused") + 10


def test_a_known_key_is_masked_in_html() -> None:
    know("a<b>&'c'&d>e")
    assert masked("<p>a&lt;b&gt;&amp;&#x27;c&#x27;&amp;d&gt;e</p>") == "<p>***</p>"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:p@ss@host/d", "postgresql://u:***@host/d"),
        ("postgresql://:pw@host/d", "postgresql://:***@host/d"),
        ("postgresql://u@host:5432/d", "postgresql://u@host:5432/d"),
        ("https://abcdef0123456789@host/x", "https://***@host/x"),
        ("https://host:80/of/a@b.example", "https://host:80/of/a@b.example"),
        ("{'Authorization': 'Bearer abc.def.ghi'}", "{'Authorization': 'Bearer ***'}"),
        ("x-api-key: abcdef", "x-api-key: ***"),
        ('{"password": "abcd"}', '{"password": "***"}'),
        ("X-Amz-Signature=0a1b2c3d", "X-Amz-Signature=***"),
        ("github_pat_abcdefghijklmnop", "***"),
        ("the bearer of this letter", "the bearer of this letter"),
        ("3 tokens: in and out", "3 tokens: in and out"),
    ],
)
def test_secrets_of_a_known_shape_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=12, max_size=40),
    st.text(max_size=30),
    st.text(max_size=30),
)
def test_no_known_secret_is_left_in_any_text(secret: str, before: str, after: str) -> None:
    masking.forget()
    know(secret)
    assert masking.MASK in masked(f"{before}{secret}{after}") or secret in masking.MASK * 20
    assert secret not in masked(f"{before}{secret}{after}").replace(masking.MASK, "")


PIECES = (
    "bearer ", "BA\u017fIC ", "api", "_", "-", "key", "\u212aey", "=", ": ", "to\u212aen", "pa\u017fsword",
    "author\u0130zation", "ba\u0131c", "s\u212a-", "gho_", "xoxb-", "glpat-", "AKIA", "A\u017fIA", "eyJ", "AIza",
    "earshot_", "abcdefgh", "ABCDEFGH2345", "https://", "u:", "@host", ".", " ", "\n", "x-amz-\u017fignature", "hf_",
)  # fmt: skip
"""Of secrets; some with the letters that Python takes for k, s and i where case does not count."""


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_what_is_looked_for_first_is_in_every_secret_of_a_known_shape(text: str) -> None:
    masking.forget()
    assert masked(text) == masking._SHAPES.sub(masking._by_shape, text)


@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize("piece", ["a-", "a://:", "x-amz-", "password", "https://", "Bearer a", "a" * 9])
def test_masking_long_text_of_one_kind_ends(piece: str) -> None:
    """Work that grows with the square would be minutes."""
    know(KEY)
    assert masked(piece * (200_000 // len(piece)))


SETTINGS = {
    "database": {"url": "postgresql://u:hunter2@db/x"},
    "llm": {"openai_chat": {"api_key_env": "MY_LLM", "base_url": "https://h/v1?key=querykey"}},
    "reporting": {"notify": {"webhook": {"url": "https://hooks.example/services/T0AB12CD/tok-en-of-hook"}}},
    "list": [{"secret": "list-secret"}],
}


@pytest.mark.parametrize(
    "word", ["hunter2", "from-environment", "querykey", "T0AB12CD", "tok-en-of-hook", "list-secret"]
)
def test_secrets_of_the_configuration_are_masked_by_value(word: str) -> None:
    know_settings(SETTINGS, {"MY_LLM": "from-environment"})
    assert masked(f"a server says {word} back") == "a server says *** back"


def test_the_words_of_a_webhooks_path_are_no_secrets() -> None:
    know_settings(SETTINGS, {})
    assert masked("services of the house") == "services of the house"


def test_the_stored_configuration_names_the_webhooks_host_and_no_more() -> None:
    content = masked_content(SETTINGS)
    assert content["reporting"]["notify"]["webhook"]["url"] == "https://hooks.example/***"
    assert content["llm"]["openai_chat"]["api_key_env"] == "MY_LLM"
    assert "hunter2" not in json.dumps(content)
    assert "list-secret" not in json.dumps(content)


@pytest.mark.parametrize("error", [ServiceUnavailable(f"said {KEY}"), UnforeseenError(f"said {KEY}", f"frame {KEY}")])
def test_an_error_of_ours_holds_no_known_secret_also_where_it_is_known_later(error: EarshotError) -> None:
    know(KEY)
    again = pickle.loads(pickle.dumps(error))
    assert KEY not in f"{again} {getattr(again, 'traceback', '')}"
    assert KEY not in str(type(error)(*error.args))


def build_echo() -> Callable[[str], str]:
    """In a spawned process: masks what it is given."""
    return masked


def test_a_spawned_process_masks_what_its_parent_knows() -> None:
    know(KEY)
    worker = Worker("echo", build_echo, limit_key="none")
    try:
        assert worker.call(f"it said {KEY}", 30.0) == "it said ***"
    finally:
        worker.close()


@pytest.mark.parametrize(
    "error",
    [
        ValueError("could not convert: 'I said so to my bank'"),
        KeyError("I said so to my bank"),
        Exception("I said so to my bank"),
        UnicodeDecodeError("utf-8", b"I said so to my bank", 0, 1, "invalid start byte"),
    ],
)
def test_an_error_that_may_quote_a_call_is_told_without_its_words(error: Exception) -> None:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001 - the table holds every kind
        text = f"{described(caught)}\n{traceback_text(caught)}"
    assert "my bank" not in text
    assert type(error).__name__ in text
    assert "test_masking.py" in text


def test_an_error_of_ours_is_told_whole_and_any_other_as_described() -> None:
    assert told(ServiceUnavailable("down\nand out")) == "down\nand out"
    assert told(RuntimeError("down")) == "RuntimeError: down"
    assert told(KeyboardInterrupt()) == "KeyboardInterrupt"
    assert "my bank" not in told(ValueError("I said so to my bank"))


def test_a_chain_of_errors_is_told_with_all_its_places_and_nobodys_words() -> None:
    try:
        try:
            json.loads('{"said": I said so}')
        except ValueError as cause:
            raise RuntimeError("no answer") from cause
    except RuntimeError as error:
        text = traceback_text(error)
    assert "JSONDecodeError" in text
    assert text.endswith("RuntimeError: no answer")
    assert "I said so" not in text.replace("json.loads('{\"said\": I said so}')", "")


@pytest.mark.parametrize("formatter", [PlainLines(), JsonLines()])
def test_a_log_line_holds_no_secret_no_control_character_and_no_quoted_words(formatter: logging.Formatter) -> None:
    know(KEY)
    message, arguments = "%s %s", (f"\x1b[31m\u202e\udcff {KEY}", ValueError("I said so to my bank"))
    line = formatter.format(logging.LogRecord("earshot", logging.WARNING, "x.py", 1, message, arguments, None))
    assert KEY not in line
    assert "my bank" not in line
    assert not set(line) & {"\x1b", "\u202e", "\udcff"}
    line.encode()


def test_what_is_known_reaches_children_by_the_environment_and_is_forgotten() -> None:
    know(KEY)
    assert KEY in json.loads(os.environ[masking.KNOWN_VALUES])
    masking.forget()
    assert masking.KNOWN_VALUES not in os.environ
    assert masked(KEY) == KEY


ODD = '"begins\\oddly & ends é"'


@pytest.mark.parametrize(
    "spelled",
    [
        ODD,
        json.dumps(ODD)[1:-1],
        repr(ODD)[1:-1],
        html.escape(ODD),
        quote(ODD, safe=""),
        quote_plus(ODD),
    ],
)
def test_a_key_of_odd_characters_is_masked_from_its_first_to_its_last(spelled: str) -> None:
    know(ODD)
    assert masked(f"x {spelled} y") == "x *** y"
