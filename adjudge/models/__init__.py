"""Models: the `ChatModel` protocol and the providers behind it."""

from adjudge.models.base import ChatModel, ModelInfo, ModelSpec, Sampling

__all__ = ["ChatModel", "ModelInfo", "ModelSpec", "Sampling"]
