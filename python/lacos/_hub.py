"""Models by their names on the Hugging Face hub, which huggingface_hub fetches where it is installed."""

from __future__ import annotations

import os
import re
from typing import Optional, Union

from lacos._library import Error
from lacos._optional import optional

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]

# ORGANIZATION/NAME as the hub allows it: letters, digits, '-', '_' and '.', with neither '-' nor '.' at the ends.
_WORD = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?:https://huggingface\.co/|huggingface\.co/|hf\.co/)?({_WORD}/{_WORD})/?")

# Everything that lacos reads from a folder. Weights of other frameworks are not fetched.
_WANTED = ["*.json", "*.safetensors", "*.bin", "README.md", "LICENSE*"]
_UNWANTED = ["onnx/*", "openvino/*", "*.msgpack", "*.h5", "training_args.bin", "optimizer*", "runs/*", "checkpoint-*"]


def model_place(model: Path, *, revision: Optional[str] = None, cache_folder: Optional[str] = None,
                token: Union[str, bool, None] = None, local_files_only: bool = False) -> str:
    """A folder: the given one, or the copy of a model on the hub in the cache of huggingface_hub.

    HF_HUB_OFFLINE, HF_HOME and the other variables of huggingface_hub hold. Raises lacos.Error if there is no such
    folder and no such model.
    """
    path = os.fsdecode(model)
    found = _NAME.fullmatch(path)
    if os.path.exists(path) or found is None:
        return path
    name = found[1]
    hub, constants = optional("huggingface_hub"), optional("huggingface_hub.constants")
    if hub is None or constants is None:
        raise Error(f"[{path}] is no folder on this machine; expected a model's folder; if this is a name on the Hugging Face "
                    "hub, `pip install huggingface_hub` lets lacos fetch it, or `hf download "
                    f"{name} --local-dir {name.split('/')[1]}` makes the folder")
    options = {"revision": revision, "cache_dir": cache_folder, "token": token}
    try:
        unwanted = list(_UNWANTED)
        if not local_files_only and not constants.HF_HUB_OFFLINE:
            files = hub.list_repo_files(name, revision=revision, token=token)
            if any(file.endswith(".safetensors") for file in files):
                unwanted.append("*.bin")  # the same weights again
        folder: str = hub.snapshot_download(name, allow_patterns=_WANTED, ignore_patterns=unwanted,
                                                        local_files_only=local_files_only, **options)
    except Exception as problem:  # of the network, the hub, or the disk
        try:  # a copy that was fetched earlier does without the hub
            folder = hub.snapshot_download(name, local_files_only=True, **options)
        except Exception:
            reason = " ".join(str(problem).split())
            raise Error(f"[{path}] is no folder on this machine, and huggingface_hub could not fetch it: {reason}; expected a "
                        "model's folder, or a name on the Hugging Face hub that can be reached; check the name, the network "
                        "and HF_HUB_OFFLINE") from problem
    return folder
