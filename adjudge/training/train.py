"""A training run: warm start on traces of an oracle, then GRPO; each stage goes on from its last checkpoint.

    OUT/recipe.json            the recipe as it was run, versions, and hashes of the data
    OUT/warm-start-1/          traces, checkpoints, policy/
    OUT/grpo/                  checkpoints, policy/, curves/*.png, log.jsonl

A stage that is done is not done again; one that was cut off goes on; those to come may still be changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.progress import track
from transformers.trainer_utils import get_last_checkpoint

from adjudge.errors import ConfigError
from adjudge.judge.portal import shared_portal
from adjudge.models import open_model
from adjudge.training.finished import WEIGHTS, finish
from adjudge.training.grpo.monitor import step_to_keep
from adjudge.training.kept import keep_recipe
from adjudge.training.pairs import in_pairs, pair_name
from adjudge.training.prepared import Prepared
from adjudge.training.recipe import StageSettings
from adjudge.training.reinforce import trainer_for
from adjudge.training.rollouts.rows import Row
from adjudge.training.warm_start.comparisons import comparisons, right_passages, searched_passages
from adjudge.training.warm_start.held_out import HeldOut
from adjudge.training.warm_start.sft import WarmStart, example, first_turn, train_on
from adjudge.training.warm_start.shared_prefix import SharedCollator, SharedPrefixTrainer, together
from adjudge.training.warm_start.traces import Traced, taught_all, trace_all
from adjudge.training.weights import load_policy
from adjudge.types import Case


def train(prepared: Prepared, out: Path, stages: Sequence[str] = ("warm_start", "grpo")) -> Path | None:
    """Run the stages of a recipe.

    Args:
        prepared: The recipe.
        out: Folder of the run.
        stages: Which; the others are taken as they lie in the folder.

    Returns:
        The folder with the LoRA (or all weights) of the last stage; None where no stage has a step.

    Raises:
        ConfigError: The folder belongs to another recipe or to other data.
    """
    keep_recipe(prepared, out)
    last: Path | None = None
    for number, stage in enumerate(prepared.recipe.warm_start.stages, 1):
        folder = out / f"warm-start-{number}"
        if "warm_start" in stages and stage.steps:
            _warm_start(prepared, number - 1, folder, last)
        last = folder / WEIGHTS if (folder / WEIGHTS).is_dir() else last
    if "grpo" in stages and prepared.recipe.grpo.steps:
        last = _grpo(prepared, out / "grpo", last)
    return last


def _warm_start(prepared: Prepared, number: int, folder: Path, adapter: Path | None) -> None:
    if (folder / WEIGHTS).is_dir():
        return
    recipe, stage = prepared.recipe, prepared.recipe.warm_start.stages[number]
    some = in_pairs(prepared.cases.held_out.values(), recipe.seed)[: recipe.warm_start.evaluate_cases]
    drawn = _drawn(prepared, number)
    rows = _rows(prepared, stage, drawn, folder / "traces.jsonl")
    held_out = _rows(prepared, stage, some, folder / "held-out.jsonl")
    pair_of = {case.id: pair_name(case) for case in (*drawn, *some)}
    letters = [prepared.tokenizer(letter, add_special_tokens=False)["input_ids"][0] for letter in "AB"]
    settings = recipe.warm_start
    examples, how = _lessons(prepared, stage, rows, pair_of)
    trainer = train_on(
        examples,
        load_policy(recipe, adapter),
        prepared.tokenizer,
        WarmStart(
            steps=stage.steps,
            batch=stage.batch or settings.batch,
            at_once=settings.at_once,
            learning_rate=stage.learning_rate or settings.learning_rate,
            warmup=settings.warmup,
            save_every=settings.save_every,
            seed=recipe.seed,
            report_to=recipe.report_to,
        ),
        folder,
        [] if stage.learns == "search" else [HeldOut(held_out, pair_of, letters, settings.save_every)],
        **how,
    )
    finish(trainer, recipe, folder)


def _drawn(prepared: Prepared, number: int) -> list[Case]:
    """The cases of a stage: pairs drawn with the seed, both orders of each; other ones than the stages before had."""
    stages = prepared.recipe.warm_start.stages
    before = sum(stage.rows for stage in stages[:number] if stage.data == stages[number].data)
    cases = in_pairs(prepared.cases.stages[number].values(), prepared.recipe.seed)
    return [cases[place % len(cases)] for place in range(before, before + min(stages[number].rows, len(cases)))]


def _rows(prepared: Prepared, stage: StageSettings, cases: Sequence[Case], file: Path) -> dict[str, Row]:
    if stage.learns != "comparison":
        return _traces(prepared, stage.settings, cases, file)
    if stage.evidence == "passage":
        return comparisons(cases, right_passages(cases, prepared.cases.documents), prepared.tokenizer)
    search = prepared.plan(stage.settings).judge.tools[prepared.recipe.warm_start.tool]
    found = shared_portal().call(lambda: searched_passages(cases, search, _titles(prepared)))
    return comparisons(cases, found, prepared.tokenizer)


def _titles(prepared: Prepared) -> dict[str, str]:
    return {name: document.title for name, document in prepared.cases.documents.items()}


def _lessons(
    prepared: Prepared, stage: StageSettings, rows: Mapping[str, Row], pair_of: Mapping[str, str]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The examples of a stage, and who trains on them."""
    if stage.learns in ("all", "search"):
        taken = map(first_turn, rows.values()) if stage.learns == "search" else rows.values()
        return list(map(example, taken)), {}
    collator = SharedCollator(prepared.tokenizer.pad_token_id, search=stage.learns == "search_and_verdict")
    kind = partial(SharedPrefixTrainer, single=stage.single)
    return together(rows, pair_of), {"kind": kind, "collator": collator}


