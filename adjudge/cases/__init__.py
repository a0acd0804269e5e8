"""Cases from files and streams: YAML, JSON, JSON lines and CSV.

    for case in read_cases("cases.jsonl", on_error=print):
        ...

A row that is no case costs only itself: `on_error` gets a `CaseError` with file, line and key, and the rest goes on.
Without `on_error` it is raised. JSON lines and CSV are read row by row (only the ids are remembered, on disk); YAML and
JSON are read whole. Field names are never guessed: `question` is an error whose hint names `prompt`. Rows are data, so
`${…}` in them stays as it is. `read_trajectories` reads what other agents did.
"""

from adjudge.cases.reader import read_cases
from adjudge.cases.seen import Seen
from adjudge.cases.source import FORMATS, Format, Source
from adjudge.cases.trajectories import case_of_messages, read_trajectories

__all__ = ["FORMATS", "Format", "Seen", "Source", "case_of_messages", "read_cases", "read_trajectories"]
