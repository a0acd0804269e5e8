"""Conversations as other libraries write them, read as turns, and turns as a task with steps.

    turns = turns_of(Part.whole(Document(messages, "<messages>")))
    told = conversation(turns, len(lead(turns)))

Known are OpenAI's chat messages (the older function calls and TRL's rows among them), the items of OpenAI's Responses
API, and the JSON forms of LangChain's messages (`dumpd`, `messages_to_dict`, `model_dump`). The form is told message by
message, so a list may mix them. Only plain JSON is read here, and no library of theirs is loaded.
"""

from adjudge.cases.foreign.conversation import conversation
from adjudge.cases.foreign.part import Part
from adjudge.cases.foreign.task import lead, task_of
from adjudge.cases.foreign.turn import Turn
from adjudge.cases.foreign.turns import is_message, turns_of
from adjudge.types.conversation import Call, Conversation

__all__ = ["Call", "Conversation", "Part", "Turn", "conversation", "is_message", "lead", "task_of", "turns_of"]
