"""Agents: what the nodes of a graph do. Plain async functions from `Work` to `Report`, built from settings."""

from adjudge.agents.answerer import ANSWERER
from adjudge.agents.executor import EXECUTOR
from adjudge.agents.judge import JUDGE
from adjudge.agents.summarizer import SUMMARIZER
from adjudge.agents.work import Agent, AgentKind, NodeSettings, Report, Setting, Work

KINDS: dict[str, AgentKind] = {"executor": EXECUTOR, "judge": JUDGE, "answerer": ANSWERER, "summarizer": SUMMARIZER}

__all__ = ["KINDS", "Agent", "AgentKind", "NodeSettings", "Report", "Setting", "Work"]
