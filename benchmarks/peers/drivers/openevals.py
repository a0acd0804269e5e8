# mypy: ignore-errors
"""openevals: `create_async_llm_as_judge` with its correctness prompt, called side by side (it has no runner).

The judge is `ChatOpenAI`, as its documentation has it, or with `--path client` a plain `AsyncOpenAI`, which it also
takes. Retries are the default of both: 2, and it asks again for nothing else.
"""

from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI
from openevals.llm import create_async_llm_as_judge
from openevals.prompts import CORRECTNESS_PROMPT

from benchmarks.peers.drivers.harness import Answer, drive, side_by_side


def prepare(options):
    """The judge of many tasks."""
    if options.path == "client":
        judge = {"judge": AsyncOpenAI(base_url=options.base_url, api_key="x"), "model": "mock"}
    else:
        judge = {"judge": ChatOpenAI(model="mock", base_url=options.base_url, api_key="x")}
    evaluate = create_async_llm_as_judge(prompt=CORRECTNESS_PROMPT, **judge)

    async def one(task):
        result = await evaluate(inputs=task.question, outputs=task.both, reference_outputs="George Eliot")
        return Answer(score=result["score"])

    return side_by_side(one, options.in_flight)


if __name__ == "__main__":
    drive(
        "openevals", prepare, lambda p: p.add_argument("--path", choices=("langchain", "client"), default="langchain")
    )
