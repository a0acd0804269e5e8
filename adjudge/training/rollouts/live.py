"""Where the policy's tokens come from: the trainer's own model, or the vLLM that the trainer keeps in step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from trl.models import unwrap_model_for_generation

from adjudge.errors import ModelError
from adjudge.models import ModelSpec, Reply, TokenLogprob, TokenUsage
from adjudge.models.base import Choice
from adjudge.models.local.batching import Work
from adjudge.models.local.in_process import InProcess
from adjudge.models.local.loading import Loaded
from adjudge.models.local.requests import CompleteRequest, Request
from adjudge.models.local.runner import ModelRunner
from adjudge.models.server import ServerModel
from adjudge.training.rollouts.policy import Completer
from adjudge.types.messages import assistant


@contextmanager
def tokens_of(trainer: Any) -> Iterator[Completer]:
    """What continues token ids with the weights as they are now.

    With vLLM the trainer has synchronised them before it asks for rollouts. A server is talked to directly: through
    TRL's own client prompts of unlike numbers of turns would be lost.

    Args:
        trainer: A `GRPOTrainer`.
    """
    if not trainer.use_vllm:
        settings = {"gather_deepspeed3_params": trainer.args.ds3_gather_for_generation}
        with (
            unwrap_model_for_generation(trainer.model_wrapped, trainer.accelerator, **settings) as model,
            in_process(model, trainer.processing_class) as completer,
        ):
            yield completer
        return
    vllm = trainer.vllm_generation
    if vllm.mode == "server":
        yield ServerModel(
            ModelSpec(provider="server", model=vllm.vllm_client.model, base_url=f"{vllm.vllm_client.base_url}/v1")
        )
        return
    completer = InProcess(lambda: Colocated(vllm.llm, trainer.processing_class))
    try:
        yield completer
    finally:
        completer.close()


@contextmanager
def in_process(model: Any, tokenizer: Any) -> Iterator[InProcess]:
    """A model in memory as something that continues token ids, in eval mode for as long.

    What its worker thread read of prompts is forgotten at the end, as the weights will have changed.

    Args:
        model: A causal language model of transformers, or peft around one.
        tokenizer: Its tokenizer.
    """
    context = getattr(model.config, "max_position_embeddings", None)
    training = model.training
    model.eval()
    completer = InProcess(lambda: ModelRunner(Loaded(model, tokenizer, context)))
    try:
        yield completer
    finally:
        completer.close()
        model.train(training)


class _Continued(NamedTuple):
    request: CompleteRequest


class Colocated:
    """vLLM in the training process, as a `Runner`: the requests that meet are one call, each with its own sampling.

    Args:
        llm: `vllm.LLM`.
        tokenizer: Of the policy.
    """

    def __init__(self, llm: Any, tokenizer: Any) -> None:
        self._llm = llm
        self._tokenizer = tokenizer

    def prepare(self, request: Request) -> _Continued:
        """Check a request.

        Raises:
            ModelError: It is none to continue token ids (`rejected`).
        """
        if not isinstance(request, CompleteRequest) or request.n != 1:
            raise ModelError("a colocated vLLM continues token ids, one reply at a time", kind="rejected")
        return _Continued(request)

    def run(self, work: Sequence[Work]) -> None:
        """Continue all of them."""
        from vllm import SamplingParams

        requests = [item.prepared.request for item in work if isinstance(item.prepared, _Continued)]
        params = [
            SamplingParams(
                temperature=request.sampling.temperature,
                top_p=request.sampling.top_p,
                max_tokens=request.sampling.max_tokens,
                seed=request.sampling.seed,
                stop=list(request.sampling.stop),
                logprobs=max(1, request.sampling.top_logprobs),
            )
            for request in requests
        ]
        prompts = [{"prompt_token_ids": list(request.token_ids)} for request in requests]
        outputs = self._llm.generate(prompts, sampling_params=params, use_tqdm=False)
        for item, request, output in zip(work, requests, outputs, strict=True):
            item.deliver(self._reply(request, output.outputs[0]))

    def _reply(self, request: CompleteRequest, said: Any) -> Reply:
        ids = tuple(int(token) for token in said.token_ids)
        told = []
        for token, alternatives in zip(ids, said.logprobs, strict=True):
            top = tuple((self._tokenizer.decode([other]), found.logprob) for other, found in alternatives.items())
            told.append(TokenLogprob(self._tokenizer.decode([token]), alternatives[token].logprob, top, token))
        choice = Choice(assistant(said.text), said.finish_reason or "stop", tuple(told), ids)
        return Reply((choice,), TokenUsage(len(request.token_ids), len(ids)), request.token_ids)
