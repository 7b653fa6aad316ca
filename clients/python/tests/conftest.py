from __future__ import annotations

from typing import Iterator

import pytest
from fake_tunnel import FakeTunnel


@pytest.fixture
def tunnel() -> Iterator[FakeTunnel]:
    fake = FakeTunnel()
    yield fake
    fake.stop()
