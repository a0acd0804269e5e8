"""A list of messages as turns; the form of each message is told from its keys."""

from __future__ import annotations

from adjudge.cases.foreign.chat import ROLES, chat_turn
from adjudge.cases.foreign.items import ITEMS, continues, is_item, item_turn, merged
from adjudge.cases.foreign.langchain import is_langchain, langchain_turn
from adjudge.cases.foreign.part import Part
from adjudge.cases.foreign.turn import Turn

_KNOWN = ("role", "type: human, ai, … (LangChain)", "lc (LangChain)", "type: function_call, … (Responses API)")


def is_message(value: object) -> bool:
    """Whether a value is a message or an item, of whatever form, and not a whole conversation."""
    if not isinstance(value, dict) or "messages" in value:
        return False
    return is_langchain(value) or is_item(value) or "role" in value


def turns_of(messages: Part) -> list[Turn]:
    """Read a list of messages. Items that make up one reply become one turn.

    Raises:
        CaseError: One of them is no message, or not as it should be.
    """
    turns: list[Turn] = []
    for item in messages.items("a list of messages"):
        turn = _turn(item)
        if turn.open and not turn.content and not turn.calls and turn.form == "responses":
            continue  # reasoning that the provider keeps to itself
        if turns and continues(turns[-1], turn):
            turns[-1] = merged(turns[-1], turn)
        else:
            turns.append(turn)
    return turns


def _turn(item: Part) -> Turn:
    value = item.value
    if is_langchain(value):
        return langchain_turn(item)
    if is_item(value):
        return item_turn(item)
    if isinstance(value, dict) and "role" in value:
        return chat_turn(item)
    if not isinstance(value, dict):
        raise item.wrong("a message, which is a mapping")
    if "type" in value:
        raise item.get("type").error("this kind of message is not known", found=value["type"], allowed=ITEMS)
    hint = f"roles are {', '.join(ROLES)}"
    if "from" in value:
        hint = "this looks like ShareGPT's form: write role for from and content for value"
    raise item.error("this message has no role", found=", ".join(map(str, value)) or None, allowed=_KNOWN, hint=hint)
