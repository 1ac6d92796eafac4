import threading
import uuid

import pytest

from studio import ids
from studio.ids import uuid7


def test_identifiers_are_version_seven() -> None:
    made = uuid7()
    assert (made.version, made.variant) == (7, uuid.RFC_4122)


def test_identifiers_grow_however_fast_they_are_made() -> None:
    made = [uuid7() for _ in range(5000)]
    assert made == sorted(set(made))


def test_identifiers_grow_while_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = uuid7()
    monkeypatch.setattr(ids.time, "time_ns", lambda: 0)
    assert before < uuid7() < uuid7()


def test_threads_never_share_an_identifier() -> None:
    made: list[uuid.UUID] = []
    threads = [threading.Thread(target=lambda: made.extend(uuid7() for _ in range(500))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 2000
