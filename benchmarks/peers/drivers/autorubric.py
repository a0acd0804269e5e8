# mypy: ignore-errors
"""autorubric: `Rubric.grade` with one criterion, called side by side as its documentation does.

`--path runner` uses its `evaluate` over a data set instead, which also writes a checkpoint. Retries are its defaults: 3
attempts after 429, time-outs and broken connections, 1 to 60 seconds apart, on top of those of the client below it.
"""

import tempfile

from autorubric import LLMConfig, Rubric, RubricDataset
from autorubric.eval import evaluate
from autorubric.graders import CriterionGrader

from benchmarks.peers.drivers.harness import Answer, drive, side_by_side

CRITERIA = [{"name": "author", "weight": 1.0, "requirement": "Names the author of the novel and says how we know."}]


def answer(report):
    """A report's score, or the failure that it admits."""
    if report.score is None:
        return Answer(error=_kind(report.error), detail=str(report.error)[:300])
    return Answer(score=report.score)


def _kind(error):
    """`parse`, `infrastructure` or `unknown`, from "Every criterion's judgment failed: parse: ..."."""
    found = [name for name in ("infrastructure", "parse", "unknown") if f"{name}:" in str(error)]
    return found[0] if found else "unscored"


def prepare(options):
    """The judge of many tasks."""
    config = LLMConfig(model="openai/mock", api_base=options.base_url, api_key="x")
    grader, rubric = CriterionGrader(judge_model_config=config), Rubric.from_dict(CRITERIA)

    async def one(task):
        return answer(await rubric.grade(to_grade=task.both, grader=grader, query=task.question))

    async def many(work):
        with tempfile.TemporaryDirectory() as folder:
            data = RubricDataset(prompt=None, rubric=rubric, name="peers")
            for task in work:
                data.add_item(submission=task.both, description=task.id, prompt=task.question)
            limits = {"max_concurrent_items": options.in_flight, "show_progress": False, "experiments_dir": folder}
            result = await evaluate(data, grader, **limits)
        return [answer(item.report) for item in sorted(result.item_results, key=lambda item: item.item_idx)]

    return many if options.path == "runner" else side_by_side(one, options.in_flight)


if __name__ == "__main__":
    drive("autorubric", prepare, lambda p: p.add_argument("--path", choices=("grade", "runner"), default="grade"))
