"""What one would write in Python instead of fdmsg open: open.py FILE prints a line
with what is in it, as text where it is UTF-8, else in base64."""

import base64
import json
import sys

with open(sys.argv[1], "rb") as f:
    data = f.read()
line = {"type": "opened", "seq": 1, "fds": [{"path": sys.argv[1]}]}
try:
    line["fds"][0]["content"] = data.decode()
except UnicodeDecodeError:
    line["fds"][0]["content_base64"] = base64.b64encode(data).decode()
line["fds"][0]["content_size"] = len(data)
print(json.dumps(line))
