"""When the time of --drain is over and nothing is unread, nothing is reported as lost."""
from serving import *

for scheme in KINDS:
    process, _ = serve("listen", "-t", "25", "--drain", "0", f"{scheme}:./s")
    process.terminate()
    same(finish(process), (0, [], ""))
