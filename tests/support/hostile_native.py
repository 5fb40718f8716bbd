"""Tries to get out of the sandbox. Prints what came of each attempt as JSON: "denied: why", or what it got.

The arguments are JSON: secret (a file outside), writable (a folder inside), pid (of the server outside),
port (where the server outside listens), lan (its address on the network), socket and abstract (Unix sockets outside).
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys

# Outside it would do harm.
assert socket.gethostname() == "sandbox", "run it in the sandbox only"
told = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
results = {}


def attempt(name):
    def run(action):
        try:
            results[name] = "GOT IT: %r" % (action(),)
        except Exception as error:
            results[name] = "denied: %s: %s" % (type(error).__name__, error)

    return run


def call(result):
    """What a call of the C library answers, or its error."""
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def connect(family, kind, address, send=None):
    with socket.socket(family, kind) as one:
        one.settimeout(3)
        one.connect(address)
        if send is not None:
            one.send(send)
            return one.recv(100)
        return "connected"


@attempt("a file by its path")
def _():
    return open(told["secret"]).read()


@attempt("a file by a relative path")
def _():
    return open("../../../../../.." + told["secret"]).read()


@attempt("a file by a symbolic link")
def _():
    os.symlink(told["secret"], "/tmp/link")
    return open("/tmp/link").read()


@attempt("a file by a symbolic link in the writable folder")
def _():
    os.symlink(told["secret"], told["writable"] + "/link")
    return open(told["writable"] + "/link").read()


@attempt("a file by a hard link")
def _():
    os.link(told["secret"], told["writable"] + "/hard")
    return open(told["writable"] + "/hard").read()


@attempt("a file beside the writable folder")
def _():
    return open(told["writable"] + "/../secret.txt").read()


@attempt("a file by the root of the first process")
def _():
    return open("/proc/1/root" + told["secret"]).read()


@attempt("a file by the folder of the first process")
def _():
    return open("/proc/1/cwd" + told["secret"]).read()


@attempt("a file by the process folder of the server")
def _():
    return open("/proc/%d/root%s" % (told["pid"], told["secret"])).read()


@attempt("a file by its handle")
def _():
    handle = ctypes.create_string_buffer(b"\x08\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00", 64)
    root = os.open("/usr", os.O_RDONLY)
    return call(libc.open_by_handle_at(root, handle, os.O_RDONLY))


@attempt("the users and their passwords")
def _():
    return open("/etc/shadow").read()


@attempt("the people of the machine")
def _():
    people = [line for line in open("/etc/passwd") if not line.startswith("nobody:")]
    assert people, "nobody else is there"
    return people


@attempt("writing to the system")
def _():
    return open("/usr/bin/hostile", "w").write("x")


@attempt("writing to the root")
def _():
    return open("/hostile", "w").write("x")


@attempt("writing to the devices")
def _():
    return open("/dev/hostile", "w").write("x")


@attempt("the disk as a device")
def _():
    os.mknod("/tmp/disk", 0o600 | 0o060000, os.makedev(254, 0))
    return open("/tmp/disk", "rb").read(1)


@attempt("a setting of the kernel")
def _():
    return open("/proc/sys/kernel/core_pattern", "w").write("|/tmp/x")


@attempt("the kernel's emergency key")
def _():
    return open("/proc/sysrq-trigger", "w")


@attempt("mounting")
def _():
    return call(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))


@attempt("unmounting what hides")
def _():
    return call(libc.umount2(b"/tmp", 2))


@attempt("making the system writable")
def _():
    return call(libc.mount(b"none", b"/usr", None, 32 | 4096, None))


@attempt("another root")
def _():
    return os.chroot("/proc/1/root")


@attempt("a namespace with all rights")
def _():
    return call(libc.unshare(0x10000000))


@attempt("becoming root")
def _():
    return os.setuid(0)


@attempt("loading a module of the kernel")
def _():
    return call(libc.syscall(175, b"x", 1, b""))


@attempt("the keys of who started it")
def _():
    buffer = ctypes.create_string_buffer(100)
    return call(libc.syscall(250, 11, call(libc.syscall(250, 10, -3, b"user", b"muxi-test", 0)), buffer, 100))


@attempt("an address of this machine")
def _():
    return connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", told["port"]))


@attempt("an address of the network")
def _():
    return connect(socket.AF_INET, socket.SOCK_STREAM, (told["lan"], told["port"]))


@attempt("an address of the internet")
def _():
    return connect(socket.AF_INET, socket.SOCK_STREAM, ("1.1.1.1", 443))


@attempt("an address of IPv6")
def _():
    return connect(socket.AF_INET6, socket.SOCK_STREAM, ("::1", told["port"]))


@attempt("the machine's metadata")
def _():
    return connect(socket.AF_INET, socket.SOCK_STREAM, ("169.254.169.254", 80))


@attempt("a name")
def _():
    return connect(socket.AF_INET, socket.SOCK_STREAM, ("example.com", 80))


@attempt("a question to a name server")
def _():
    question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"
    return connect(socket.AF_INET, socket.SOCK_DGRAM, ("8.8.8.8", 53), question)


@attempt("a raw socket")
def _():
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


@attempt("a packet socket")
def _():
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300)


@attempt("a Unix socket by its path")
def _():
    return connect(socket.AF_UNIX, socket.SOCK_STREAM, told["socket"])


@attempt("an abstract Unix socket")
def _():
    return connect(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + told["abstract"])


@attempt("the socket of the container engine")
def _():
    return connect(socket.AF_UNIX, socket.SOCK_STREAM, "/var/run/docker.sock")


@attempt("the environment of the server")
def _():
    found = [name for name in os.environ if "SECRET" in name]
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            found += [pid] if b"SECRET" in open("/proc/%s/environ" % pid, "rb").read() else []
    assert found, "there is nothing of it"
    return found


@attempt("the processes of the machine")
def _():
    assert os.path.exists("/proc/%d/cmdline" % told["pid"]), "the server is not there"
    return open("/proc/%d/cmdline" % told["pid"]).read()


@attempt("ending the server")
def _():
    return os.kill(told["pid"], signal.SIGTERM)


@attempt("looking into the server")
def _():
    return call(libc.ptrace(16, told["pid"], None, None))


@attempt("a program with more rights")
def _():
    done = subprocess.run(["/usr/bin/su", "-c", "id -u"], capture_output=True, stdin=subprocess.DEVNULL, timeout=5)
    assert done.returncode == 0, done.stderr
    return done.stdout


@attempt("typing on the terminal")
def _():
    return open("/dev/tty", "w")


@attempt("the core pattern by a crash")
def _():
    import resource

    limit = resource.getrlimit(resource.RLIMIT_CORE)
    assert limit != (0, 0), "no core is written"
    return limit


@attempt("reaching anyone by a signal")
def _():
    return os.kill(-1, 0)


print(json.dumps(results))
