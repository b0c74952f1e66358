"""What a sweep needs beside its inputs: little, given back, an exception where there is none."""

from __future__ import annotations

import subprocess
import sys

import pytest

resource = pytest.importorskip("resource")

MANY_CLASSES = """
import resource
import numpy as np
from dice_loss import CrossEntropy, Dice, Objective, set_num_threads

def peak():
    # Of this program: `ru_maxrss` is also that of whoever started it.
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024

def resident():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * resource.getpagesize() / 2**20

set_num_threads(2)
whole = Objective([Dice(), CrossEntropy()], activation="softmax")
logits, labels = np.zeros((1, 100_000, 1), np.float32), np.zeros((1, 1), np.int64)
loss, gradient = whole.loss_and_gradient(logits[:, :3], labels)
before = resident()
loss, gradient = whole.loss_and_gradient(logits, labels)
print(loss, gradient[0, 0, 0], peak() - before, resident() - before)
"""

RANKED = """
import resource
import numpy as np
from dice_loss import lovasz_softmax, set_num_threads

def peak():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024

def resident():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * resource.getpagesize() / 2**20

set_num_threads(2)
logits = np.random.default_rng(0).normal(size=(2, 16, 512, 512)).astype(np.float32)
labels = np.argmax(logits, 1).astype(np.uint8)
lovasz_softmax(logits[:, :, :32, :32], labels[:, :32, :32])
before = resident()
loss, gradient = lovasz_softmax(logits, labels, pool="batch")
print(peak() - before, gradient.nbytes / 2**20, labels.size / 2**20)
"""

SKELETONS = """
import resource
import numpy as np
from dice_loss import cldice, set_num_threads

def peak():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024

def resident():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * resource.getpagesize() / 2**20

set_num_threads(2)
logits = np.random.default_rng(0).normal(size=(2, 8, 640, 640)).astype(np.float32)
labels = np.argmax(logits, 1).astype(np.uint8)
cldice(logits[:, :, :32, :32], labels[:, :32, :32], iterations=24)
before = resident()
loss, gradient = cldice(logits, labels, iterations=24)
print(peak() - before, gradient.nbytes / 2**20, labels[0].size / 2**20)
"""

HARDEST = """
import resource
import numpy as np
from dice_loss import CrossEntropy, Objective, set_num_threads

def peak():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024

def resident():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * resource.getpagesize() / 2**20

set_num_threads(2)
objective = Objective(CrossEntropy(top_k=0.1), activation="softmax")
logits = np.random.default_rng(0).normal(size=(4, 2, 1024, 1024)).astype(np.float32)
labels = np.argmax(logits, 1).astype(np.uint8)
objective.maps(logits[:, :, :32, :32], labels[:, :32, :32])
before = resident()
maps = objective.maps(logits, labels)
print(peak() - before, resident() - before, labels.size / 2**20)
"""

NO_MEMORY = """
import resource
import numpy as np
from dice_loss import Dice, Objective, set_num_threads

set_num_threads(2)
whole = Objective(Dice(), activation="softmax")
small = np.zeros((1, 3, 4), np.float32), np.zeros((1, 4), np.uint8)
wanted = whole.loss(*small)
logits, labels = np.zeros((1, 3_000_000, 1), np.float32), np.zeros((1, 1), np.uint8)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (600 << 20), resource.RLIM_INFINITY))
try:
    whole.loss_and_gradient(logits, labels)
except MemoryError as error:
    print(type(error).__name__, error)
print(whole.loss(*small) == wanted)
"""


NO_ROOM = """
import resource
import numpy as np
from dice_loss import Dice, Objective, _core
from dice_loss._arrays import view

classes = 500_000
spec = Objective(Dice(), activation="softmax")._spec
moments = np.ones((1, len(_core.integrands(spec, classes)), classes))
slopes = np.empty_like(moments)

def loss(classes):
    few = [np.ascontiguousarray(array[:, :, :classes]) for array in (moments, slopes)]
    return _core.evaluate(spec, view(few[0]), None, False, view(few[1])).loss

wanted = loss(3), loss(classes)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
for room in (5, 20, 40, 80, 120, 160, 200, 600):
    resource.setrlimit(resource.RLIMIT_AS, (used + (room << 20), resource.RLIM_INFINITY))
    try:
        print("evaluated", loss(classes) == wanted[1])
    except MemoryError as error:
        print("MemoryError", error)
print(loss(3) == wanted[0])
"""


