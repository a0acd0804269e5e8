# mypy: ignore-errors
"""py-openjudge: `GradingRunner(max_concurrency=C)` over its relevance grader, as its documentation batches.

`--path grader` calls the grader's `aevaluate` side by side instead, without the runner's copy of the grader for each
case. Retries are the default of its OpenAI client: 2, and it asks again for nothing else.
"""

from openjudge.graders.common.relevance import RelevanceGrader
from openjudge.graders.schema import GraderError
from openjudge.models.openai_chat_model import OpenAIChatModel
from openjudge.runner.grading_runner import GradingRunner

from benchmarks.peers.drivers.harness import Answer, drive, side_by_side


def answer(result):
    """A grader's result."""
    if isinstance(result, GraderError):
        return Answer(error="GraderError", detail=result.error[:300])
    return Answer(score=result.score)


def prepare(options):
    """The judge of many tasks."""
    grader = RelevanceGrader(model=OpenAIChatModel(model="mock", base_url=options.base_url, api_key="x"))

    async def one(task):
        return answer(await grader.aevaluate(query=task.question, response=task.both))

    async def many(work):
        runner = GradingRunner({"relevance": grader}, max_concurrency=options.in_flight, show_progress=False)
        results = await runner.arun([{"query": task.question, "response": task.both} for task in work])
        return [answer(result) for result in results["relevance"]]

    return side_by_side(one, options.in_flight) if options.path == "grader" else many


if __name__ == "__main__":
    drive("py-openjudge", prepare, lambda p: p.add_argument("--path", choices=("runner", "grader"), default="runner"))
