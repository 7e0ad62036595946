"""Places in the source of a kernel."""
import dis
import functools


def name_at(frame, otherwise):
    """The variable to which the running statement of a frame assigns what is being called."""
    return _name(frame.f_code, frame.f_lasti) or otherwise


@functools.lru_cache(1024)
def _name(code, offset):
    for instruction in dis.get_instructions(code):
        if instruction.offset > offset and instruction.opname.startswith("STORE_"):
            name = instruction.argval
            return name[0] if isinstance(name, tuple) else name if isinstance(name, str) else None
    return None


@functools.lru_cache(1024)
def line_of(place):
    """(file, line) of a place (code, offset)."""
    code, offset = place
    return code.co_filename, max((start, line) for start, line in dis.findlinestarts(code) if start <= offset and line)[1]


def place_in(traceback):
    """(file, line) of the last step of a kernel, or of a function that it calls, in a traceback; None if there is none."""
    place = None
    while traceback is not None:
        if "__simulated__" in traceback.tb_frame.f_globals:
            place = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next
    return place


def caller(frame):
    """The innermost frame of a kernel at or around a frame."""
    while "__simulated__" not in frame.f_globals:
        frame = frame.f_back
    return frame
