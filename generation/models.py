"""Finds a checkpoint by name, path or hub id and says what it is, without importing torch."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from generation.errors import ModelNotFound, NotAPipeline
from generation.signatures import CallSignature, call_signature

DRAFT = "draft"
DRAFT_PATH = Path(__file__).parent / "draft" / "weights"

# A checkpoint may name the module of each part, and loading imports it: only these are imported for a stranger's file.
_LIBRARIES = {"diffusers", "transformers"}
_OWN_MODULES = {"generation.draft.autoencoder"}
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class ModelDescription:
    """A checkpoint that can be loaded: the name it was asked for by, where it lies and its pipeline class."""

    name: str
    path: Path
    pipeline_class: str
    index: dict[str, Any]

    @property
    def signature(self) -> CallSignature:
        """The arguments the pipeline's call takes, with their defaults."""
        return call_signature(self.pipeline_class)

    @property
    def digest(self) -> str:
        """The checkpoint's SHA-256, see `model_digest`."""
        return model_digest(self.path)


def describe_model(model: str = DRAFT, *, fetch: bool = False) -> ModelDescription:
    """Describes the checkpoint called `model`: "draft", a local folder, or a hub id "organisation/name".

    A hub id is looked up among the downloads on this machine; with `fetch` it is downloaded when missing. Raises
    ModelNotFound or NotAPipeline.
    """
    path = _locate(model, fetch)
    index_file = path / "model_index.json"
    if not index_file.is_file():
        raise NotAPipeline(
            f"{path} holds no model_index.json, so it is not a diffusers pipeline.",
            "Give the folder that was written by save_pretrained(); a single weights file must be converted first.",
        )
    try:
        index = json.loads(index_file.read_text(encoding="utf-8"))
        name = index["_class_name"]
    except (ValueError, KeyError, TypeError) as error:
        raise NotAPipeline(
            f"{index_file} cannot be read as a pipeline index ({error.__class__.__name__}).",
            "Download or export the checkpoint again.",
        ) from error
    _check_parts(index, index_file)
    if not isinstance(name, str) or "num_frames" not in call_signature(name).defaults:
        raise NotAPipeline(
            f"{index_file} names the class {name!r}, which makes no video in the installed diffusers.",
            "Use a text-to-video checkpoint, or install a diffusers release that knows this class.",
        )
    return ModelDescription(name=model, path=path, pipeline_class=name, index=index)


def _check_parts(index: dict[str, Any], index_file: Path) -> None:
    for part, source in index.items():
        if not isinstance(source, list) or len(source) != 2 or source[0] is None:
            continue
        if source[0] not in _LIBRARIES | _OWN_MODULES:
            raise NotAPipeline(
                f"{index_file} wants its {part} from the module {source[0]!r}, which is not loaded for a checkpoint.",
                "Only parts from diffusers and transformers are loaded; code inside a checkpoint is never run.",
            )


def own_modules(index: dict[str, Any]) -> set[str]:
    """The modules of this library from which a pipeline index wants parts."""
    return {source[0] for source in index.values() if isinstance(source, list) and source[0] in _OWN_MODULES}


def _locate(model: str, fetch: bool) -> Path:
    if model == DRAFT:
        if not (DRAFT_PATH / "model_index.json").is_file():
            raise ModelNotFound(
                f"The draft model's weights are missing from {DRAFT_PATH}.",
                "Train and package them with `make draft`, or restore the folder from the repository.",
            )
        return DRAFT_PATH
    if not model or "\0" in model:
        raise ModelNotFound(
            "The model has no usable name.", 'Give "draft", a folder or a hub id like "org/name".'
        )
    path = Path(model).expanduser()
    if path.is_dir():
        return path.resolve()
    if _HUB_ID.fullmatch(model) is None:
        raise ModelNotFound(
            f"There is no folder {model!r}, and it is no hub id.",
            'Give "draft", an existing folder or a hub id like "org/name".',
        )
    return _locate_on_hub(model, fetch)


def _locate_on_hub(model: str, fetch: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, local_files_only=not fetch))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise ModelNotFound(
            f"The checkpoint {model!r} is not on this machine"
            + (f" and could not be downloaded ({error.__class__.__name__})." if fetch else "."),
            f"Download it with `hf download {model}` on a machine with network, or give a local folder.",
        ) from error


def digest_files(path: Path) -> list[Path]:
    """The files that make up a checkpoint, sorted by name: everything but notes (*.md, slate.json) and hidden files."""
    found = []
    for file in path.rglob("*"):
        name = file.relative_to(path)
        hidden = any(part.startswith(".") for part in name.parts)
        if file.is_file() and not hidden and file.suffix != ".md" and name.as_posix() != "slate.json":
            found.append(file)
    return sorted(found, key=lambda file: file.relative_to(path).as_posix())


def model_digest(path: Path) -> str:
    """SHA-256 (hex) over every file's name, size and bytes, in the order of names.

    Notes and slate.json are left out, because they quote the digest. Remembered until a file's size or time changes.
    """
    files = digest_files(path)
    stamp = tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    return _digest(path, stamp)


@lru_cache(maxsize=32)
def _digest(path: Path, stamp: tuple[tuple[str, int, int], ...]) -> str:
    total = hashlib.sha256()
    for name, size, _ in stamp:
        file = Path(name)
        total.update(file.relative_to(path).as_posix().encode() + b"\0" + size.to_bytes(8, "big"))
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                total.update(block)
    return total.hexdigest()
