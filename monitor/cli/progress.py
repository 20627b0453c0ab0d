"""A progress bar for people: on a terminal, and not a byte of it anywhere else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_REFRESHES_A_SECOND = 10


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how far a file has been read; give the function to tell it, in bytes from the start.

    Telling costs next to nothing, so it may be done for every line: the bar looks at it when it
    is drawn. Without a total it only shows that something goes on.
    """
    done = 0

    def at(position: int) -> None:
        nonlocal done
        done = position

    if not sys.stderr.isatty():
        yield at
        return

    from rich import progress as bars  # noqa: PLC0415 - slow to import, and for terminals only
    from rich.console import Console, RenderableType  # noqa: PLC0415

    class Bar(bars.Progress):
        def get_renderable(self) -> RenderableType:
            if self.task_ids:
                self.tasks[0].completed = done
            return super().get_renderable()

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
        bars.TimeElapsedColumn(),
    )
    with Bar(
        *columns,
        console=Console(stderr=True),
        refresh_per_second=_REFRESHES_A_SECOND,
        transient=True,
    ) as bar:
        bar.add_task(label, total=total)
        yield at
