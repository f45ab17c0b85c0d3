#!/usr/bin/env python3
"""A row of the table of paces: pace.py METER set RATE, or pace.py METER found GRANTED SECONDS_TO_SKIP

METER is what the sandbox's /sandbox/meter answered: requests that were served and refused, second by second.
"""

import json
import sys


def main(meter, kind, rate, skipped="1"):
    with open(meter, encoding="utf-8") as text:
        told = json.load(text)
    rate = int(rate)
    # The last second is not a whole one.
    seconds = [served for served, _ in told["seconds"][int(skipped) : -1]]
    used = sum(seconds) / max(len(seconds), 1) / rate
    refused = told["refused"] / max(told["served"] + told["refused"], 1)
    if kind == "set":
        name, allowed = f"a rate of {rate}", rate + max(rate // 4, 1)
    else:
        name, allowed = f"{rate} a second are granted, nobody says so", ""
    print(f"| {name} | {used:.1%} | {told['worst_second']} | {allowed} | {refused:.2%} |")


main(*sys.argv[1:])
