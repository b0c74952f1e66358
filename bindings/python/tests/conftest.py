"""What one test compiled does not count against the limit of the next."""

import sys

import pytest


@pytest.fixture(autouse=True)
def fresh_compiler():
    """All losses share one `forward`, of which torch compiles at most eight variants a process."""
    yield
    if "torch._dynamo" in sys.modules:
        sys.modules["torch._dynamo"].reset()
