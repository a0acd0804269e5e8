"""The report on a folder of pairs: what was made, and what can be told of it without reading the evidence.

report = report_on(Path("runs/synth"), data=Path("../shared/data"))
report["style"]["gradient boosting"]["value"]        # the goal is 0.50 ± 0.03
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from adjudge.errors import ConfigError
from adjudge.training.synth.document import Document
from adjudge.training.synth.neighbours import Neighbours
from adjudge.training.synth.pairs import Pair
from adjudge.training.synth.report.benchmarks import overlaps
from adjudge.training.synth.report.duplicates import duplicates
from adjudge.training.synth.report.lexical import lexical_arms
from adjudge.training.synth.report.shares import Share
from adjudge.training.synth.report.style import Told, style_accuracy

FILES = ("train", "dev", "test")


def read_pairs(folder: Path) -> tuple[list[Pair], list[Document]]:
    """The pairs and the corpus of a folder that `adjudge synth` wrote.

    Raises:
        ConfigError: A file is missing or was changed into something else.
    """
    documents = {row["id"]: Document(row["id"], row["title"], row["text"]) for row in _rows(folder / "corpus.jsonl")}
    pairs = []
    for split in FILES:
        for row in _rows(folder / f"{split}.jsonl"):
            if row["label"] == "A":
                pairs.append(_pair(row, documents, folder / f"{split}.jsonl"))
    if not pairs:
        raise ConfigError("the folder holds no pairs", file=str(folder), hint="make some with `adjudge synth`")
    return pairs, list(documents.values())


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise ConfigError(
            "this is no folder of pairs", file=str(path), hint="name the --out of `adjudge synth`"
        ) from error
    except ValueError as error:
        raise ConfigError(f"a line is not JSON: {error}", file=str(path)) from error


def _pair(row: dict[str, Any], documents: dict[str, Document], path: Path) -> Pair:
    try:
        about = row["metadata"]
        source = documents[about["source"]]
        document = Document(source.id, source.title, source.text, about["domain"])
        good, bad = (response["text"] for response in row["responses"])
        return Pair(
            about["pair"],
            document,
            row["prompt"],
            good,
            bad,
            about["defect"],
            split=about["split"],
            maker=about["maker"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError("a row is no pair of `adjudge synth`", file=str(path), found=row.get("id")) from error


def report_on(
    folder: Path, data: Path | None = None, *, seed: int = 0, step: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """All numbers, as JSON types.

    Args:
        folder: What `adjudge synth` wrote.
        data: The folder with a folder for each benchmark.
        seed: Of the classifiers' folds.
        step: Told what is done next.

    Raises:
        ConfigError: The folder holds no pairs.
        MissingPackage: scikit-learn is not installed.
    """
    step("reading")
    pairs, documents = read_pairs(folder)
    step("counting")
    counts = {
        "pairs": len(pairs),
        "by_split": _counted(pair.split for pair in pairs),
        "by_defect": _counted(pair.defect for pair in pairs),
        "by_domain": _counted(pair.document.domain for pair in pairs),
        "by_maker": _counted(pair.maker for pair in pairs),
        "documents": len(documents),
        "documents_with_pairs": len({pair.document.id for pair in pairs}),
    }
    step("style")
    style = _style(pairs, seed)
    step("word matching")
    arms = _by(pairs, Neighbours(documents))
    step("duplicates")
    twice = duplicates(pairs)._asdict()
    step("benchmarks")
    shared = overlaps(pairs, data)
    found = {name: overlap._asdict() for name, overlap in shared.found.items()}
    return {
        "counts": counts,
        "style": style,
        **arms,
        "lengths": _lengths(pairs),
        "duplicates": twice,
        "benchmarks": {"found": found, "absent": shared.absent},
    }


def _counted(names: Any) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _style(pairs: Sequence[Pair], seed: int) -> dict[str, Any]:
    told = [Told(pair.good, pair.bad, pair.document.id) for pair in pairs]
    result: dict[str, Any] = {name: share._asdict() for name, share in style_accuracy(told, seed=seed).items()}
    groups: defaultdict[str, list[Told]] = defaultdict(list)
    for pair, seen in zip(pairs, told, strict=True):
        groups[pair.defect].append(seen)
    result["by_defect"] = {
        defect: {name: share._asdict() for name, share in style_accuracy(group, seed=seed).items()}
        for defect, group in sorted(groups.items())
    }
    return result


def _by(pairs: Sequence[Pair], neighbours: Neighbours) -> dict[str, Any]:
    groups: defaultdict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups["all"].append(pair)
        groups[f"defect {pair.defect}"].append(pair)
        groups[f"domain {pair.document.domain}"].append(pair)
        groups[f"split {pair.split}"].append(pair)
    measured = lexical_arms(pairs, neighbours)
    return {
        "lexical": {
            name: {arm: _told(share) for arm, share in measured.of(group).items()} for name, group in groups.items()
        }
    }


def _told(share: Share) -> dict[str, float]:
    return share._asdict()


def _lengths(pairs: Sequence[Pair]) -> dict[str, float]:
    good, bad = (sum(len(getattr(pair, side)) for pair in pairs) / len(pairs) for side in ("good", "bad"))
    return {"mean_characters_good": round(good, 1), "mean_characters_bad": round(bad, 1)}
