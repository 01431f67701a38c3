"""What call learns from the error queue about what it sent: when a message left, its
number, TCP's statistics, and that the kernel no longer uses its pages.

Needs: jq
"""
import base64, socket, struct, time
from fdmsgjq import *

TX, SOFTWARE, ID, SCHED, ACK, TSONLY, STATS, CMSG = 2, 16, 128, 256, 512, 2048, 4096, 1024
ANY = ("127.0.0.1", 0)
stamp = '.type == "SCM_TIMESTAMPING" and .level == "SOL_SOCKET" and (.software | startswith($day))'
why = '.level == "IPPROTO_IP" and .type == "IP_RECVERR" and .ee_errno == "ENOMSG" and .ee_origin == "SO_EE_ORIGIN_TIMESTAMPING"'

def call(to, *args, **options):
    return fdmsg("call", "-t", "20", "-F", "MSG_ERRQUEUE", to, "-m", "hello", *args, **options)

day = time.strftime("%Y-%m-", time.gmtime())
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(ANY)
    to = "udp:127.0.0.1:%d" % server.getsockname()[1]
    # the packet comes back, with its headers
    out = good(call(to, "-o", f"SO_TIMESTAMPING={TX | SOFTWARE}"),
        f'.[0] | .flags == ["MSG_ERRQUEUE"] and (.control | length) == 2 and (.control[0] | {stamp}) and (.control[1] | {why} and .timestamp == "SCM_TSTAMP_SND")', day=day)
    line, = lines(out)
    packet = base64.b64decode(line["message_base64"]) if "message_base64" in line else line["message"].encode()
    assert packet.endswith(b"hello") and len(packet) == line["size"] == 14 + 20 + 8 + 5, line
    # only the stamp, with a name, for OPT_TSONLY; two of them; and with a number of our own
    good(call(to, "-o", f"SO_TIMESTAMPING={TX | SOFTWARE | TSONLY}"), f'.[0] | .size == 0 and .message == "" and (.control[0] | {stamp}) and (.control[1] | {why})', day=day)
    good(call(to, "-n", "2", "-o", f"SO_TIMESTAMPING={TX | SOFTWARE | TSONLY | SCHED}"), f'map(.control[1].timestamp) == ["SCM_TSTAMP_SCHED", "SCM_TSTAMP_SND"] and map(.control[1].ee_info) == [1, 0] and all(.[].control[0]; {stamp})', day=day)
    good(call(to, "-o", f"SO_TIMESTAMPING={TX | SOFTWARE | TSONLY | ID}", "-c", "SOL_SOCKET:SCM_TS_OPT_ID:u32=4711"), f'.[0] | .control[1] | {why} and .ee_data == 4711')
    # asked for by a control message of this one message alone
    good(call(to, "-o", f"SO_TIMESTAMPING={SOFTWARE | TSONLY}", "-c", f"SOL_SOCKET:SO_TIMESTAMPING:u32={TX}"), f'.[0] | (.control[0] | {stamp}) and (.control[1] | {why})', day=day)
    code, out, err = fdmsg("call", "-t", "0.1", "-F", "MSG_ERRQUEUE", to, "-m", "x", "-o", f"SO_TIMESTAMPING={SOFTWARE | TSONLY}")
    same((code, out), (124, ""))
    # the number of the message, counted by the kernel, on a socket that is already there
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(server.getsockname())
        sock.setsockopt(socket.SOL_SOCKET, 37, TX | SOFTWARE | TSONLY | ID)
        for number in range(3):
            good(fdmsg("call", "-t", "20", "-F", "MSG_ERRQUEUE", f"fd:{sock.fileno()}", "-m", "x", fds=[sock.fileno()]), f'.[0].control[1] | {why} and .ee_data == {number}')
    # the new layout
    good(call(to, "-o", f"SO_TIMESTAMPING_NEW={TX | SOFTWARE | TSONLY}"), '.[0].control[0] | .type == "SO_TIMESTAMPING_NEW" and (.software | startswith($day))', day=day)

# IPv6 has names of its own for the same.
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
    server.bind(("::1", 0))
    good(call("udp:[::1]:%d" % server.getsockname()[1], "-o", f"SO_TIMESTAMPING={TX | SOFTWARE | TSONLY}"),
        '.[0].control[1] | .level == "IPPROTO_IPV6" and .type == "IPV6_RECVERR" and .ee_origin == "SO_EE_ORIGIN_TIMESTAMPING" and .timestamp == "SCM_TSTAMP_SND"')

# TCP: sent, acknowledged, with statistics.
with socket.create_server(ANY) as listener:
    to = "tcp:127.0.0.1:%d" % listener.getsockname()[1]
    flags = TX | SOFTWARE | TSONLY | SCHED | ACK | STATS
    good(call(to, "-n", "3", "-o", f"SO_TIMESTAMPING={flags}"),
        f'''(map(.control[-1].timestamp) | sort) == ["SCM_TSTAMP_ACK", "SCM_TSTAMP_SCHED", "SCM_TSTAMP_SND"] and all(.[]; (.control | length) == 3 and (.control[0] | {stamp})
        and (.control[1] | .level == "SOL_SOCKET" and .type == "SCM_TIMESTAMPING_OPT_STATS" and (.stats | .data_segs_out == "1" and .bytes_sent == "5" and .total_retrans == "0" and .snd_cwnd > 0 and (.pacing_rate | type) == "string")))''', day=day)
    # MSG_ZEROCOPY: the kernel is done with message 0, which it had to copy, on loopback
    for options in ["-F", "send:MSG_ZEROCOPY", "-F", "recv:MSG_ERRQUEUE"], ["-F", "MSG_ZEROCOPY", "-F", "MSG_ERRQUEUE"]:
        good(fdmsg("call", "-t", "20", "-o", "SO_ZEROCOPY", *options, to, "-m", "hello"),
            '.[0] | .message == "" and .size == 0 and .flags == ["MSG_ERRQUEUE"] and (.control[0] | .type == "IP_RECVERR" and .ee_origin == "SO_EE_ORIGIN_ZEROCOPY" and .ee_errno == "0" and .ee_code == 1 and .ee_info == 0 and .ee_data == 0)')
