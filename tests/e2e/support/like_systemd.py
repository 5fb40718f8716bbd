"""Runs a command under what a unit of systemd restricts, as far as that can be had without systemd.

Usage, as root: like_systemd.py UNIT UID COMMAND [ARGUMENT...]

Done: mounts (ProtectSystem, ProtectProc, ProtectKernelTunables, ProtectKernelLogs, PrivateDevices, PrivateTmp), the
user namespace (PrivateUsers), no capabilities, no new privileges, and the filter of system calls (SystemCallFilter,
RestrictNamespaces, ProtectHostname). Not done: control groups, and the other filters.
"""
import ctypes, os, subprocess, sys

NAMESPACES = {"cgroup": 0x02000000, "ipc": 0x08000000, "net": 0x40000000, "mnt": 0x00020000,
              "pid": 0x20000000, "user": 0x10000000, "uts": 0x04000000}
EPERM, ENOSYS, ALLOW = 0x00050001, 0x00050000 | 38, 0x7FFF0000
libc = ctypes.CDLL(None, use_errno=True)
seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def read_unit(path):
    unit = {}
    for line in open(path):
        name, sign, value = line.strip().partition("=")
        if sign and not line.startswith("#"):
            unit.setdefault(name, []).append(value)
    return unit


def is_on(unit, name):
    return unit.get(name, ["no"])[-1] in ("yes", "strict", "full", "invisible")


def run(*command):
    subprocess.run(command, check=True)


def members(name):
    """The calls of a set such as @system-service, and of the sets in it."""
    if not name.startswith("@"):
        return {name}
    text = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True).stdout
    words = [line.strip() for line in text.splitlines()[1:] if line.startswith("    ") and "#" not in line]
    return set().union(*(members(word) for word in words))


def mount_all(unit):
    run("mount", "--make-rprivate", "/")
    if is_on(unit, "PrivateDevices"):
        run("mount", "-t", "tmpfs", "-o", "mode=755,nosuid,noexec", "tmpfs", "/mnt")
        for node in ("null", "zero", "full", "random", "urandom", "tty"):
            info = os.stat(f"/dev/{node}")
            os.mknod(f"/mnt/{node}", info.st_mode, info.st_rdev)
            os.chmod(f"/mnt/{node}", 0o666)
        for folder in ("pts", "shm"):
            os.mkdir(f"/mnt/{folder}")
            run("mount", "--bind", f"/dev/{folder}", f"/mnt/{folder}")
        os.symlink("pts/ptmx", "/mnt/ptmx")
        run("mount", "--move", "/mnt", "/dev")
    hide = "invisible" if is_on(unit, "ProtectProc") else "off"
    run("mount", "-t", "proc", "-o", f"nosuid,noexec,nodev,hidepid={hide}", "proc", "/proc")
    if is_on(unit, "ProtectKernelTunables"):
        for path in ("/proc/sys", "/proc/irq", "/proc/fs"):
            if os.path.exists(path):
                run("mount", "--bind", path, path)
                run("mount", "-o", "remount,bind,ro", path)
    if is_on(unit, "ProtectKernelLogs"):
        run("mount", "--bind", "/dev/null", "/proc/kmsg")
    if is_on(unit, "PrivateTmp"):
        run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/tmp")


def read_only():
    for line in reversed(open("/proc/self/mountinfo").readlines()):
        at = line.split()[4]
        if not any(at == free or at.startswith(f"{free}/") for free in ("/tmp", "/dev", "/proc", "/sys")):
            subprocess.run(["mount", "-o", "remount,bind,ro", at], stderr=subprocess.DEVNULL)


def user_namespace(uid):
    """With this user and root in it, as PrivateUsers has it; another process has to write that."""
    ready, done = os.pipe(), os.pipe()
    me = os.getpid()
    if os.fork() == 0:
        os.read(ready[0], 1)
        for kind in ("uid", "gid"):
            open(f"/proc/{me}/{kind}_map", "w").write(f"0 0 1\n{uid} {uid} 1\n")
        os.write(done[1], b"x")
        os._exit(0)
    if libc.unshare(NAMESPACES["user"]) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    os.write(ready[1], b"x")
    os.read(done[0], 1)
    os.wait()


def filter_calls(unit):
    allowed = set()
    for line in unit.get("SystemCallFilter", []):
        names = set().union(*(members(word) for word in line.removeprefix("~").split()))
        allowed = allowed - names if line.startswith("~") else allowed | names
    if is_on(unit, "ProtectHostname"):
        allowed -= {"sethostname", "setdomainname"}
    kept = unit.get("RestrictNamespaces", ["no"])[-1]
    refused = 0
    if kept != "no":
        named = set() if kept == "yes" else set(kept.split())
        refused = sum(flag for name, flag in NAMESPACES.items() if name not in named)
    context = ctypes.c_void_p(seccomp.seccomp_init(EPERM))
    def rule(action, call, *compare):
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            code = seccomp.seccomp_rule_add_array(context, action, number, len(compare), (Compare * len(compare))(*compare))
            assert code == 0, (call, code)
    # Who isn't filtered by its flags is told that there is no such call.
    rule(ENOSYS, "clone3")
    for call in sorted(allowed - {"clone", "unshare", "setns", "clone3"}):
        rule(ALLOW, call)
    for call in ("clone", "unshare"):
        rule(ALLOW, call, Compare(0, 7, refused, 0)) if call in allowed else None
    if "setns" in allowed:
        rule(ALLOW, "setns")
    assert seccomp.seccomp_load(context) == 0


def main():
    unit, uid, command = read_unit(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    os.environ["PATH"] = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    if libc.unshare(NAMESPACES["mnt"]) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    mount_all(unit)
    if is_on(unit, "ProtectSystem"):
        read_only()
    # The sets are read while it can still be done.
    cached = {word: members(word) for line in unit.get("SystemCallFilter", []) for word in line.removeprefix("~").split()}
    globals()["members"] = cached.__getitem__
    if is_on(unit, "PrivateUsers"):
        user_namespace(uid)
    os.setgroups([]) if not is_on(unit, "PrivateUsers") else None
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if is_on(unit, "NoNewPrivileges"):
        libc.prctl(38, 1, 0, 0, 0)
    filter_calls(unit)
    os.chdir("/tmp")
    os.execvp(command[0], command)


main()
