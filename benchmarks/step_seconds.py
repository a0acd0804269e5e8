"""Seconds of a GRPO step by part, beside TRL's own tool loop on the same task with the same policy.

    python -m benchmarks.step_seconds --pairs PAIRS --policy runs/embedded/warm-start-6/policy --out docs/measured

The task: search once, read what was found, answer with one letter. Here the policy goes through the graph `compact`;
there TRL's tool loop calls a function over the same corpus, in an environment for each rollout, and both conversations
are the same word by word: the prompt of TRL is taken from the graph, and so is the question after the search, which its
environment hands on together with the passages. Both take the same cases in the same order, as many rollouts, the same
optimizer and settings of sampling. They run in turns, `--rounds` times; the first step of each turn is not counted.
Rewards are one lookup in both.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer
from trl.chat_template_utils import qwen3_template

from adjudge.agents.material import evidence
from adjudge.judge.portal import shared_portal
from adjudge.models.local import CHAT_TEMPLATE
from adjudge.tools import Tool, ToolContext, ToolOutput
from adjudge.training.optimizer import MasterAdamW
from adjudge.training.pairs import in_pairs
from adjudge.training.prepared import Prepared, prepare
from adjudge.training.recipe import Recipe
from adjudge.training.reinforce import config, trainer_for
from adjudge.training.rollouts.trl import Rollouts
from adjudge.training.warm_start.traces import trace_all
from adjudge.training.weights import load_policy
from adjudge.types import Case

TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)(?:<\|im_end\|>|$)", re.DOTALL)
# The system turn of a prompt names the tools already, and what the environment says closes its turn itself.
TEMPLATE = CHAT_TEMPLATE.replace("{%- if tools -%}", "{%- if false -%}").replace(
    "text + '\\n</tool_response><|im_end|>\\n'", "text + '<|im_end|>\\n'"
)


class Clock:
    """Seconds that a function took since it was last asked."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def taken(self) -> float:
        """What has come together, and back to zero."""
        seconds, self.seconds = self.seconds, 0.0
        return seconds


def prepared_for(pairs: Path, prompts: int, generations: int, steps: int) -> Prepared:
    """The task as a recipe."""
    recipe = Recipe.model_validate(
        {
            "name": "step-seconds",
            "policy": {"model": "embedded", "dtype": "bfloat16", "max_tokens": 64},
            "graph": "compact",
            "settings": ["limits.seconds=3600"],
            "agents": {"gather": {}, "judge": {}},
            "data": {"train": "train.jsonl", "held_out": "dev.jsonl", "corpus": "corpus.jsonl", "limit": 200},
            "rewards": {"verdict": {"weight": 1.0}},
            "grpo": {"steps": steps, "prompts": prompts, "generations": generations, "at_once": 4, "save_every": 1000},
            "trainer": {"eval_strategy": "no", "save_strategy": "no", "loss_type": "grpo"},
        }
    )
    return prepare(recipe, pairs)


