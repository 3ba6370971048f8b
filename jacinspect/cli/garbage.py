"""The search for garbage in cycles, which Python makes again and again while what it imports fills its memory.

None of what is imported is garbage: to search it, and once more at the end, takes a fifth of a start.
"""

import gc

__all__ = ["put_off", "resume"]


def put_off() -> None:
    """Search for no garbage until `resume` is called."""
    gc.disable()


def resume() -> None:
    """Search for garbage again, as the inspected code expects; what is there by now is never searched."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
