"""The OpenAPI page says what the server does: requests made from it get the replies that it promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from adjudge.serving import serving_app
from adjudge.serving.routes import JUDGING
from tests.serving.served import PAIR, Running, direct, rubric, running

jsonschema = pytest.importorskip("jsonschema")

MOST = 25  # requests made for each operation


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(rubric(), direct(), queue=1000) as found:
        yield found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of schemathesis's own
@pytest.mark.parametrize(
    ("method", "path", "valid"),
    [
        *(("POST", path, valid) for path in JUDGING for valid in (True, False)),
        *(("GET", path, True) for path in ("/v1/graphs", "/healthz", "/metrics", "/")),  # nothing to get wrong
    ],
)
def test_requests_made_from_the_page_get_what_it_promises(method: str, path: str, valid: bool, server: Running) -> None:
    """Statuses, content types and bodies, for requests that fit the schema and for others; and never a 500.

    Not checked: that whatever fits the schema is accepted (a schema cannot say how many responses a graph takes), and
    that whatever does not is refused (a bad case in a list of cases is a result).
    """
    schemathesis = pytest.importorskip("schemathesis")
    checks = pytest.importorskip("schemathesis.specs.openapi.checks")
    schema = schemathesis.openapi.from_dict(serving_app([rubric(), direct()]).openapi())
    modes = schemathesis.GenerationMode
    strategy = schema[path][method].as_strategy(generation_mode=modes.POSITIVE if valid else modes.NEGATIVE)

    @settings(max_examples=MOST, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def meets(case: Any) -> None:
        left_out = [checks.negative_data_rejection, checks.positive_data_acceptance]
        case.call_and_validate(base_url=server.url, excluded_checks=left_out)

    meets()


def test_results_are_as_the_page_says() -> None:
    page = serving_app([direct()]).openapi()
    asked = (
        ("/v1/judgements", {"case": PAIR}),
        ("/v1/judgements", {"cases": [PAIR, 3]}),
        ("/v1/rank", {"case": PAIR}),
    )
    with running(direct()) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        for path, body in asked:
            promised = page["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
            whole = {**promised, "components": page["components"]}
            jsonschema.validate(client.post(path, json=body).json(), whole)
