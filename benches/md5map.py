#!/usr/bin/env python3
"""Prints the Content-MD5 of files as a map for nginx: md5map.py FOLDER, with paths below it on standard input"""

import hashlib
import sys
from base64 import b64encode
from pathlib import Path

for line in sys.stdin:
    path = line.rstrip("\n")
    with open(Path(sys.argv[1], path), "rb") as file:
        digest = hashlib.file_digest(file, "md5").digest()
    print(f'"/{path}" "{b64encode(digest).decode()}";')
