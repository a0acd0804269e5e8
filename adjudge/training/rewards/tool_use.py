"""Tool use: the required tools were called as they should be, and what they found is cited.

After OpenRM: `R = R_out + λ R_out R_tool`, R_tool = 1[required tool family used and no invalid call] (`openrm.md`
§A.3; the formula is a proposal, not the paper's). This is the term R_out R_tool; λ is its weight, 0.2 to 0.5. The
required tools stand in the case, `metadata["gold_tools"]`; `[]` says that none is needed, and then calling none is
right.

R_tool is 1 where all of this holds:

- every required tool was called with success (a family is one name, or the beginning of several: `wiki`,
  `wiki_search`);
- no call was invalid: an unknown tool, arguments that do not fit, that are no JSON object, or whose texts are all
  blank;
- no call says again what one before has said, in other spaces or capitals (ours);
- every citation names evidence that was retrieved, and with `must_cite` one of them came from a required tool (ours);
- with `must_find`, the case's own document, `metadata["source"]`, is among what was retrieved (ours).

Hacks: searching for the bonus (closed by the gate), a blank query, the same query again, a call whose result is not
used (closed as above). Open: a query that finds nothing to the point, whose result is cited beside a guess that is
right; `must_find` closes it where the case names its document, and `citations` makes it cheap.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from adjudge.errors import CaseError
from adjudge.training.rewards.verdict import Gated
from adjudge.training.rollouts import Called, Rollout
from adjudge.types import Case


@dataclass(frozen=True)
class ToolUse(Gated):
    """0 or 1; None for a case without `gold_tools`.

    Attributes:
        must_cite: Whether something that a required tool found has to be cited. Set it to false for tools that find no
            evidence (`python`) and for readouts that write no citations.
        must_find: Whether the case's own document has to be among what was retrieved.
    """

    name = "tool_use"
    must_cite: bool = True
    must_find: bool = False

    def worth(self, rollout: Rollout) -> float | None:
        """R_tool.

        Raises:
            CaseError: `gold_tools` is no list of names.
        """
        required = required_tools(rollout.case)
        if required is None:
            return None
        if rollout.broken_calls or not _well_formed(rollout.calls):
            return 0.0
        if not required:
            return float(not rollout.calls and not rollout.citations)
        used = [call.tool for call in rollout.calls if call.error is None]
        if not all(any(_of_family(tool, family) for tool in used) for family in required):
            return 0.0
        return float(self._cited(rollout, required) and (not self.must_find or _found(rollout)))

    def _cited(self, rollout: Rollout, required: Sequence[str]) -> bool:
        tools = {item.name: item.tool for item in rollout.evidence}
        if any(name not in tools for name in rollout.citations):
            return False
        fitting = (_of_family(tools[name], family) for name in rollout.citations for family in required)
        return not self.must_cite or any(fitting)


def required_tools(case: Case) -> list[str] | None:
    """The tools that a case requires, by name; None where it says nothing of them.

    Raises:
        CaseError: `gold_tools` is no list of names.
    """
    found = case.metadata.get("gold_tools")
    if found is None:
        return None
    if not isinstance(found, list | tuple) or not all(isinstance(name, str) and name for name in found):
        raise CaseError(f"case {case.id!r}: gold_tools is a list of names", key="metadata.gold_tools", found=found)
    return list(found)


def _of_family(tool: str, family: str) -> bool:
    return tool == family or tool.startswith((f"{family}_", f"{family}-", f"{family}."))


def _found(rollout: Rollout) -> bool:
    source = rollout.case.metadata.get("source")
    return source is None or any(item.is_of(str(source)) for item in rollout.evidence)


def _well_formed(calls: Sequence[Called]) -> bool:
    said = [_said(call) for call in calls]
    return not any(call.own_fault for call in calls) and None not in said and len(set(said)) == len(said)


def _said(call: Called) -> tuple[str, str] | None:
    """What a call says, without what makes no difference; None where it says nothing that could be meant."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return None
    if not isinstance(arguments, dict):
        return None
    texts = [value for value in arguments.values() if isinstance(value, str)]
    if texts and not any(text.strip() for text in texts):
        return None
    return call.tool, " ".join(json.dumps(arguments, sort_keys=True, ensure_ascii=False).casefold().split())
