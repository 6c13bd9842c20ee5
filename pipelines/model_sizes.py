"""How large a model is with its tables and with factors in their place: parameters, and bytes beside float32's."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

from torch import nn

from see_tn.chain.shapes import dense_bytes
from see_tn.layer.checkpoint import stored_bytes
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.layer.spec import spec_of

FLOAT32 = 4


@dataclass(frozen=True)
class ModelSizes:
    """Numbers and stored bytes of a model's tables, and of all else.

    Attributes:
        parameters: numbers of the tables or of what stands for them; codes and indices are none.
        bytes: everything that is stored of them.
        dense_parameters: numbers of the tables.
        dense_bytes: of the tables in float32.
        body_parameters: numbers of the rest, fixed ones among them; in float32 where bytes of the whole model are told.
    """

    parameters: int
    bytes: int
    dense_parameters: int
    dense_bytes: int
    body_parameters: int

    @classmethod
    def of_dense(cls, model: nn.Module, table: nn.Parameter) -> Self:
        """Count a model with one table."""
        n_pieces, width = table.shape
        size = dense_bytes(n_pieces, width)
        body = sum(parameter.numel() for parameter in model.parameters()) - table.numel()
        return cls(table.numel(), size, table.numel(), size, body)

    @classmethod
    def of_swapped(cls, model: nn.Module, layers: Sequence[EntangledEmbedding]) -> Self:
        """Count a model with layers in place of its tables."""
        # In 8 bits the layers' tensors are no parameters, so that the body is counted without them.
        mine = {id(parameter) for layer in layers for parameter in layer.parameters()}
        return cls(
            sum(spec_of(layer).parameters for layer in layers),
            sum(stored_bytes(layer) for layer in layers),
            sum(layer.num_embeddings * layer.embedding_dim for layer in layers),
            sum(dense_bytes(layer.num_embeddings, layer.embedding_dim) for layer in layers),
            sum(parameter.numel() for parameter in model.parameters() if id(parameter) not in mine),
        )

    @property
    def model_parameters(self) -> int:
        """Numbers of the whole model."""
        return self.body_parameters + self.parameters

    @property
    def model_bytes(self) -> int:
        """Bytes of the whole model, its body in float32."""
        return FLOAT32 * self.body_parameters + self.bytes

    def as_dict(self) -> dict[str, int | float]:
        """Give sizes and ratios as plain values, for JSON."""
        return {
            **asdict(self),
            "parameter_ratio": self.dense_parameters / self.parameters,
            "byte_ratio": self.dense_bytes / self.bytes,
            "model_parameters": self.model_parameters,
            "model_bytes": self.model_bytes,
            "model_parameter_ratio": (self.body_parameters + self.dense_parameters) / self.model_parameters,
            "model_byte_ratio": (FLOAT32 * self.body_parameters + self.dense_bytes) / self.model_bytes,
        }
