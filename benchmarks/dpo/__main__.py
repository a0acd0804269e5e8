"""DPO on SmolLM2 with pairs that the judge selected, against pairs selected by length, at random, and all of them.

    python -m benchmarks.dpo --data ../shared/data --out docs/measured

From people's preferences (HH-RLHF, harmless; short conversations) a pool is drawn, and a share of its labels is turned.
Each arm selects pairs from the pool; the judge (`direct`, the embedded model, which reads likelihoods) keeps those on
which it agrees with the label as given, the most confident first. Each selection trains the same LoRA for the same
number of steps. Measured is the share of held-out pairs for which the implicit reward of DPO,
β (ln π(y|x) - ln π_ref(y|x)), is higher for what people preferred. Untrained it is the same for all: half.

Arms beside the judge: the pairs whose chosen response is longer by most, or shorter by most, random ones, the whole
pool, and as a bound random pairs of those whose labels were not turned. Every run is written to `dpo.part.jsonl` at
once, so a measurement that was broken off goes on where it stopped, and seeds may run side by side.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import AutoTokenizer

from adjudge.judge import Judge
from adjudge.models.local import CHAT_TEMPLATE, embedded_path
from benchmarks.dpo.arms import ARMS, Judged, arms, judge_pool
from benchmarks.dpo.policy import BETA, Likelihoods, Model, Training, likelihoods, train
from benchmarks.dpo.pool import Ids, Pair, Split, draw, ids_of, load
from benchmarks.dpo.report import Outcome, credits_of, summarise, table


def judge_of(chosen: argparse.Namespace, decide: str) -> Judge:
    """The embedded judge."""
    changes: dict[str, Any] = {"nodes.judge.decide": decide}
    return Judge.load("direct", model="embedded", journal=chosen.journal, **changes)


class Bench(NamedTuple):
    """What all runs share."""

    tokenizer: Any
    how: Training
    model: Model
    held_out: list[Ids]
    start: Likelihoods  # of the untrained model on the held-out pairs


def outcome_of(arm: str, seed: int, pairs: Sequence[Pair], bench: Bench) -> Outcome:
    """Train on the pairs of an arm, and ask the policy about the held-out ones."""
    pad = bench.model.pad
    known = likelihoods(bench.model.fresh(), [ids_of(pair, bench.tokenizer) for pair in pairs], pad)
    trained = train(bench.model.fresh(), bench.tokenizer, pairs, known, bench.how, seed)
    margins = likelihoods(trained.model, bench.held_out, pad).margins - bench.start.margins
    return Outcome(
        arm,
        seed,
        len(pairs),
        sum(not pair.turned for pair in pairs) / len(pairs),
        sum(pair.lead > 0 for pair in pairs) / len(pairs),
        credits_of(margins),
        BETA * float(margins.mean()),
        trained.losses,
        trained.seconds,
    )


def both_orders(pool: Sequence[Pair], chosen: argparse.Namespace) -> dict[str, Any]:
    """What is left of a pool when the same model names a letter, in both orders."""
    with judge_of(chosen, "logprobs") as judge:
        judged = judge_pool(judge, pool)
    return {"pairs": len(pool), "kept": len(judged.agreed), "dropped": judged.dropped}


def run_seed(seed: int, split: Split, tokenizer: Any, chosen: argparse.Namespace, kept: Path) -> None:
    """All arms of a seed, written and printed as they come; those that stand in the file are not run again."""
    pool = draw(split.train, size=chosen.pool, noise=chosen.noise, seed=seed)
    with judge_of(chosen, "likelihood") as judge:
        judged = judge_pool(judge, pool)
    keep(kept, {"judge": {"seed": seed, **told(judged, pool, chosen.selected)}})
    held_out = [ids_of(pair, tokenizer) for pair in split.held_out]
    model = Model([*held_out, *(ids_of(pair, tokenizer) for pair in pool)], tokenizer.pad_token_id, chosen.upper)
    start = likelihoods(model.fresh(), held_out, model.pad)
    keep(kept, {"before": before(held_out, start)})
    how = Training(chosen.steps, chosen.pairs_a_step, chosen.learning_rate, chosen.tokens)
    bench = Bench(tokenizer, how, model, held_out, start)
    done = {(row["run"]["arm"], row["run"]["seed"]) for row in rows_of(kept) if "run" in row}
    for arm, pairs in arms(pool, judged, chosen.selected, seed).items():
        if (arm, seed) not in done:
            found = outcome_of(arm, seed, pairs, bench)
            keep(kept, {"run": found._asdict()})
            accuracy = sum(found.credits) / len(found.credits)
            print(
                f"seed {seed}, {arm}: {accuracy:.3f} on held-out pairs, {found.right:.0%} of the labels right, loss "
                f"{found.losses[0]:.3f} to {found.losses[-1]:.3f}, {found.seconds / how.steps:.2f} s a step",
                flush=True,
            )


def keep(path: Path, row: dict[str, Any]) -> None:
    """Add a row to the file of results."""
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The file of results."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def gathered(rows: Sequence[dict[str, Any]], groups: Sequence[str]) -> dict[str, Any]:
    """All results: the last row of each kind counts."""
    outcomes = {(row["run"]["seed"], row["run"]["arm"]): Outcome(**row["run"]) for row in rows if "run" in row}
    ordered = [outcomes[key] for key in sorted(outcomes, key=lambda key: (key[0], ARMS.index(key[1])))]
    judges = {row["judge"]["seed"]: row["judge"] for row in rows if "judge" in row}
    return {
        "before": next((row["before"] for row in reversed(rows) if "before" in row), None),
        "both_orders": next((row["both_orders"] for row in reversed(rows) if "both_orders" in row), None),
        "judge": [judges[seed] for seed in sorted(judges)],
        "arms": summarise(ordered, groups),
        "runs": [outcome._asdict() for outcome in ordered],
    }


def told(judged: Judged, pool: Sequence[Pair], size: int) -> dict[str, Any]:
    """What the judge made of a pool, in numbers."""
    kept = [pair for _, pair in judged.agreed]
    return {
        "scored": judged.scored,
        "prefers_what_people_prefer": judged.right / judged.scored,
        "agrees_with_the_label_as_given": len(kept),
        "labels_right": {
            "pool": 1 - sum(pair.turned for pair in pool) / len(pool),
            "agreed": 1 - sum(pair.turned for pair in kept) / len(kept),
            "selected": 1 - sum(pair.turned for pair in kept[:size]) / size,
        },
        "dropped": judged.dropped,
        "model_calls": judged.model_calls,
    }


def before(held_out: Sequence[Ids], start: Likelihoods) -> dict[str, float]:
    """What the untrained model finds more likely, as sums and as means of its tokens; its implicit reward is half."""
    lengths = torch.tensor([[len(pair.chosen), len(pair.rejected)] for pair in held_out])
    means = start.chosen / lengths[:, 0] - start.rejected / lengths[:, 1]
    credit = {
        "sum": credits_of(start.margins),
        "mean": credits_of(means),
        "longer": credits_of(lengths[:, 0] - lengths[:, 1]),
    }
    return {name: sum(values) / len(values) for name, values in credit.items()} | {"implicit_reward": 0.5}


def main() -> None:
    """Measure, print, and keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for the numbers")
    parser.add_argument("--journal", type=Path, help="file in which the judge's calls are kept")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2], help="to run; the table holds all that were")
    parser.add_argument("--pool", type=int, default=160, help="pairs to select from")
    parser.add_argument("--selected", type=int, default=52, help="pairs of each arm but `all`")
    parser.add_argument("--noise", type=float, default=0.3, help="share of the pool's labels that are turned")
    parser.add_argument("--held-out", type=int, default=160, help="pairs that are only asked about")
    parser.add_argument("--tokens", type=int, default=72, help="most tokens of a conversation with its longer reply")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--pairs-a-step", type=int, default=8)
    parser.add_argument(
        "--upper", type=int, default=6, help="layers that get LoRA, from the top; the others are frozen"
    )
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--both-orders", type=int, default=24, help="pairs judged by naming a letter, in both orders")
    chosen = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(embedded_path())
    tokenizer.chat_template = CHAT_TEMPLATE  # plain ChatML; the model's own begins with a system message of its own
    split = load(chosen.data, tokenizer, most=chosen.tokens, held_out=chosen.held_out)
    print(f"{len(split.train)} pairs to train on, {len(split.held_out)} held out", flush=True)
    chosen.out.mkdir(parents=True, exist_ok=True)
    kept = chosen.out / "dpo.part.jsonl"
    for seed in chosen.seeds:
        run_seed(seed, split, tokenizer, chosen, kept)
    if chosen.both_orders:
        keep(kept, {"both_orders": both_orders(split.train[: chosen.both_orders], chosen)})
    measured = gathered(rows_of(kept), [pair.group for pair in split.held_out])
    print(table(measured["arms"]))
    print(json.dumps({name: measured[name] for name in ("before", "both_orders", "judge")}))
    settings = {name: value for name, value in vars(chosen).items() if name != "seeds" and not isinstance(value, Path)}
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    (chosen.out / "dpo.json").write_text(
        json.dumps({**measured, "settings": settings, "machine": machine}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