def timed(tool: Tool, clock: Clock) -> Tool:
    """A tool whose time is taken."""

    async def call(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutput:
        began = time.perf_counter()
        try:
            return await tool.call(arguments, context)
        finally:
            clock.seconds += time.perf_counter() - began

    return tool._replace(call=call)


def ours(prepared: Prepared, rows: Sequence[dict[str, Any]], adapter: Path, folder: Path) -> list[dict[str, float]]:
    """Steps through the graph."""
    clock, plan = Clock(), prepared.plan()
    plan.judge.tools["corpus"] = timed(plan.judge.tools["corpus"], clock)
    cases = {row["case"]: prepared.cases.train[row["case"]] for row in rows}
    rollouts = Rollouts(plan, cases, prepared.tokenizer)
    whole = prepared._replace(cases=prepared.cases._replace(train=cases))
    return steps_of(trainer_for(whole, load_policy(prepared.recipe, adapter), folder, rollouts=rollouts), clock)


def theirs(prepared: Prepared, rows: Sequence[dict[str, Any]], adapter: Path, folder: Path) -> list[dict[str, float]]:
    """Steps through TRL's tool loop."""
    clock, tokenizer = Clock(), prepared.tokenizer
    tokenizer.chat_template, tokenizer.response_template = TEMPLATE, qwen3_template
    tool = timed(prepared.plan().judge.tools["corpus"], clock)
    policy = load_policy(prepared.recipe, adapter)
    trained = [weight for weight in policy.parameters() if weight.requires_grad]
    letters = tokenizer.convert_tokens_to_ids(["A", "B"])
    policy.generation_config.eos_token_id = [tokenizer.convert_tokens_to_ids("<|im_end|>"), *letters]

    def right(completions: list[Any], label: list[str], **_: Any) -> list[float]:
        said = (str(completion[-1].get("content", "")).strip() for completion in completions)
        return [float(letter == wanted) for letter, wanted in zip(said, label, strict=True)]

    settings = config(prepared, folder).to_dict()
    kept = GRPOConfig.__dataclass_fields__
    arguments = {key: value for key, value in settings.items() if key in kept and value is not None}
    del arguments["generation_batch_size"]  # follows from the others, and TRL takes either
    arguments |= {"reward_weights": [1.0], "max_completion_length": 1024, "max_tool_calling_iterations": 1}
    trainer = GRPOTrainer(
        policy,
        right,
        GRPOConfig(**arguments),
        Dataset.from_list(list(rows)),
        processing_class=tokenizer,
        environment_factory=lambda: Searching(tool),
        optimizers=(MasterAdamW(trained, lr=prepared.recipe.grpo.learning_rate, weight_decay=0.0), None),
    )
    return steps_of(trainer, clock)


def conversations(prepared: Prepared) -> list[dict[str, Any]]:
    """The cases that an oracle can search for, each with the graph's prompt and its question after the search."""
    cases = prepared.cases
    ordered = in_pairs(cases.train.values(), prepared.recipe.seed)  # as our trainer takes them
    titles = {name: document.title for name, document in cases.documents.items()}
    traced = shared_portal().call(lambda: trace_all(prepared.plan(), ordered, "corpus", titles, prepared.tokenizer))
    found = []
    for name, row in traced.rows.items():
        opening = TURN.findall(prepared.tokenizer.decode(row.prompt_ids))[:2]
        asked = TURN.findall(prepared.tokenizer.decode(row.completion_ids))[-2][1]
        prompt = [{"role": role, "content": text} for role, text in opening]
        found.append({"case": name, "prompt": prompt, "asked": asked, "label": str(cases.train[name].label)})
    return found


class Searching:
    """The corpus as an environment of TRL."""

    def __init__(self, tool: Tool) -> None:
        self._tool = tool
        self._asked = ""

    def reset(self, asked: str, **_: Any) -> None:
        """The next rollout."""
        self._asked = asked

    def corpus(self, query: str) -> str:
        """Search for passages.

        Args:
            query: A few telling words.

        Returns:
            The passages, and what is asked about them.
        """
        nobody = Case(id="search", prompt="search")
        found = shared_portal().call(lambda: self._tool.call({"query": query}, ToolContext(nobody, {}, {}))).evidence
        named = [item.model_copy(update={"name": f"E{number}"}) for number, item in enumerate(found, 1)]
        return f"{evidence(named)}\n</tool_response><|im_end|>\n<|im_start|>user\n{self._asked}"


def steps_of(trainer: Any, clock: Clock) -> list[dict[str, float]]:
    """Seconds of each step but the first, by part; what is neither rollout nor reward is the update."""
    parts: list[dict[str, float]] = []
    generate, score = trainer._generate, trainer._calculate_rewards

    def generating(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        made = generate(*args, **kwargs)
        tools = clock.taken()
        parts.append({"rollouts": time.perf_counter() - began - tools, "tools": tools})
        return made

    def scoring(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        scored = score(*args, **kwargs)
        parts[-1]["rewards"] = time.perf_counter() - began
        return scored

    trainer._generate, trainer._calculate_rewards = generating, scoring
    trainer.train()
    entries = [entry for entry in trainer.state.log_history if "step_time" in entry]
    found = []
    for entry, part in zip(entries, parts, strict=True):
        whole = entry["step_time"]
        tokens = {
            "tokens": entry["completions/mean_length"],
            "calls": entry.get("tools/calls", entry.get("tools/call_frequency", 0.0)),
        }
        found.append({**part, "update": whole - sum(part.values()), "step": whole, **tokens})
    return found[1:]


def main() -> None:
    """Measure in turns, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True, help="folder of `adjudge synth`")
    parser.add_argument("--policy", type=Path, required=True, help="a LoRA that has learnt to search")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3, help="of each turn; the first is not counted")
    parser.add_argument("--prompts", type=int, default=4)
    parser.add_argument("--generations", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    found: dict[str, list[dict[str, float]]] = {"adjudge": [], "trl": []}
    for turn in range(chosen.rounds):
        for name, run in (("adjudge", ours), ("trl", theirs)):
            prepared = prepared_for(chosen.pairs, chosen.prompts, chosen.generations, chosen.steps)
            with tempfile.TemporaryDirectory() as folder:
                found[name] += run(prepared, conversations(prepared), chosen.policy, Path(folder))
            print(turn, name, json.dumps(found[name][-1]), flush=True)
    keys = ("rollouts", "tools", "rewards", "update", "step", "tokens", "calls")
    print(f"| | {' | '.join(keys)} |\n|{'---|' * (len(keys) + 1)}")
    for name, steps in found.items():
        print(f"| {name} | {' | '.join(f'{statistics.median(step[key] for step in steps):.2f}' for key in keys)} |")
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "step_seconds.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
