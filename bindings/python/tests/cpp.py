"""What tests want that have C++ compiled."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

#: As PyTorch chooses it.
COMPILER = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
HEADERS = Path(sysconfig.get_path("include")) / "Python.h"

#: Where nothing may be skipped, the tests run and fail.
MAY_SKIP = "DICE_LOSS_REQUIRE_ALL" not in os.environ

needs_compiler = pytest.mark.skipif(
    MAY_SKIP and shutil.which(COMPILER) is None,
    reason=f"needs a C++ compiler: found no {COMPILER} on the PATH",
)
#: What torch.compile writes includes them.
needs_headers = pytest.mark.skipif(
    MAY_SKIP and not HEADERS.is_file(), reason=f"needs Python's headers: found no {HEADERS}"
)
