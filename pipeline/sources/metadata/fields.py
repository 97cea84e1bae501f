"""Which column or key of an export means what: first those of `input.sidecar.columns`, then those of common recorders.

Names are compared by their letters and digits alone. For a nested key the last part counts, and the last two joined
(`Agent.Username`). The first name of a list that has a value is used; all others are kept under their own names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

Pairs = Sequence[tuple[str, str]]
"""Names (nested ones with dots) and values of one record."""

_FILE_NAMES = (
    "file_name file recording_file recording_file_name audio_file audio_file_name media_file media_file_name "
    "media_id recording_location recordings_location input_s3_uri media_path media_uri file_path "
    "recording_path file_location recording_url audio_url wav_file recording"
)
_CALL_KEYS = (
    "call_key contact_id master_contact_id conversation_id interaction_id call_uuid call_id call_sid unique_id "
    "ucid switch_call_id session_id recording_id recording_sid recording_ref segment_id"
)
_ALIASES: Mapping[str, str] = {
    "file_name": _FILE_NAMES,
    "call_key": _CALL_KEYS,
    "started_at": "started_at start_time start_date_time call_start_time call_start recording_start_time "
    "segment_start_time start_time_utc utc_start_time start_time_gmt gmt_start_time initiation_timestamp "
    "conversation_start conversation_start_time local_start_time call_date_time date_time "
    "begin_time start_timestamp start_date call_date timestamp",
    "direction": "direction call_direction initial_direction originating_direction initiation_method call_type",
    "agent_id": "agent_id agent agent_username agent_login_id agent_login pbx_login_id agent_no user_id username "
    "employee_id agent_name employee_name user_ids",
    "queue": "queue queue_name skill skill_name queue_id queue_ids",
    "extension": "extension agent_extension station dn",
    "language": "language language_code locale",
    "segment": "customer_segment customer_type",
    "related_call": "related_call previous_contact_id related_contact_id parent_call_sid parent_call_id",
    "channel_roles": "channel_roles",
    "customer": "customer_id customer_key customer_ref customer_account customer_account_number account_number "
    "account_id client_id crm_id customer",
    "other": "other customer_endpoint_address customer_number customer_phone_number remote_number",
}
_CALLER = "ani caller_phone_number calling_number calling_party caller_id from from_number"
_CALLED = "dnis dialed_phone_number called_number called_party number_dialed to to_number"
_SCHEME = re.compile(r"^(?:tel|sips?):", re.IGNORECASE)
_IN_UTC = ("utc", "gmt")
_INBOUND = re.compile(r"in(?:b|c|$)")
_CLOCK_ALONE = re.compile(r"\d{1,2}:\d{2}")


@dataclass(frozen=True, slots=True)
class Fields:
    """One record, by our names."""

    values: dict[str, str]
    file_names: tuple[str, ...]
    """All values that may name the recording."""
    keys: tuple[str, ...]
    """All values that may occur in its name."""
    in_utc: bool
    """Whether the title of the start time says that it is in UTC."""
    of_a_call: bool
    """Whether it fills any of our fields."""


def fields_of(pairs: Pairs, columns: Mapping[str, str], also: Pairs = ()) -> Fields:
    """What a record says; an empty value counts as missing.

    Args:
        pairs: the record.
        columns: from our field to the title that holds it; these come first.
        also: values that only fill fields missing in `pairs`, and are not kept otherwise.
    """
    own = {name for name, _ in pairs}
    said = {name: value.strip() for name, value in reversed([*pairs, *also]) if value.strip()}
    plan = _plan(tuple(dict.fromkeys(name for name, _ in (*pairs, *also))), tuple(sorted(columns.items())))
    chosen = {field: next((name for name in names if name in said), None) for field, names in plan.items()}
    values = {field: said[name] for field, name in chosen.items() if name is not None}
    for unused in ("caller", "called"):
        chosen.pop(unused)
    if _CLOCK_ALONE.match(values.get("started_at", "")):
        dates = [said[name] for name in (*plan["date"], *plan["started_at"]) if name in said]
        day = next((text for text in dates if not _CLOCK_ALONE.search(text)), None)
        values |= {"started_at": f"{day} {values['started_at']}"} if day else {}
    caller, called = values.pop("caller", None), values.pop("called", None)
    if "other" not in values:
        direction = values.get("direction", "").lower()
        party = caller if _INBOUND.match(direction) else called if direction.startswith("out") else None
        values |= {"other": _SCHEME.sub("", party)} if party else {}
    used = set(chosen.values())
    extra = {name: value for name, value in said.items() if name in own and name not in used | set(values)}
    started = chosen["started_at"]
    return Fields(
        {**extra, **values},
        tuple(_file_names(said, [name for name in plan["file_name"] if name in own], columns)),
        tuple(said[name] for name in plan["call_key"] if name in said and name in own),
        started is not None and any(mark in _plain(started) for mark in _IN_UTC),
        bool(used - {None}),
    )


@lru_cache(maxsize=256)
def _plan(names: tuple[str, ...], columns: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    """Names that may hold each field, best first."""
    by_alias: dict[str, list[str]] = {}
    for name in names:
        for alias in _forms(name):
            by_alias.setdefault(alias, []).append(name)
    titles = {field: title.strip().lower() for field, title in columns}
    set_by_hand = {title for field, title in titles.items() if _plain(title) != _plain(field)}
    plan: dict[str, list[str]] = {}
    for field, aliases in {**_ALIASES, "caller": _CALLER, "called": _CALLED}.items():
        ours = [name for name in names if name.strip().lower() == titles.get(field)]
        known = [name for alias in aliases.split() for name in by_alias.get(_plain(alias), ())]
        plan[field] = list(dict.fromkeys([*ours, *(n for n in known if n.strip().lower() not in set_by_hand)]))
    for field in ("date", "time"):
        plan[field] = [name for name in names if _plain(name) == field]
    return plan


def _file_names(said: Mapping[str, str], names: Sequence[str], columns: Mapping[str, str]) -> Iterator[str]:
    """Paths with / between folders. Only the last part of an absolute path or an address counts. A relative path from a
    recorder's column may be the recorder's own, so its last part counts as well."""
    for name in names:
        path = said.get(name, "").replace("\\", "/").removeprefix("./")
        path = path.partition("?")[0] if "://" in path else path
        last = path.rpartition("/")[2]
        foreign = path.startswith("/") or path[1:3] == ":/" or "://" in path
        ours = name.strip().lower() == columns.get("file_name", "").strip().lower()
        if path:
            yield from [last] if foreign else [path] if ours or path == last else [path, last]


def _forms(name: str) -> Iterator[str]:
    parts = [_plain(part) for part in name.split(".")]
    yield parts[-1]
    if len(parts) > 1:
        yield parts[-2] + parts[-1]


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())
