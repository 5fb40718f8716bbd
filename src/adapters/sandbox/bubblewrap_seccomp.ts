/**
 * The filter for system calls: what namespaces don't divide, as a program for the kernel (seccomp).
 *
 * @module
 */

type Machine = typeof Deno.build.arch;

/** Who asks, by the kernel's names (`AUDIT_ARCH_…`). */
const ARCHITECTURE: Record<Machine, number> = { x86_64: 0xc000003e, aarch64: 0xc00000b7 };

/** Calls that seem not to exist inside, with their numbers by machine. */
const MISSING: Record<string, readonly [x86_64: number, aarch64: number]> = {
  // Keys of whoever started us stay with us across every namespace.
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  // Memory that belongs to no process, so that no ceiling would count it.
  memfd_create: [319, 279],
  memfd_secret: [447, 447],
  shmget: [29, 194],
  msgget: [68, 186],
  // The kernel's own messages.
  syslog: [103, 116],
  // The parts of the kernel that break most often, and that tool servers don't need.
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
};
const SOCKET: readonly [number, number] = [41, 198];
/** Unix, IPv4, IPv6, netlink. Others leave the network namespace, such as that to a virtual machine's host. */
const FAMILIES = [1, 2, 10, 16];

/** Instructions of the kernel's filter machine. */
const LOAD = 0x20;
const IF_EQUAL = 0x15;
const IF_AT_LEAST = 0x35;
const RETURN = 0x06;
/** Where it finds the call's number, its architecture, the lower half of its first argument. */
const NUMBER = 0;
const CALLER = 4;
const ARGUMENT = 16;
const ALLOW = 0x7fff0000;
const ENOSYS = 0x00050000 + 38;
const EAFNOSUPPORT = 0x00050000 + 97;
/** Numbers from here on are another way into the same kernel (x32). */
const OTHER_NUMBERS = 0x40000000;

/** A step: the instruction, its value, and for a comparison where it leads when true. */
interface Step {
  code: number;
  value: number;
  then?: "missing" | "socket" | "allow";
}

/** The filter, as bubblewrap reads it. */
export function seccompFilter(machine: Machine): Uint8Array<ArrayBuffer> {
  const at = machine === "x86_64" ? 0 : 1;
  const steps: Step[] = [
    { code: LOAD, value: NUMBER },
    { code: IF_AT_LEAST, value: OTHER_NUMBERS, then: "missing" },
    ...Object.values(MISSING).map((numbers): Step => ({ code: IF_EQUAL, value: numbers[at], then: "missing" })),
    { code: IF_EQUAL, value: SOCKET[at], then: "socket" },
    { code: RETURN, value: ALLOW },
  ];
  const families: Step[] = [
    { code: LOAD, value: ARGUMENT },
    ...FAMILIES.map((value): Step => ({ code: IF_EQUAL, value, then: "allow" })),
    { code: RETURN, value: EAFNOSUPPORT },
  ];
  const ends: Step[] = [{ code: RETURN, value: ALLOW }, { code: RETURN, value: ENOSYS }];
  // Programs for another machine's kernel interface have other numbers: they get nothing.
  const first: Step[] = [{ code: LOAD, value: CALLER }, { code: IF_EQUAL, value: ARCHITECTURE[machine] }];
  const all = [...first, { code: RETURN, value: ENOSYS }, ...steps, ...families, ...ends];
  const socket = first.length + 1 + steps.length;
  const place = { socket, allow: all.length - 2, missing: all.length - 1 };
  const view = new DataView(new ArrayBuffer(all.length * 8));
  all.forEach(({ code, value, then }, i) => {
    view.setUint16(i * 8, code, true);
    // The jumps count from the next step. The one without a name skips the end after it.
    if (code === IF_EQUAL || code === IF_AT_LEAST) {
      view.setUint8(i * 8 + 2, then === undefined ? 1 : place[then] - i - 1);
    }
    view.setUint32(i * 8 + 4, value, true);
  });
  return new Uint8Array(view.buffer);
}
