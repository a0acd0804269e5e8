"""Agents: what the nodes of a graph do. Plain async functions from `Work` to `Report`, built from settings."""

from adjudge.agents.answerer import ANSWERER
from adjudge.agents.executor import EXECUTOR
from adjudge.agents.judge import JUDGE
from adjudge.agents.planner import PLANNER
from adjudge.agents.process_judge import PROCESS_JUDGE
from adjudge.agents.step_executor import STEP_EXECUTOR
from adjudge.agents.summarizer import SUMMARIZER
from adjudge.agents.trajectory_summarizer import TRAJECTORY_SUMMARIZER
from adjudge.agents.work import Agent, AgentKind, NodeSettings, Report, Scorer, Setting, StepScorer, Work

KINDS: dict[str, AgentKind] = {
    "executor": EXECUTOR,
    "judge": JUDGE,
    "answerer": ANSWERER,
    "summarizer": SUMMARIZER,
    "trajectory_summarizer": TRAJECTORY_SUMMARIZER,
    "planner": PLANNER,
    "step_executor": STEP_EXECUTOR,
    "process_judge": PROCESS_JUDGE,
}

__all__ = ["KINDS", "Agent", "AgentKind", "NodeSettings", "Report", "Scorer", "Setting", "StepScorer", "Work"]
