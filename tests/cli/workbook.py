"""Prints the sheets of a workbook as JSON: names, rows, links, and what openpyxl takes the cells for."""

import json
import sys

import openpyxl


def cell(one):
    link = one.hyperlink
    value = one.value if isinstance(one.value, (int, float, str, type(None))) else str(one.value)
    return {"value": value, "type": type(one.value).__name__, "link": link and link.target}


def sheet(one):
    cells = [c for row in one.iter_rows() for c in row]
    return {
        "name": one.title,
        "freeze": one.freeze_panes,
        "filter": one.auto_filter.ref,
        "formulas": sum(c.data_type == "f" for c in cells),
        "rows": [[cell(c) for c in row] for row in one.iter_rows()],
    }


json.dump([sheet(one) for one in openpyxl.load_workbook(sys.argv[1])], sys.stdout)
