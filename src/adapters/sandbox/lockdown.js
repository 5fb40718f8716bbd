// Runs before a program. Deno lets a program open any of its descriptors by number, the one to its permission broker
// among them: whoever writes there asks in Deno's name, and reads answers that were not for them.
import process from "node:process";

function refuse() {
  throw Object.assign(new Error("Opening descriptors is not possible in the sandbox"), { code: "EPERM" });
}

for (const [library, name] of [["pipe_wrap", "Pipe"], ["tcp_wrap", "TCP"], ["udp_wrap", "UDP"]]) {
  const { prototype } = process.binding(library)[name];
  for (const method of ["open", "openFromRid"]) {
    if (method in prototype) Object.defineProperty(prototype, method, { value: refuse });
  }
}
