"""A forked child computes what its parent would, and does not wait for threads it does not have."""

from __future__ import annotations

import multiprocessing
import pickle
import subprocess
import sys
import threading

import cases
import dice_loss
import numpy as np
import pytest
from dice_loss import CrossEntropy, Dice, Objective

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="no fork here"),
    # Python warns of forks beside threads; that they work is what is tested.
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
]

OBJECTIVE = Objective([(1.0, Dice()), CrossEntropy()], activation="softmax", pool="batch")
SHAPE = (2, 4, 160, 128)
PATIENCE = 60


def batch():
    return cases.logits_for("softmax", SHAPE).astype(np.float32), cases.labels_for(SHAPE)


def answer(queue, generations=0):
    """Sends what this process finds, and what its own child finds."""
    value, gradient = OBJECTIVE.loss_and_gradient(*batch())
    queue.put((value, gradient.tobytes()))
    if generations:
        child(queue, generations - 1)


def child(queue, generations=0):
    process = multiprocessing.get_context("fork").Process(target=answer, args=(queue, generations))
    process.start()
    process.join(PATIENCE)
    alive = process.is_alive()
    if alive:
        process.kill()
        process.join()
    assert not alive, f"the child still runs after {PATIENCE} s"
    assert process.exitcode == 0


def test_children_and_grandchildren_of_a_process_that_has_threads():
    dice_loss.set_num_threads(2)
    value, gradient = OBJECTIVE.loss_and_gradient(*batch())
    queue = multiprocessing.get_context("fork").SimpleQueue()
    found = []

    def read():  # a pipe holds little: read while the children write
        found.extend(queue.get() for _ in range(2))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    child(queue, generations=1)
    reader.join(PATIENCE)
    assert found == [(value, gradient.tobytes())] * 2


def test_the_parent_goes_on_after_a_fork():
    dice_loss.set_num_threads(2)
    wanted = OBJECTIVE.loss(*batch())
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=OBJECTIVE.loss, args=batch()) for _ in range(3)]
    for process in processes:
        process.start()
        assert OBJECTIVE.loss(*batch()) == wanted
    for process in processes:
        process.join(PATIENCE)
        process.kill()
        assert process.exitcode == 0


NESTED = """
import ctypes, os, sys
sys.path[:0] = {path!r}
import test_fork
CLONE_NEWPID = 0x20000000

def child():
    # The number 1 of a namespace of its own, as its parent may be.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWPID) != 0:
        os._exit(77)
    number = os.fork()
    if number:
        return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    assert os.getpid() == 1
    print(repr(test_fork.OBJECTIVE.loss(*test_fork.batch())), flush=True)
    return None

code = child()
if code is None:
    code = child() or 0
os._exit(code)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="no namespaces here")
def test_a_child_with_the_number_of_its_parent():
    dice_loss.set_num_threads(2)
    wanted = repr(OBJECTIVE.loss(*batch()))
    script = NESTED.format(path=[entry for entry in sys.path if entry])
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if found.returncode == 77:
        pytest.skip("no permission to make a namespace")
    assert (found.returncode, found.stdout.split()) == (0, [wanted] * 2), found.stderr


def test_moments_travel_between_processes():
    x, labels = batch()
    parts = [(x[:1], labels[:1]), (x[1:], labels[1:])]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        moments = [pickle.loads(found) for found in pool.map(measured, parts)]
    total = sum(moments)
    whole = OBJECTIVE.measure(x, labels).pooled()
    np.testing.assert_allclose(total.sums, whole.sums, rtol=1e-13)
    loss = OBJECTIVE.evaluate(total).loss
    assert loss == pytest.approx(OBJECTIVE.loss(x, labels), rel=1e-13)


def measured(part):
    return pickle.dumps(OBJECTIVE.measure(*part).pooled())
