"""`make bench`: every figure that the documentation quotes, measured anew; a whole run replaces the table of docs/benchmarks.md.

make bench ARGS="--only process --rounds 3"      some parts
make bench ARGS="--scale 0.01 --rounds 1 --wait 0"      all parts at a small scale, to check that they work
"""

import argparse
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from measure import HERE, Bench, Figure, describe_machine
from parts import PARTS

REPORT = HERE.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3, help="number of times each side runs, in turn")
    options.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS), help="parts to run; all by default")
    options.add_argument("--scale", type=float, default=1.0, help="multiplies numbers of rows and days")
    options.add_argument("--wait", type=float, default=600, help="seconds to wait for an idle machine, before each round")
    options.add_argument("--folder", type=Path, help="where to work; by default a temporary folder")
    chosen = options.parse_args()
    figures, failed = list[Figure](), list[str]()
    loads = [os.getloadavg()[0]]
    started = datetime.now(UTC)
    for name in chosen.only:
        print(f"{name} …", file=sys.stderr, flush=True)
        folder = Path(tempfile.mkdtemp(dir=chosen.folder, prefix=f"bench-{name}-"))
        try:
            found = PARTS[name](Bench(folder, chosen.rounds, chosen.scale, chosen.wait))
        except Exception:
            # Do not lose an hour of other parts with it.
            traceback.print_exc()
            failed.append(name)
            continue
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        loads.append(os.getloadavg()[0])
        figures += found
        print("\n".join(map(str, found)), flush=True)
    measured = (
        f"Measured on {started:%Y-%m-%d} by `make bench`, {chosen.rounds} rounds, on {describe_machine()}.\n"
        f"Load of the last minute before and after the parts: {min(loads):.1f} to {max(loads):.1f}.\n"
    )
    print(measured)
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")
    if list(chosen.only) == list(PARTS) and chosen.scale == 1:
        replace_table(REPORT, measured, figures)


def replace_table(page: Path, measured: str, figures: Iterable[Figure]) -> None:
    """Replace the text between the marks of a page; all other text is written by hand and stays."""
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    head = "| what | took | ratio | wanted |\n| --- | --- | --- | --- |\n"
    table = "".join(f"{figure}\n" for figure in figures)
    page.write_text(f"{before}{BEGIN}\n{measured}\n{head}{table}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
