"""The smallest test runner that serves: titled checks, run in the order written, one line each. A check that returns text
gives it figures to its line.

    from checks import check, main

    @check("a record comes back as it was sent")
    def _():
        assert consume() == produce()

    main()
"""
import asyncio
import inspect
import os
import sys
import time
import traceback

_checks = []


def check(title):
    def register(body):
        _checks.append((title, body))
        return body
    return register


def eventually(condition, what, seconds=30.0, pause=0.1):
    """Polls until `condition()` is true and returns its value; fails naming `what` when it never is."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(pause)


def holds(condition, what, seconds, pause=0.1):
    """Fails naming `what` unless `condition()` is true all the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), what
        time.sleep(pause)


def equal(found, wanted, what="value"):
    assert found == wanted, f"{what} is {found!r}, not {wanted!r}"


def run_all() -> int:
    """Runs all checks, or those whose title contains $ONLY; how many failed."""
    failed = 0
    only = os.environ.get("ONLY", "")
    for title, body in _checks:
        if only not in title:
            continue
        began = time.monotonic()
        try:
            outcome = body()
            if inspect.iscoroutine(outcome):
                outcome = asyncio.run(outcome)
        except Exception as error:  # every failure of a client is a finding, whatever its type
            failed += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            print(f"not ok - {title}: {type(error).__name__}: {error} ({os.path.basename(where.filename)}:{where.lineno})")
            if os.environ.get("VERBOSE"):
                traceback.print_exc()
        else:
            figures = f": {outcome}" if isinstance(outcome, str) else ""
            print(f"ok - {title}{figures} ({time.monotonic() - began:.1f} s)")
        sys.stdout.flush()
    return failed


def end(failed: int):
    """Ends the process; 1 when something failed."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1 if failed else 0)  # clients leave threads behind that would hold a normal exit


def main():
    end(run_all())
