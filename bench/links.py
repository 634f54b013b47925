"""What the link rules cost on a city: seconds of the processor and links found, rule by rule.

python bench/links.py CITY
"""

from __future__ import annotations

import sys
import time

from stadtgraph import City
from stadtgraph.links import Selections, find


def main(folder: str) -> None:
    """Run every rule over the current release of the city in ``folder``; selections are shared as in a release."""
    with City(folder) as city:
        select = Selections(city.engine())
        whole = time.process_time()
        for rule in city.link_rules:
            begun = time.process_time()
            links = find(rule, select)
            print(f"{rule.name:<26} {len(links):>7} links {time.process_time() - begun:>7.2f} s")
        print(f"{'all rules':<26} {'':>13} {time.process_time() - whole:>7.2f} s")


if __name__ == "__main__":
    main(sys.argv[1])
