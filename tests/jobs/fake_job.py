"""A job that does nothing: ``fake_job.py FOLDER TICKET PLACES MEMORY SECONDS`` waits for its place, holds it, goes.

It loads the queue by its path, without the rest of the product, so that it starts in a moment; it writes a line for
what happens into ``events.txt`` beside the queue's folder. With negative SECONDS it holds its place until it is killed.
"""

import importlib.util
import json
import sys
import time
from pathlib import Path

QUEUE = Path(__file__).resolve().parents[2] / "core" / "jobs" / "queue.py"


def main() -> None:
    """Command line."""
    spec = importlib.util.spec_from_file_location("queue_of_jobs", QUEUE)
    assert spec is not None
    assert spec.loader is not None
    queue = sys.modules["queue_of_jobs"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(queue)
    folder, asked, seconds = Path(sys.argv[1]), json.loads(sys.argv[2]), float(sys.argv[5])
    ticket = queue.Ticket(**{**asked, "order": tuple(asked["order"])})

    def say(what: str) -> None:
        with (folder.parent / "events.txt").open("a") as file:
            file.write(f"{what}\t{ticket.run}\n")

    said = set()

    def waiting(why: str) -> None:
        if why not in said:
            say(f"waits: {why}")
        said.add(why)

    queue.PAUSE = 0.05
    with queue.place(folder, ticket, queue.Limits(int(sys.argv[3]), int(sys.argv[4])), waiting):
        say("begins")
        while seconds < 0:
            time.sleep(1)
        time.sleep(seconds)
        say("ends")


if __name__ == "__main__":
    main()
