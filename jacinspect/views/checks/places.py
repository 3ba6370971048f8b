"""Files as the services know them that show the outcomes of `jacinspect check` beside the code."""

import os
from pathlib import Path

from jacinspect.errors import near_path

__all__ = ["in_repository"]


def _repository() -> str:
    """Return the folder that a service knows files by: GitHub's workspace, or else the repository of this folder.

    Steps of a workflow may run in folders below it.
    """
    here = Path.cwd()
    root = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
    return str(Path(os.environ.get("GITHUB_WORKSPACE") or root).resolve())  # as the current folder's path is


def in_repository(file: str) -> str:
    """Return a file's path in the repository, with slashes; the whole path of a file elsewhere."""
    return Path(near_path(str(Path(file).absolute()), _repository())).as_posix()
