"""Log-probabilities of given text under a chat model, as vLLM can tell them.

The conversation and each continuation are turned into token ids by the server's `/tokenize`; then `/v1/completions`
over both together is asked for the log-probabilities of its prompt, and those of the last tokens are the
continuation's: log p(x_t | prefix, x_<t) for each t. Tokens never merge across the border, as they would not when the
model had generated the continuation itself.
"""

from __future__ import annotations

from adjudge.errors import shorten
from adjudge.models.server.replies import Json, malformed, number


def token_ids(data: Json, where: str) -> list[int]:
    """The ids in a reply of `/tokenize`.

    Raises:
        ModelError: There are none.
    """
    ids = data.get("tokens")
    if not isinstance(ids, list) or not all(type(item) is int for item in ids):
        raise malformed(f"`tokens` must be a list of token ids, found {shorten(ids)}", where)
    if "count" in data and data["count"] != len(ids):
        raise malformed(f"{len(ids)} tokens came with a count of {shorten(data['count'])}", where)
    return ids


def continuation_logprobs(entries: object, ids: list[int], start: int, where: str) -> tuple[float, ...]:
    """The log-probabilities of `ids[start:]`.

    Args:
        entries: `prompt_logprobs`: for each token of the prompt a map from token id to its log-probability; the first
            is null, for nothing precedes it.
        ids: The prompt.
        start: Where the continuation begins in it, at least 1.
        where: The server, for messages.

    Raises:
        ModelError: The entries are not those of this prompt.
    """
    if not isinstance(entries, list) or len(entries) != len(ids):
        found = f"{len(entries)} entries" if isinstance(entries, list) else shorten(entries)
        raise malformed(f"`prompt_logprobs` must have an entry for each of {len(ids)} tokens, found {found}", where)
    return tuple(_logprob(entries[at], ids[at], at, where) for at in range(start, len(ids)))


def _logprob(entry: object, token_id: int, at: int, where: str) -> float:
    told = entry.get(str(token_id)) if isinstance(entry, dict) else None
    if not isinstance(told, dict):
        raise malformed(
            f"`prompt_logprobs[{at}]` lacks the token {token_id} that stands there: {shorten(entry)}", where
        )
    return number(told.get("logprob"), f"the log-probability of token {token_id}", where)
