"""All that the server holds."""

from __future__ import annotations

from collections.abc import Sequence

from adjudge.errors import ConfigError
from adjudge.judge import Judge
from adjudge.serving.gate import Gate
from adjudge.serving.jobs import Jobs
from adjudge.serving.judging import Served
from adjudge.serving.metrics import Metrics
from adjudge.serving.refusals import Refused
from adjudge.serving.settings import Settings


class Serving:
    """The judges that are served, and what they share.

    Args:
        judges: Each is asked for by the name of its graph.
        settings: What the server allows.

    Raises:
        ConfigError: There is no judge, two have the same name, or one may read images from files.
    """

    def __init__(self, judges: Sequence[Judge], settings: Settings) -> None:
        self.settings = settings
        self.gate = Gate(settings.concurrency, settings.queue)
        self.jobs = Jobs(self.gate)
        self.metrics = Metrics(self.gate)
        self.judges: dict[str, Served] = {}
        for judge in judges:
            self._add(judge)
        if not self.judges:
            raise ConfigError("a server needs at least one judge", key="--graph")

    def _add(self, judge: Judge) -> None:
        name = judge.spec.name
        if name in self.judges:
            raise ConfigError("two judges have the same name", found=name, hint="rename one in its file")
        if judge.images is not None:
            raise ConfigError(f"the judge {name!r} may read images from a folder, which no request may name")
        self.judges[name] = Served(
            judge, self.jobs, self.metrics, patience=self.settings.patience, at_once=self.settings.concurrency
        )

    def judge(self, name: str | None) -> Served:
        """The judge of this name; the only one where none is named.

        Raises:
            Refused: There is none, or several to choose from.
        """
        if name is None and len(self.judges) == 1:
            return next(iter(self.judges.values()))
        if name is None:
            problem = "several graphs are served, so one has to be named"
            raise Refused(422, "invalid", problem, key="graph", allowed=self.judges)
        if name not in self.judges:
            problem = "no graph of this name is served; names are those of /v1/graphs, never files"
            raise Refused(422, "invalid", problem, key="graph", allowed=self.judges)
        return self.judges[name]

    def check_count(self, rows: Sequence[object]) -> None:
        """Refuse a request with too many cases.

        Raises:
            Refused: It has.
        """
        if len(rows) > self.settings.max_cases:
            problem = f"a request may have {self.settings.max_cases:,} cases, this has {len(rows):,}"
            raise Refused(413, "too_large", problem, hint="send several requests")

    async def aclose(self) -> None:
        """Cancel what is in progress and close the judges."""
        self.jobs.stop()
        for served in self.judges.values():
            await served.judge.aclose()
