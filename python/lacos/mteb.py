"""Models of lacos in the package `mteb` (version 2), which is needed for this module:

    import lacos.mteb
    import mteb

    model = lacos.mteb.Encoder("trained")
    results = mteb.evaluate(model, mteb.get_tasks(tasks=["STSBenchmark"]))
"""

from __future__ import annotations

import importlib
import os
import warnings
from typing import Any, Dict, List, Optional, Union

from lacos._encoder import SentenceEncoder
from lacos._library import version

_abs_encoder: Any = importlib.import_module("mteb.models.abs_encoder")
_model_meta: Any = importlib.import_module("mteb.models.model_meta")

Path = Union[str, "os.PathLike[str]"]


class Encoder:
    """A model for the tasks of `mteb`: its EncoderProtocol over a SentenceEncoder.

    `model` is an open SentenceEncoder, or what SentenceEncoder takes, with its settings as further arguments. Queries
    and documents get the folder's prompts with these names; a prompt that is named after a task, a type of task, or one
    of these with "-query" or "-document" wins over them, as for models of sentence-transformers in `mteb`. `name` and
    `revision` say how results are called; the name has the form ORGANIZATION/NAME.
    """

    def __init__(self, model: Union[Path, SentenceEncoder], revision: Optional[str] = None, *, device: Any = None,
                 name: Optional[str] = None, **settings: Any) -> None:
        if isinstance(model, SentenceEncoder):
            if settings or device is not None:
                raise TypeError("Encoder() found settings with an open model; expected them where it is opened")
            self.model = model
        else:
            self.model = SentenceEncoder(model, device=device, **settings)
        folder = os.path.basename(os.path.normpath(self.model.path)) or "model"
        similarity = self.model.similarity_fn_name
        self._prompts: Optional[Dict[str, str]] = self._known_prompts()
        self._meta = _model_meta.ModelMeta.create_empty(overwrites={
            "name": name or f"lacos/{folder}",
            "revision": revision or f"lacos-{version()}",
            "max_tokens": self.model.max_seq_length,
            "embed_dim": self.model.dimension,
            "similarity_fn_name": _model_meta.ScoringFunction.from_str(similarity) if similarity in ("cosine", "dot") else None,
            "framework": ["Sentence Transformers"],
            "open_weights": True,
        })

    def _known_prompts(self) -> Optional[Dict[str, str]]:
        """The prompts whose names mean something to `mteb`."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other names are the folder's own
            known: Any = _abs_encoder.AbsEncoder.validate_task_to_prompt_name(self.model.prompts, raise_for_invalid_keys=False)
        prompts: Optional[Dict[str, str]] = known[0]
        return prompts

    @property
    def mteb_model_meta(self) -> Any:
        """What is known about the model."""
        return self._meta

    def encode(self, inputs: Any, *, task_metadata: Any, hf_split: str, hf_subset: str,
               prompt_type: Any = None, batch_size: Optional[int] = None,
               show_progress_bar: Optional[bool] = None, precision: Any = "float32", **_: Any) -> Any:
        """The vectors of the texts in `inputs`, a DataLoader of batches with the key "text"."""
        texts: List[str] = [text for batch in inputs for text in batch["text"]]
        name = _abs_encoder.get_prompt_name(self._prompts, task_metadata, prompt_type)
        role = prompt_type.value if prompt_type is not None else None
        encode: Any = {"query": self.model.encode_query, "document": self.model.encode_document}.get(str(role), self.model.encode)
        return encode(texts, prompt_name=name, batch_size=None, show_progress_bar=show_progress_bar, precision=precision)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The similarities of all pairs, as a tensor."""
        return _torch().as_tensor(self.model.similarity(embeddings1, embeddings2))

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The similarities of vectors with the same index, as a tensor."""
        return _torch().as_tensor(self.model.similarity_pairwise(embeddings1, embeddings2))


def _torch() -> Any:
    return importlib.import_module("torch")  # which mteb needs
