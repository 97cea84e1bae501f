"""`run.py export --format html`: the reading room as a folder that opens from the disk, without a server."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from commands.quiet import quiet_in
from db.export.files import whole_file, write_whole
from db.export.transcripts import file_stem_of
from db.queries import listing, reading
from db.queries.chosen import CallFilter
from db.queries.dashboard import dashboard_of
from db.queries.runs import unfinished_runs
from db.queries.watch import nights_of_all
from pages.call_page import CallContent, Sound, call_page
from pages.dashboard.page import dashboard_page
from pages.list_page import list_page
from pages.rendering import ASSETS, SERVED_ALONE
from pages.site import Site
from pages.sound import Quiet, recording_of, roles_of_channels, why_withheld
from pages.svg.waveform import waveform
from pipeline.encryption.here import use_keys
from pipeline.errors import ConfigurationError, EarshotError, OutputUnavailable
from pipeline.listening.decoded import AAC, SoundFile
from pipeline.listening.recordings import local_file, media_type
from pipeline.listening.room import ListeningRoom
from pipeline.plurals import counted
from pipeline.records import Role, SpeechSpan

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings

MOST_CALLS = 5_000
"""Their list is one page, in which a browser looks for what it is asked."""
UNWANTED = "The recording was left out of this folder when it was written."


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What lies in the folder."""

    index: Path
    calls: int
    recordings: int


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder being written."""

    to: Path
    database: Database
    quiet: Quiet
    listening: ListeningRoom | None
    """None where recordings are not wanted."""

    def call(self, call_id: str, stem: str, site: Site, page: Path) -> bool:
        """Write the page of a call and its recording; returns whether the recording is there."""
        identity = uuid.UUID(call_id)
        shown = reading.shown_call(self.database, identity)
        if shown is None:  # erased while this export runs
            return False
        content = CallContent(
            call=shown,
            chunks=reading.shown_chunks(self.database, identity),
            steps=reading.shown_steps(self.database, identity),
            rules=reading.shown_rules(self.database, identity),
            answers=reading.shown_answers(self.database, identity),
            not_judged=reading.rules_not_judged(self.database, identity),
        )
        sound = self._sound(content, stem, site)
        write_whole(page, call_page(content, sound, site).encode())
        return sound.address is not None

    def _sound(self, content: CallContent, stem: str, site: Site) -> Sound:
        if self.listening is None:
            return Sound(address=None, why_not=UNWANTED)
        quiet = self.quiet(content.call)
        why_not = why_withheld(content.call, quiet)
        if quiet is None or why_not is not None:
            return Sound(address=None, why_not=why_not)
        try:
            return self._written_sound(self.listening, content, quiet, stem, site)
        except OutputUnavailable:
            raise
        except EarshotError as error:  # one recording that cannot be decoded leaves its page without sound
            return Sound(address=None, why_not=str(error))

    def _written_sound(
        self, listening: ListeningRoom, content: CallContent, quiet: tuple[SpeechSpan, ...], stem: str, site: Site
    ) -> Sound:
        """A copy of the recording, a picture of it, and each side alone where they can be told apart."""
        recording = recording_of(content.call)
        folder, plays = self.to / "audio", media_type(recording) is not None and not quiet
        roles = roles_of_channels(content.call, content.chunks, content.call.channels or 0)
        apart = len(roles) > 1
        sides = [folder / f"{stem}.{number}{AAC}" for number in range(len(roles))] if apart else []
        files = [SoundFile(path=path, channels=(number,)) for number, path in enumerate(sides)]
        whole = folder / f"{stem}{local_file(recording).suffix if plays else AAC}"
        if not plays:
            files.append(SoundFile(path=whole))
        folder.mkdir(parents=True, exist_ok=True)
        peaks = listening.write(recording, tuple(files), quiet)
        if plays:
            with whole_file(whole) as aside:
                shutil.copyfile(local_file(recording), aside)
        picture = folder / f"{stem}.svg"
        write_whole(picture, waveform(peaks.channels, roles or (Role.UNKNOWN,) * len(peaks.channels)).encode())

        def address(path: Path) -> str:
            return f"{site.root}audio/{quote(path.name)}"

        return Sound(
            address=address(whole),
            waveform=address(picture),
            channels=roles if apart else (),
            sides=tuple(map(address, sides)),
        )


def write_pages(
    database: Database, settings: Settings, wanted: CallFilter, to: Path, *, audio: bool, most: int = MOST_CALLS
) -> Written:
    """Write the dashboard, the list and the page of every chosen call; of one call that is named, its page alone.

    Raises ConfigurationError for more calls than a folder can hold, OutputUnavailable.
    """
    timezone = settings.input.timezone
    total = listing.total_of(database, wanted, timezone).calls
    if total > most:
        raise ConfigurationError(
            f"--format html: {counted(total, 'call')} are more than a folder can show ({most:,}); narrow them, "
            "by --from and --to for example, or read them with `python run.py view`"
        )
    listed = listing.listed_calls(database, wanted, timezone, limit=most)
    if to.exists() and not to.is_dir():
        raise ConfigurationError(f"{to}: is a file; --format html writes a folder")
    with _listening(settings, audio) as room:
        folder = _Folder(to, database, quiet_in(database, settings), room)
        for asset in (path for path in ASSETS.iterdir() if path.name not in SERVED_ALONE):
            write_whole(to / "assets" / asset.name, asset.read_bytes())
        alone = len(listed) == 1 and wanted.call_ids is not None and len(wanted.call_ids) == 1
        files = {call.call_id: file_stem_of(call.file_name, call.call_id) for call in listed}
        site = Site(written=True, alone=alone, root="", files=_quoted(files), timezone=timezone)
        if alone:
            ((call_id, stem),) = files.items()
            heard = folder.call(call_id, stem, site, to / "index.html")
            return Written(index=to / "index.html", calls=1, recordings=int(heard))
        below = replace(site, root="../")
        recordings = sum(
            folder.call(call_id, stem, below, to / "calls" / f"{stem}.html") for call_id, stem in files.items()
        )
    everything = CallFilter()
    choices = listing.choices_among(database, wanted, timezone)
    html = list_page(listed, listing.total_of(database, wanted, timezone), choices, everything, site, within=wanted)
    write_whole(to / "calls.html", html.encode())
    html = dashboard_page(
        dashboard_of(database, wanted, timezone),
        choices,
        everything,
        site,
        today=datetime.now(ZoneInfo(timezone)).date(),
        within=wanted,
        nights=nights_of_all(database) if wanted == everything else (),
        alarm_wer=settings.watch.alarm_wer,
        unfinished=unfinished_runs(database) if wanted == everything else (),
    )
    write_whole(to / "index.html", html.encode())
    return Written(index=to / "index.html", calls=len(listed), recordings=recordings)


@contextmanager
def _listening(settings: Settings, audio: bool) -> Iterator[ListeningRoom | None]:
    if not audio:
        yield None
        return
    use_keys(settings.encryption)
    with (
        tempfile.TemporaryDirectory(prefix="earshot-pages-") as spool,
        ListeningRoom(settings.input, settings.audio, Path(spool)) as room,
    ):
        yield room


def _quoted(files: Mapping[str, str]) -> dict[str, str]:
    return {call_id: quote(stem) for call_id, stem in files.items()}
