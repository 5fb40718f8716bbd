/**
 * The completion scripts, in the shells they are for. What a machine hasn't is left out, and said.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { COMMANDS } from "../../src/transports/cli/commands.ts";
import { toCompletion } from "../../src/transports/cli/completion/completion.ts";
import { deriveCommands } from "../../src/transports/cli/derived/derive.ts";

const commands = [...COMMANDS, ...deriveCommands(COMMANDS)];

async function isThere(shell: string): Promise<boolean> {
  try {
    return (await new Deno.Command(shell, { args: ["--version"], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

/** How long a shell may take at most; on a quiet machine it takes a second. */
const PATIENCE_SECONDS = 120;

/** What `shell` says. Out of patience, everything that it started ends with it. */
async function runIn(shell: string, args: string[], cwd: string): Promise<string> {
  const env = { HOME: cwd, TERM: "xterm", XDG_CONFIG_HOME: cwd };
  const options = { args, cwd, env, stdin: "null", stdout: "piped", stderr: "piped", detached: true } as const;
  const child = new Deno.Command(shell, options).spawn();
  const timer = setTimeout(() => Deno.kill(-child.pid, "SIGKILL"), (PATIENCE_SECONDS + 10) * 1000);
  const { code, signal, stdout, stderr } = await child.output().finally(() => clearTimeout(timer));
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  assert.equal(code, 0, `${shell} ended with ${signal ?? code}:\n${err}\n${out}`);
  return out;
}

/** What bash offers behind `words`, of which the last is being written. */
function bash(words: string[], cwd: string): Promise<string> {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const script =
    `source ./script; COMP_WORDS=(${quoted}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _muxi; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return runIn("bash", ["--norc", "-uc", script], cwd);
}

function fish(words: string[], cwd: string): Promise<string> {
  return runIn("fish", ["--no-config", "-c", `source ./script; complete -C '${words.join(" ")}'`], cwd);
}

/** What zsh offers, in a terminal of its own: completion lives in its line editor only. */
async function zsh(words: string[], cwd: string): Promise<string> {
  const settings = `
    COLUMNS=200 LINES=200 LISTMAX=1000 PS1='READY> '
    autoload -Uz compinit && compinit -u -D && source ./script
    over() { print OVER }; zle -N over; bindkey '^X' over`;
  await Deno.writeTextFile(`${cwd}/.zshrc`, settings);
  // Keys are worked off in order: what Ctrl-X prints comes behind the offers.
  const script = `
    zmodload zsh/zpty zsh/zselect
    give_up() { print -ru2 -- "$1 before $2 was seen. The screen:"; print -ru2 -- "$screen"; exit 1 }
    wait_for() {
      screen=
      until [[ $screen == *$1* ]]; do
        (( SECONDS < ${PATIENCE_SECONDS} )) || give_up "${PATIENCE_SECONDS} s went by" "$1"
        zselect -t 100 -r $terminal
        zpty -r shell piece
        case $? in
          0) screen+=$piece ;;
          2) give_up "The shell ended" "$1" ;;
        esac
      done
    }
    zpty -b shell 'ZDOTDIR=. TERM=dumb zsh -d -i'
    terminal=$REPLY
    wait_for 'READY> '
    zpty -n -w shell '${words.join(" ")}'$'\\t\\x18'
    wait_for OVER
    print -r -- "$screen"
    zpty -d shell`;
  return await runIn("zsh", ["-f", "-c", script], cwd);
}

const shells = { bash, fish, zsh };

for (const [shell, complete] of Object.entries(shells)) {
  const there = await isThere(shell);
  Deno.test({
    name: `completion in ${shell} offers commands, options, values and files${there ? "" : " (not on this machine)"}`,
    ignore: !there,
    fn: async () => {
      const cwd = await Deno.makeTempDir();
      try {
        await Deno.writeTextFile(`${cwd}/script`, toCompletion(shell, commands));
        await Deno.writeTextFile(`${cwd}/photo.png`, "");
        const offers = async (line: string, wanted: string[], unwanted: string[] = []) => {
          const offered = await complete(line.split(" "), cwd);
          for (const word of wanted) {
            assert.match(offered, new RegExp(`(^|[\\s])${word}($|[\\s=])`, "m"), `${line}: ${offered}`);
          }
          for (const word of unwanted) {
            assert.doesNotMatch(offered, new RegExp(`^${word}\\b`, "m"), `${line}: ${offered}`);
          }
        };
        await offers("muxi ", ["serve", "runs", "agents", "completion"], ["list", "photo.png"]);
        await offers("muxi runs ", ["list", "events", "cancel"], ["serve", "import"]);
        await offers("muxi --config photo.png runs ", ["list", "events"], ["serve"]);
        await offers("muxi runs list --status ", ["completed", "failed"], ["list"]);
        await offers("muxi runs list --o", ["--order"], ["--status"]);
        await offers("muxi runs events --s", ["--starting-after", "--stream"], ["--status"]);
        await offers("muxi files create ph", ["photo.png"], ["serve"]);
        await offers("muxi completion ", ["bash", "zsh", "fish"], ["serve"]);
      } finally {
        await Deno.remove(cwd, { recursive: true });
      }
    },
  });
}

Deno.test("every script says at its head where it belongs", () => {
  for (const shell of Object.keys(shells)) {
    const head = toCompletion(shell, commands).split("\n").slice(0, 4).join("\n");
    assert.match(head, new RegExp(`muxi completion ${shell} > `));
  }
});
