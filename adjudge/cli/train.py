"""`adjudge train`: a judge trained by a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from adjudge.cli.screen import Screen
    from adjudge.training.prepared import Prepared


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE", help="One that ships (embedded, evidence_8b, evidence_multi), or a YAML file."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="Folder of the run; the same again goes on.")],
    stage: Annotated[
        Literal["all", "warm_start", "grpo"],
        typer.Option(help="Only this stage; the others as they lie in the folder."),
    ] = "all",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe: grpo.steps=10. Repeatable."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, say what would be done, train nothing.")
    ] = False,
) -> None:
    """Train a judge: a warm start on traces of an oracle, then GRPO through the judge's own graph.

    \b
    adjudge synth --data DATA --source hotpotqa_100 --source musique_100 --out pairs
    adjudge train embedded --out runs/embedded --dry-run
    adjudge train embedded --out runs/embedded
    accelerate launch -m adjudge train evidence_multi --out runs/multi

    A run that was cut off goes on from its last checkpoint. The weights of each stage lie in RUN/STAGE/policy, curves
    in RUN/STAGE/curves, every logged number in RUN/STAGE/log.jsonl.
    """
    from adjudge.cli.screen import Screen
    from adjudge.training.prepared import prepare
    from adjudge.training.recipe import load_recipe

    screen = Screen()
    chosen, base = load_recipe(recipe, settings or ())
    prepared = prepare(chosen, base)
    _tell(screen, prepared)
    if dry_run:
        from adjudge.training.reinforce import config

        config(prepared, out / "grpo")  # TRL checks its own settings
        screen.line("nothing was trained (--dry-run)")
        return
    from adjudge.training.train import train as run

    last = run(prepared, out, ("warm_start", "grpo") if stage == "all" else (stage,))
    screen.line(("policy   ", "bold"), str(last or "none: the recipe has no step"))


def _tell(screen: Screen, prepared: Prepared) -> None:
    recipe, cases = prepared.recipe, prepared.cases
    screen.line(("recipe   ", "bold"), f"{recipe.name}: {recipe.description}")
    screen.line(("policy   ", "bold"), f"{recipe.policy.model}, agents {', '.join(recipe.trained)} of {recipe.graph}")
    screen.line(("cases    ", "bold"), f"{len(cases.train):,} to train on, {len(cases.held_out):,} held out")
    if cases.bad:
        screen.line(("left out ", "bold"), f"{len(cases.bad)} rows; the first: {cases.bad[0]}")
    rewards = zip(prepared.mixed.rewards, prepared.mixed.weights, strict=True)
    screen.line(("rewards  ", "bold"), ", ".join(f"{reward.name} {weight:g}" for reward, weight in rewards))
    for number, stage in enumerate(recipe.warm_start.stages, 1):
        batch = stage.batch or recipe.warm_start.batch
        learns = stage.learns.replace("_", " ")
        screen.line((f"stage {number}  ", "bold"), f"warm start ({learns}), {stage.steps} steps of {batch}")
    grpo = recipe.grpo
    rollouts = f"{grpo.prompts} x {grpo.generations} rollouts"
    screen.line(("grpo     ", "bold"), f"{grpo.steps} steps of {rollouts}, {grpo.groups.arm}")
