"""Where a model reads its embedding table: the modules by name, found by the weight that they share."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from see_tn.errors import FactorError


@dataclass(frozen=True)
class Place:
    """A module that looks rows up, by its dotted name, and the scale that it multiplies them with.

    `rounded` says whether the scale is rounded to the rows' type first, as Gemma's is.
    """

    name: str
    scale: float = 1.0
    rounded: bool = False


@dataclass(frozen=True)
class Places:
    """All modules that read one table.

    Attributes:
        embeddings: what looks rows up; the first one becomes the owner.
        heads: linear layers whose weight is the table.
        untied_head: a linear layer with a table of its own that is replaced too, or None.
        head_embeddings: what looks rows of that table up, as a decoder with pieces of its own does.
    """

    embeddings: tuple[Place, ...]
    heads: tuple[str, ...] = ()
    untied_head: str | None = None
    head_embeddings: tuple[Place, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All modules that are replaced."""
        untied = () if self.untied_head is None else (self.untied_head,)
        rows = (place.name for place in (*self.embeddings, *self.head_embeddings))
        return (*rows, *self.heads, *untied)

    def as_dict(self) -> dict[str, Any]:
        """Give plain values, for a config."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Undo `as_dict`, also after a way through JSON."""
        rows, of_head = (
            tuple(Place(**place) for place in values.get(name, ())) for name in ("embeddings", "head_embeddings")
        )
        return cls(rows, tuple(values["heads"]), values["untied_head"], of_head)


def find_places(model: nn.Module, name: str | None, *, with_head: bool) -> Places:
    """Find everything that reads a model's input embedding table.

    Args:
        model: a Hugging Face model, or any module.
        name: the dotted name of the embedding; without it, what `get_input_embeddings` gives, or the only one.
        with_head: whether a head with a table of its own is to be replaced too.
    Raises:
        FactorError: there is no such embedding, or several and none is named, or no untied head; or something that
            is neither a head nor looks rows up reads the table.
    """
    embedding = _named(model, name) if name else _input_embedding(model)
    rows, heads = _readers(model, embedding.weight, embedding)
    if not with_head:
        return Places(rows, heads)
    head = untied_head(model, name)
    if not isinstance(head, nn.Linear):
        raise FactorError(f"{type(model).__name__}: no output head with a table of its own; leave `head` out")
    of_head, (untied, *more) = _readers(model, head.weight)
    if more:
        raise FactorError(f"{type(model).__name__}: {untied} and {more[0]} share a table; one head may")
    return Places(rows, heads, untied, of_head)


def untied_head(model: nn.Module, name: str | None = None) -> nn.Module | None:
    """Give a model's output head if it has a table of its own, else None.

    Args:
        model: a Hugging Face model, or any module.
        name: the dotted name of the embedding, as in `find_places`.
    Raises:
        FactorError: there is no such embedding, or several and none is named.
    """
    get = getattr(model, "get_output_embeddings", None)
    head = get() if callable(get) else None
    table = (_named(model, name) if name else _input_embedding(model)).weight
    own = getattr(head, "weight", None)
    tied = isinstance(own, Tensor) and _is_same(own, table)
    return None if tied else cast(nn.Module | None, head)


def _readers(
    model: nn.Module, weight: Any, first: nn.Embedding | None = None
) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """The embeddings whose weight this is, a given one before others, and the linear layers."""
    places, heads = [], []
    for path, module in model.named_modules(remove_duplicate=False):
        shared = [name for name, own in module.named_parameters(recurse=False) if _is_same(own, weight)]
        if not shared:
            continue
        if shared != ["weight"] or not isinstance(module, nn.Embedding | nn.Linear):
            raise FactorError(
                f"{path or type(model).__name__}: {shared[0]!r} of a {type(module).__name__} is the table; only the "
                "weights of embeddings and heads can be replaced"
            )
        if isinstance(module, nn.Embedding):
            places.append((module is not first, _place(module, path)))
        else:
            _check_head(module, path)
            heads.append(path)
    if not (places or heads):
        raise FactorError(f"{type(model).__name__}: the table is computed from others; remove its parametrisation")
    return tuple(place for _, place in sorted(places, key=lambda pair: pair[0])), tuple(heads)


@torch.no_grad()
def _place(module: nn.Embedding, path: str) -> Place:
    """An embedding with the scale that it multiplies rows with; what it does beyond that cannot be replaced.

    Raises:
        FactorError: it does more.
    """
    given = getattr(module, "embed_scale", 1.0)
    # A scale that is a tensor takes the model's type; the number that it was made from is kept beside it.
    scale, rounded = float(getattr(module, "scalar_embed_scale", given)), isinstance(given, Tensor)
    if module.max_norm is not None:
        raise FactorError(f"{path}: an embedding with max_norm, which a layer does not have; load it without")
    if type(module).forward is not nn.Embedding.forward and not module.weight.is_meta:
        ids = torch.arange(min(4, module.num_embeddings), device=module.weight.device)
        if not torch.allclose(module(ids).float(), module.weight[ids].float() * scale, rtol=0.01):
            raise FactorError(f"{path}: a {type(module).__name__} does more than look rows up; it cannot be replaced")
    return Place(path, scale, rounded)


@torch.no_grad()
def _check_head(module: nn.Linear, path: str) -> None:
    """Refuse a head that does more than multiply with its table and add its bias: a cap of its logits, for example."""
    weight, bias = module.weight, module.bias
    if type(module).forward is nn.Linear.forward or weight.is_meta:
        return
    hidden = torch.linspace(-10, 10, module.in_features, dtype=weight.dtype, device=weight.device)[None]
    wanted, given = F.linear(hidden, weight, bias), module(hidden)
    if given.shape != wanted.shape or not torch.allclose(given.float(), wanted.float(), rtol=0.01, atol=0.01):
        raise FactorError(f"{path}: a {type(module).__name__} does more than multiply; it cannot be replaced")


def embedding_of(model: nn.Module, places: Places) -> nn.Embedding:
    """The embedding that is to be replaced."""
    return _named(model, places.embeddings[0].name)


def _is_same(one: Tensor, other: Tensor) -> bool:
    if one is other:
        return True
    alike = one.shape == other.shape and one.device == other.device and not one.is_meta
    return alike and one.data_ptr() == other.data_ptr()


def _input_embedding(model: nn.Module) -> nn.Embedding:
    get = getattr(model, "get_input_embeddings", None)
    if callable(get):
        found = get()
        if not isinstance(found, nn.Embedding):
            raise FactorError(
                f"{type(model).__name__}: its input embedding is a {type(found).__name__}, not an nn.Embedding; "
                "undo an earlier swap, or name the embedding"
            )
        return found
    candidates = [path for path, module in model.named_modules() if isinstance(module, nn.Embedding)]
    if len(candidates) != 1:
        raise FactorError(
            f"{type(model).__name__}: {len(candidates)} embeddings ({', '.join(candidates) or 'none'}); name the one"
        )
    return _named(model, candidates[0])


def _named(model: nn.Module, name: str) -> nn.Embedding:
    try:
        module = model.get_submodule(name)
    except AttributeError as error:
        raise FactorError(f"{type(model).__name__}: no module {name!r}; name one of its embeddings") from error
    if not isinstance(module, nn.Embedding):
        raise FactorError(f"{type(model).__name__}.{name}: a {type(module).__name__}, not an nn.Embedding")
    return module