def _traces(prepared: Prepared, settings: Sequence[str], cases: Sequence[Case], file: Path) -> dict[str, Row]:
    """Traces, made once and kept."""
    if not file.is_file():
        tracing = _tracing(prepared, settings)
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}.part")  # of several processes each makes its own
        with unfinished.open("w", encoding="utf-8") as lines:
            for start in track(range(0, len(cases), 50), f"traces for {file.parent.name}"):
                part = cases[start : start + 50]
                found = shared_portal().call(lambda: tracing(part))  # noqa: B023
                lines.writelines(json.dumps([name, *row]) + "\n" for name, row in found.rows.items())
        unfinished.replace(file)
    wanted = {case.id for case in cases}
    read = map(json.loads, file.read_text("utf-8").splitlines())
    rows = {str(name): Row(*map(tuple, row)) for name, *row in read if name in wanted}
    if not rows:
        hint = "is it the pairs' corpus? With a teacher: does it judge any pair as its label says?"
        raise ConfigError("there is no trace to learn from", key="warm_start", hint=hint)
    return rows


def _tracing(prepared: Prepared, settings: Sequence[str]) -> Callable[[Sequence[Case]], Awaitable[Traced]]:
    """Who makes the traces: the oracle, or a teacher."""
    plan, chosen, tokenizer = prepared.plan(settings), prepared.recipe.warm_start, prepared.tokenizer
    if chosen.teacher is not None:
        teacher = open_model(chosen.teacher)
        return lambda cases: taught_all(plan, cases, teacher, tokenizer)
    titles = _titles(prepared)
    return lambda cases: trace_all(plan, cases, chosen.tool, titles, tokenizer)


def _grpo(prepared: Prepared, folder: Path, adapter: Path | None) -> Path:
    if not (folder / WEIGHTS).is_dir():
        trainer = trainer_for(prepared, load_policy(prepared.recipe, adapter), folder)
        trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)) if folder.is_dir() else None)
        best = step_to_keep(trainer.state.log_history)
        if best is not None:
            trainer.restore(folder / f"checkpoint-{best}")
        finish(trainer, prepared.recipe, folder)
    return folder / WEIGHTS
