"""The forms in which preference data is kept: a prompt and two completions, as text or as messages.

They are those of TRL's preference data sets (TRL 1.16, `docs/source/dataset_formats.md` and `data_utils.py`): `prompt`,
`chosen` and `rejected` as texts or as lists of messages, and the implicit prompt, which stands at the beginning of both
completions. Transcripts with `\\n\\nHuman:` and `\\n\\nAssistant:` are those of HH-RLHF.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, Literal, NamedTuple, cast, get_args

from adjudge.selection.candidates import Candidates, Written
from adjudge.types import Message, Response, Role, ToolCall, Trajectory
from adjudge.types.messages import assistant, images_of, text_of, tool_call, user

Form = Literal["string", "conversational"]
_TURN = re.compile(r"\n\n(Human|Assistant): ?")
_REPLY = "\n\nAssistant:"


class Split(NamedTuple):
    """A prompt and its completions."""

    asked: str | list[Message]  # the prompt as a judge reads it
    prompt: Written  # the prompt as a trainer reads it
    chosen: Written
    rejected: Written


def split(prompt: object, chosen: object, rejected: object) -> Split:
    """Prompt and completions, taken apart where the prompt stands inside the completions.

    Args:
        prompt: Text, messages, or None where it is implicit.
        chosen: Text, or messages.
        rejected: The same.

    Raises:
        ValueError: Why these are no prompt and two completions of it.
    """
    if isinstance(chosen, str) and isinstance(rejected, str):
        if isinstance(prompt, str):
            return Split(_asked(prompt), prompt, chosen, rejected)
        if prompt is None:
            return _texts(chosen, rejected)
        return Split(messages_of(prompt, "prompt"), messages_of(prompt, "prompt"), chosen, rejected)
    better, worse = messages_of(chosen, "chosen"), messages_of(rejected, "rejected")
    shared = _shared(better, worse)
    if isinstance(prompt, str) and not (shared and _says(shared, prompt)):
        return Split(prompt, prompt, better, worse)
    known = messages_of(prompt, "prompt") if prompt is not None and not isinstance(prompt, str) else shared
    if not known:
        raise ValueError("there is no prompt, and chosen and rejected begin with no message that they share")
    ends = [talk[len(known) :] if talk[: len(known)] == known else talk for talk in (better, worse)]
    if not all(ends):
        raise ValueError("chosen or rejected holds nothing but the prompt")
    return Split(known, known, *ends)


def messages_of(value: object, key: str) -> list[Message]:
    """Messages as OpenAI or TRL write them, in OpenAI's form.

    Raises:
        ValueError: They are none.
    """
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or not value:
        raise ValueError(f"{key} should be text, or a list of messages, found {type(value).__name__}")
    return _joined([_message(item, key) for item in value])


def response_of(completion: Written) -> Response:
    """A completion as a response to judge: text, or the steps of an agent with its last words.

    Raises:
        CaseError: A tool's reply in it belongs to no call.
    """
    if isinstance(completion, str):
        return Response(text=completion)
    last = completion[-1]
    if len(completion) == 1 and not last.get("tool_calls"):
        return Response(text=text_of(last["content"]))
    if any(message["role"] in ("user", "system") for message in completion):  # the talk went on: who said what counts
        told = (f"{message['role']}: {text_of(message['content'])}" for message in completion)
        return Response(text="\n\n".join(told))
    ended = last["role"] == "assistant" and not last.get("tool_calls")
    steps = Trajectory.from_messages(completion[:-1] if ended else completion)
    return Response(text=text_of(last["content"]) if ended else "", trajectory=steps if steps.steps else None)


def unwritable(candidates: Candidates, form: Form) -> str:
    """Why candidates cannot be written in a form; empty where they can."""
    prompt = candidates.prompt
    if not isinstance(prompt, str) and next(images_of(prompt), None) is not None:
        return "its prompt holds images, which are not written to preference data"
    if form == "conversational":
        return ""
    if not isinstance(prompt, str) and (len(prompt) > 1 or prompt[0]["role"] != "user"):
        return "its prompt is a conversation, which has no one form as text; use the format conversational"
    if any(not isinstance(one, str) and not _plain(one) for one in candidates.completions):
        return "a response is a conversation, which has no one form as text; use the format conversational"
    return ""


def as_text(written: Written) -> str:
    """A prompt or completion as text; see `unwritable`."""
    return written if isinstance(written, str) else text_of(written[0]["content"])


def as_prompt(written: Written) -> list[Message]:
    """A prompt as messages."""
    if not isinstance(written, str):
        return _flat(written)
    asked = _asked(written)
    return [user(asked)] if isinstance(asked, str) else asked


def as_completion(written: Written) -> list[Message]:
    """A completion as messages."""
    return [assistant(written.removeprefix(" "))] if isinstance(written, str) else _flat(written)


def _flat(messages: list[Message]) -> list[Message]:
    """Blocks of text as one text: a column of a data set has one type."""
    return [
        {**message, "content": text_of(message["content"])} if isinstance(message["content"], list) else message
        for message in messages
    ]


def _asked(prompt: str) -> str | list[Message]:
    """A transcript that ends where the assistant is to speak, as messages; any other text as it is."""
    return turns(prompt.removesuffix(" ")[: -len(_REPLY)]) if _is_transcript(prompt) else prompt


def _is_transcript(text: str) -> bool:
    return text.startswith("\n\nHuman:") and text.rstrip(" ").endswith(_REPLY)


def turns(text: str) -> list[Message]:
    """A transcript of HH-RLHF as messages."""
    parts = _TURN.split(text)
    return [
        user(said.strip()) if speaker == "Human" else assistant(said.strip())
        for speaker, said in zip(parts[1::2], parts[2::2], strict=True)
    ]


def _texts(chosen: str, rejected: str) -> Split:
    """The prompt that two texts share: up to the reply in a transcript, else up to the last white space."""
    differs = (place for place, (one, other) in enumerate(zip(chosen, rejected, strict=False)) if one != other)
    shared = chosen[: next(differs, min(len(chosen), len(rejected)))]
    cut = shared.rfind(_REPLY) + len(_REPLY) if shared.startswith("\n\nHuman:") and _REPLY in shared else 0
    if not cut:
        cut = len(shared[: max(shared.rfind(" "), shared.rfind("\n"), 0)].rstrip())
    if not cut:
        raise ValueError("there is no prompt, and chosen and rejected do not begin with the same words")
    return Split(_asked(shared[:cut]), shared[:cut], chosen[cut:], rejected[cut:])


def _shared(chosen: list[Message], rejected: list[Message]) -> list[Message]:
    """The messages with which both begin; each keeps at least its last one."""
    pairs = zip(chosen[:-1], rejected[:-1], strict=False)
    return [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]


def _says(messages: list[Message], text: str) -> bool:
    """Whether the last of the messages is the user's and says just this."""
    return messages[-1]["role"] == "user" and text_of(messages[-1]["content"]).strip() == text.strip()