MANY_COUNTS = """
import resource
import numpy as np
from dice_loss import CrossEntropy, Dice, Objective

def resident():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * resource.getpagesize() / 2**20

whole = Objective([Dice(), CrossEntropy()], activation="softmax")

def losses(counts):
    for classes in counts:
        whole.loss(np.zeros((1, classes, 1), np.float32), np.zeros((1, 1), np.uint8))

losses([2, 1500, 3000])
before = resident()
losses(range(2, 3002, 3))
print(resident() - before)
"""


def run(script):
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="no such numbers here")
def test_very_many_classes_want_little_memory_and_give_it_back():
    loss, slope, peak, kept = map(float, run(MANY_CLASSES).split())
    classes = 100_000
    # Uniform: Dice 1 − (2/C + s) / (1 + 1/C + s) of the one class that is there, and ln C.
    dice = 1 - (2 / classes + 1e-5) / (1 + 1 / classes + 1e-5)
    assert loss == pytest.approx(dice + 11.512925464970229, rel=1e-6)
    # Of class 0: −2 / (1 + p)², times p (1 − p), and p − 1.
    assert slope == pytest.approx(-1.0, rel=1e-4)
    # A few planes of 64 numbers a class, and the sums: 1.5 kB a class, where it was 12. What stays
    # is the plan, and what the allocator does not return.
    assert peak < 250 and kept < 120


@pytest.mark.skipif(sys.platform != "linux", reason="no such numbers here")
def test_plans_of_many_numbers_of_classes_do_not_pile_up():
    # All of them are 35 MB; what is kept is some of 16,384 classes in all.
    assert float(run(MANY_COUNTS)) < 15


@pytest.mark.skipif(sys.platform != "linux", reason="no such numbers here")
def test_ranks_take_the_keys_of_one_class_at_a_time():
    peak, gradient, voxels = map(float, run(RANKED).split())
    # Beside the gradient: keys of 8 bytes twice and a slope, 20 bytes, for each voxel that is
    # ranked; its label, shift and inverse sum, 12 bytes. The keys of all sixteen classes were 256.
    assert gradient == 64 * voxels
    assert peak < gradient + 32 * voxels + 12
    # What is written is in memory.
    assert peak > gradient + 20 * voxels


@pytest.mark.skipif(sys.platform != "linux", reason="no such numbers here")
def test_skeletons_take_the_maps_of_one_class_at_a_time():
    peak, gradient, voxels = map(float, run(SKELETONS).split())
    # Beside the gradient: of one class of one sample 19 maps of its 25 steps, and 6 others, of 4
    # bytes; of the batch a label, shift and inverse sum, 12 bytes. All steps would be 50 maps.
    assert gradient == 64 * voxels
    assert peak < gradient + (4 * 25 + 2 * 12) * voxels + 12
    assert peak > gradient + 4 * 19 * voxels


@pytest.mark.skipif(sys.platform != "linux", reason="no such numbers here")
def test_the_hardest_voxels_are_found_in_three_numbers_a_voxel():
    peak, kept, voxels = map(float, run(HARDEST).split())
    # Its loss, whether it is taken, and the same in NumPy's memory, which alone is kept.
    assert 8 * voxels < peak < 12 * voxels + 12
    assert kept < 4 * voxels + 12


@pytest.mark.skipif(sys.platform != "linux", reason="no such limit here")
def test_no_memory_is_an_exception():
    lines = run(NO_MEMORY).splitlines()
    assert lines[0].startswith("MemoryError memory: found less than the ")
    assert lines[1:] == ["True"]


@pytest.mark.skipif(sys.platform != "linux", reason="no such limit here")
def test_no_memory_for_many_small_things_is_an_exception_too():
    """The loss of given sums takes many pieces of a few bytes, which are asked for as one."""
    *lines, small = run(NO_ROOM).splitlines()
    wanted = "the derivatives by all sums"
    assert any(line.endswith(f"bytes wanted for {wanted}") for line in lines)
    assert all(line.startswith("MemoryError") for line in lines[:3])
    assert lines[-1] == "evaluated True"
    assert small == "True"
