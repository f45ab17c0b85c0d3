#!/usr/bin/env python3
"""Prints one case of a results file as a Markdown table: table.py RESULTS CASE OURS TITLE

A line of the file is a timed run: case, round, program, wall seconds, CPU seconds, peak MiB, with tabs between.
A ratio is the median over the rounds of ours / theirs in the same round, so that a slow minute hits both.
"""

import sys
from collections import defaultdict
from statistics import median


def main(results, case, ours, title):
    rounds = defaultdict(dict)
    programs = []
    with open(results, encoding="utf-8") as lines:
        for line in lines:
            name, number, program, *figures = line.rstrip("\n").split("\t")
            if name == case:
                rounds[number][program] = [float(figure) for figure in figures]
                if program not in programs:
                    programs.append(program)
    programs.sort(key=lambda program: program != ours)
    print(f"\n{title}, {len(rounds)} round{'s' if len(rounds) > 1 else ''}\n")
    print("| | wall | ours / it | CPU | ours / it | peak |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for program in programs:
        pairs = [(round_[ours], round_[program]) for round_ in rounds.values() if {ours, program} <= round_.keys()]
        wall, cpu, peak = (median(theirs[column] for _, theirs in pairs) for column in range(3))
        ratio = [median(mine[column] / max(theirs[column], 0.01) for mine, theirs in pairs) for column in range(2)]
        print(f"| {program} | {wall:.2f} s | {ratio[0]:.2f} | {cpu:.2f} s | {ratio[1]:.2f} | {peak:.0f} MiB |")


main(*sys.argv[1:])