def _plain(completion: list[Message]) -> bool:
    only = completion[0]
    return len(completion) == 1 and only["role"] == "assistant" and not only.get("tool_calls")


def _message(value: object, key: str) -> Message:
    content = value.get("content") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or value.get("role") not in get_args(Role):
        raise ValueError(f"{key}: each message should have a role ({', '.join(get_args(Role))}) and content")
    if not isinstance(content, str | list | None):
        raise ValueError(f"{key}: the content of a message should be text or blocks")
    message: dict[str, Any] = {"role": value["role"], "content": content}
    message |= {name: value[name] for name in ("tool_call_id", "name") if isinstance(value.get(name), str)}
    calls = value.get("tool_calls") or ()
    if not isinstance(calls, list | tuple):
        raise ValueError(f"{key}: tool_calls should be a list")
    if calls:
        message["tool_calls"] = [_call(call, key) for call in calls]
    return cast("Message", message)


def _joined(messages: list[Message]) -> list[Message]:
    """Calls without an id, as TRL writes them, get one, and the tool's replies that of their call."""
    waiting: deque[str] = deque()
    for number, message in enumerate(messages):
        for place, call in enumerate(message.get("tool_calls") or ()):
            call["id"] = call["id"] or f"call_{number}_{place}"
            waiting.append(call["id"])
        if message["role"] == "tool" and not message.get("tool_call_id") and waiting:
            message["tool_call_id"] = waiting.popleft()
    return messages


def _call(value: object, key: str) -> ToolCall:
    function = value.get("function") if isinstance(value, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise ValueError(f"{key}: a tool call should have a function with a name")
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
    identity = value.get("id") if isinstance(value, Mapping) else None
    return tool_call(identity if isinstance(identity, str) else "", function["name"], text)
