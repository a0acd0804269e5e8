"""The nouns: what is judged, what comes back, and what happens in between. Values only, no behaviour with effects."""

from adjudge.types.cases import Case, Criterion, Document, Response
from adjudge.types.events import (
    Checked,
    Event,
    EvidenceFound,
    Finished,
    LimitReached,
    ModelCalled,
    NodeStarted,
    Planned,
    StepDone,
    TextDelta,
    ToolCalled,
    VoteCast,
)
from adjudge.types.evidence import Evidence
from adjudge.types.frozen import Frozen
from adjudge.types.messages import Block, FunctionCall, ImageBlock, Message, Role, TextBlock, ToolCall
from adjudge.types.position import Position
from adjudge.types.process import Example, Flag, Plan, PlanStep, Process, Round, StepOutput
from adjudge.types.ranking import Comparison, Goal, Ranking, RankResult, Strategy
from adjudge.types.results import Fingerprint, JudgeResult, Usage, Vote
from adjudge.types.scale import Scale
from adjudge.types.steps import Step
from adjudge.types.trajectories import Trajectory
from adjudge.types.verdicts import (
    TIE,
    Answer,
    CriterionScore,
    Mode,
    Outcome,
    Reason,
    Unscored,
    Verdict,
    letter,
    ranking_of,
    winner_of,
)

__all__ = [
    "TIE",
    "Answer",
    "Block",
    "Case",
    "Checked",
    "Comparison",
    "Criterion",
    "CriterionScore",
    "Document",
    "Event",
    "Evidence",
    "EvidenceFound",
    "Example",
    "Fingerprint",
    "Finished",
    "Flag",
    "Frozen",
    "FunctionCall",
    "Goal",
    "ImageBlock",
    "JudgeResult",
    "LimitReached",
    "Message",
    "Mode",
    "ModelCalled",
    "NodeStarted",
    "Outcome",
    "Plan",
    "PlanStep",
    "Planned",
    "Position",
    "Process",
    "RankResult",
    "Ranking",
    "Reason",
    "Response",
    "Role",
    "Round",
    "Scale",
    "Step",
    "StepDone",
    "StepOutput",
    "Strategy",
    "TextBlock",
    "TextDelta",
    "ToolCall",
    "ToolCalled",
    "Trajectory",
    "Unscored",
    "Usage",
    "Verdict",
    "Vote",
    "VoteCast",
    "letter",
    "ranking_of",
    "winner_of",
]
