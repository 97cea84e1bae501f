"""Settings of JSON Web Tokens that would let others in are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.errors import ConfigurationError
from service.access.opening import jwt_reader
from tests.service.access.test_jwts import settings


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"audience": []}, "audience is empty"),
        ({"algorithms": []}, "algorithms is empty"),
        ({"algorithms": ["HS256", "RS256"]}, "mixes"),
        ({"algorithms": ["none"]}, "HS256"),
        ({"keys": None}, "keys is not set"),
        ({"algorithms": ["HS256"]}, "needs a secret"),
        ({"keys": "http://login.example/keys"}, "https://"),
    ],
)
def test_a_configuration_that_would_let_others_in_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        settings(**changes)


@pytest.mark.parametrize(("algorithm", "size"), [("HS256", 31), ("HS384", 47), ("HS512", 63)])
def test_a_secret_that_is_too_short_is_refused(algorithm: str, size: int) -> None:
    by_secret = settings(algorithms=[algorithm], keys=None)
    with pytest.raises(ConfigurationError, match=f"has {size} bytes"):
        jwt_reader(by_secret, {"EARSHOT_JWT_SECRET": "a" * size})
    assert jwt_reader(by_secret, {"EARSHOT_JWT_SECRET": "a" * (size + 1)})


def test_keys_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no file"):
        jwt_reader(settings(keys=str(tmp_path / "none.json")), {})
