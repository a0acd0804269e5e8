"""The journal: every model call, tool call, limit event and result of a run, in one crash-safe SQLite file.

    key = key_of("model", position, content)
    with Journal("run.journal") as journal:
        reply = journal.get(key, "model", position)
        if reply is None:
            reply = await journal.put(key, "model", position, await call())

A record is looked up by the hash of what was asked and where; so resuming after a crash, caching, sharing between
processes and replaying without a network are one mechanism, and a case that was judged costs one look-up. `put` returns
once the record is committed, and the first record of a key wins: of two processes that race for it, both go on with the
same value.

Records are JSON, never pickle, and nothing is stored but what is passed in. What it does not do: it forgets no call
until it is compacted, and it does not work on network file systems (SQLite's write-ahead log needs shared memory).
"""

from adjudge.journal.compaction import Sizes, compact
from adjudge.journal.encoding import Kind, key_of
from adjudge.journal.journal import Counts, Journal
from adjudge.journal.lock import only_writer

__all__ = ["Counts", "Journal", "Kind", "Sizes", "compact", "key_of", "only_writer"]
