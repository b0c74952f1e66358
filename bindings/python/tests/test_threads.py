"""Threads change nothing but the time: the same bits, and others run meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

import cases
import dice_loss
import numpy as np
import pytest
from dice_loss import CrossEntropy, Dice, Focal, Objective, metrics

OBJECTIVE = Objective([(1.0, Dice()), CrossEntropy(), Focal()], activation="softmax")
SHAPE = (3, 5, 96, 131)


@pytest.fixture(autouse=True)
def _restored():
    yield
    dice_loss.set_num_threads(2)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_the_same_bits_for_any_number_of_threads(dtype):
    x, labels = cases.logits_for("softmax", SHAPE).astype(dtype), cases.labels_for(SHAPE)
    found = []
    for threads in (1, 2, 7):
        dice_loss.set_num_threads(threads)
        assert dice_loss.get_num_threads() == threads
        value, gradient = OBJECTIVE.loss_and_gradient(x, labels)
        moments = OBJECTIVE.measure(x, labels)
        found.append((value, gradient.tobytes(), moments.sums.tobytes()))
    assert found[0] == found[1] == found[2]


def test_the_same_counts_for_any_number_of_threads():
    shape = (2, 1, 800, 801)
    generator = np.random.default_rng(0)
    prediction, reference = (generator.integers(0, 4, size=shape) for _ in range(2))
    found = []
    for threads in (1, 2, 7):
        dice_loss.set_num_threads(threads)
        counts = dice_loss.metrics.counts(prediction, reference, classes=4)
        found.append([counts.true_positives.tolist(), counts.true_negatives.tolist()])
    assert found[0] == found[1] == found[2]
    both = [((prediction == c) & (reference == c)).sum(axis=(1, 2, 3)).tolist() for c in range(4)]
    assert np.transpose(both).tolist() == found[0][0]


def test_other_threads_run_meanwhile():
    """Nobody is made to switch: who steps during a sweep does so because the sweep lets go."""
    x = np.zeros((8, 8, 256, 256), np.float32)
    labels = np.zeros((8, 256, 256), np.uint8)
    steps, finished = 0, threading.Event()
    before_and_after = []

    def sweep():
        for _ in range(3):
            before = steps
            OBJECTIVE.loss_and_gradient(x, labels)
            before_and_after.append((before, steps))
        finished.set()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000.0)
    try:
        worker = threading.Thread(target=sweep)
        worker.start()
        while not finished.is_set():
            steps += 1
            time.sleep(0)  # lets the worker have its turn
        worker.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(before_and_after) == 3
    assert all(after > before for before, after in before_and_after), before_and_after


def test_calls_from_several_threads_at_once():
    x, labels = cases.logits_for("softmax", SHAPE), cases.labels_for(SHAPE)
    wanted = OBJECTIVE.loss_and_gradient(x, labels)
    found = []

    def call():
        found.append(OBJECTIVE.loss_and_gradient(x, labels))

    workers = [threading.Thread(target=call) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 4
    for value, gradient in found:
        assert value == wanted[0]
        np.testing.assert_array_equal(gradient, wanted[1])


SMALL_AND_LARGE = """
import os
import numpy as np
from dice_loss import Dice, Objective, set_num_threads

def threads():
    return len(os.listdir("/proc/self/task"))

set_num_threads(13)
objective, before = Objective(Dice(), activation="softmax"), threads()
for size in (8, 128):
    x, labels = np.zeros((3, 5, size, size), np.float32), np.zeros((3, size, size), np.uint8)
    objective.loss_and_gradient(x, labels)
    print(threads() - before)
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="no list of threads here")
def test_a_small_batch_starts_no_threads():
    # In a process of its own: here, pools of other tests may end meanwhile.
    found = subprocess.run(
        [sys.executable, "-c", SMALL_AND_LARGE], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["0", "13"]


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="no list of threads here")
def test_pools_do_not_pile_up():
    x, labels = cases.logits_for("softmax", SHAPE), cases.labels_for(SHAPE)
    for threads in (3, 4, 5, 6, 7, 8, 9, 50_000):
        dice_loss.set_num_threads(threads)
        OBJECTIVE.loss(x, labels)
    most = max(64, os.cpu_count() or 1)

    def tasks():
        return [entry for entry in map(name_of, os.listdir("/proc/self/task")) if "dice" in entry]

    deadline = time.monotonic() + 30
    while len(tasks()) > 7 + 8 + 9 + most and time.monotonic() < deadline:
        time.sleep(0.05)  # those of a pool that is given up end when they notice
    assert len(tasks()) <= 7 + 8 + 9 + most


def name_of(task):
    try:
        with open(f"/proc/self/task/{task}/comm") as comm:
            return comm.read()
    except FileNotFoundError:
        return ""


def interrupted(work):
    """The type of what ends it when a signal comes, as Ctrl-C is one."""

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises((KeyboardInterrupt, MemoryError)) as caught:
            work()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return caught.type


@pytest.mark.skipif(sys.platform == "win32", reason="no timer here")
@pytest.mark.parametrize("sweep", ["loss", "loss_and_gradient"])
def test_a_signal_stops_a_long_sweep(sweep):
    """This sweep would take years."""
    x = np.broadcast_to(np.float32(0), (1, 1, 1 << 59))
    labels = np.broadcast_to(np.uint8(1), (1, 1 << 59))
    whole = Objective(Dice(), activation="sigmoid")
    assert interrupted(lambda: getattr(whole, sweep)(x, labels)) is KeyboardInterrupt
    x, labels = cases.logits_for("softmax", SHAPE), cases.labels_for(SHAPE)
    assert OBJECTIVE.loss(x, labels) == OBJECTIVE.loss_and_gradient(x, labels)[0]


@pytest.mark.skipif(sys.platform == "win32", reason="no timer here")
def test_a_signal_stops_a_long_count():
    """A file without content, so large that counting it would take minutes."""
    with tempfile.TemporaryFile() as file:
        file.truncate(1 << 38)
        masks = np.memmap(file, dtype=bool, mode="r", shape=(1, 1, 1 << 38))
        caught = interrupted(lambda: metrics.counts(masks, masks))
        labels = masks[0].view(np.uint8)
        also = interrupted(lambda: metrics.counts(labels, labels, classes=2))
    assert caught is also is KeyboardInterrupt


@pytest.mark.parametrize(
    ("threads", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError)]
)
def test_a_number_of_threads_that_is_none(threads, error):
    with pytest.raises(error, match="threads: found"):
        dice_loss.set_num_threads(threads)
