"""What XLA hands over is read no farther than it says that it goes."""

from __future__ import annotations

import ctypes

import pytest
from dice_loss import _core


class NewError(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("extensions", ctypes.c_void_p),
        ("message", ctypes.c_char_p),
        ("code", ctypes.c_int),
    ]


REPORT = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(NewError))


class Api(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("extensions", ctypes.c_void_p),
        ("version", ctypes.c_byte * 24),
        ("internal", ctypes.c_void_p),
        ("new_error", REPORT),
    ]


class Operands(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("extensions", ctypes.c_void_p),
        ("count", ctypes.c_int64),
        ("kinds", ctypes.c_void_p),
        ("operands", ctypes.c_void_p),
    ]


class Attributes(ctypes.Structure):
    _fields_ = [*Operands._fields_, ("values", ctypes.c_void_p)]


class Frame(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("extensions", ctypes.c_void_p),
        ("api", ctypes.POINTER(Api)),
        ("context", ctypes.c_void_p),
        ("stage", ctypes.c_int),
        ("arguments", Operands),
        ("results", Operands),
        ("attributes", Attributes),
    ]


def answered(spoil):
    """What a handler says of a frame without operands."""
    said = []

    @REPORT
    def report(error):
        said.append(error.contents.message.decode())
        return 1

    api = Api(size=ctypes.sizeof(Api), new_error=report)
    frame = Frame(size=ctypes.sizeof(Frame), api=ctypes.pointer(api), stage=3)
    for part in (frame.arguments, frame.results, frame.attributes):
        part.size = ctypes.sizeof(part)
    spoil(frame)
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    handler = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(Frame))(
        pointer(dict(_core.xla_targets())["dice_loss_measure"], b"xla._CUSTOM_CALL_TARGET")
    )
    assert handler(ctypes.pointer(frame)) == 1
    (message,) = said
    return message


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("frame", "call frame: found 48 bytes, wanted 168"),
        ("arguments", "operands: found 32 bytes, wanted 40"),
        ("results", "operands: found 32 bytes, wanted 40"),
        ("attributes", "attributes: found 40 bytes, wanted 48"),
    ],
)
def test_structures_that_are_too_small_are_refused(part, message):
    def spoil(frame):
        if part == "frame":
            frame.size = 48
        else:
            getattr(frame, part).size -= 8

    assert answered(spoil) == message


def test_a_whole_frame_is_read():
    assert answered(lambda frame: None) == "spec: found nothing, wanted a text"
