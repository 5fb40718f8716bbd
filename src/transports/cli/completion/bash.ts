/**
 * Completion for bash. Needs nothing but bash itself, 3.2 or newer.
 *
 * @module
 */
import type { Command, OptionSpec, Wanted } from "../command.ts";
import { type Place, placesOf, spellingsOf } from "./words.ts";

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function toReply(wanted: Wanted | undefined): string {
  if (wanted === undefined) return "return";
  if (wanted === "file") return "_muxi_paths -f; return";
  if (wanted === "folder") return "_muxi_paths -d; return";
  return `words=${quote(wanted.join(" "))}`;
}

/** What `--option VALUE` may be, for each option that takes one. */
function toValues({ name, options }: Place): string[] {
  const valued = options.filter(({ value }) => value !== undefined);
  return valued.map((option: OptionSpec) => {
    const patterns = [`--${option.name}`, ...option.short === undefined ? [] : [`-${option.short}`]]
      .map((flag) => quote(`${name}:${flag}`)).join("|");
    return `    ${patterns}) ${toReply(option.wanted)} ;;`;
  });
}

function toPlace({ name, words, options, positionals }: Place): string {
  const flags = options.flatMap(spellingsOf).join(" ");
  const cases = positionals.map((wanted, i) => `${i === positionals.length - 1 ? "*" : i}) ${toReply(wanted)} ;;`);
  const free = words.length > 0
    ? `words=${quote(words.map(([word]) => word).join(" "))}`
    : cases.length > 0
    ? `case "$count" in ${cases.join(" ")} esac`
    : "return";
  return `    ${quote(name)}) flags=${quote(flags)}; if [[ $cur != -* ]]; then ${free}; fi ;;`;
}

/** The script. */
export function toBash(commands: readonly Command[]): string {
  const places = placesOf(commands);
  const valued = new Set(
    places.flatMap(({ options }) => options).filter(({ value }) => value !== undefined)
      .flatMap(({ name, short }) => [`--${name}`, ...short === undefined ? [] : [`-${short}`]]),
  );
  const inside = places.filter(({ name }) => name !== "").map(({ name }) => quote(name));
  return `# Completion of muxi for bash. Put it where bash-completion looks:
#   muxi completion bash > ~/.local/share/bash-completion/completions/muxi
# or load it at the start of every shell, in ~/.bashrc:
#   eval "$(muxi completion bash)"

_muxi_paths() {
  compopt -o filenames 2>/dev/null
  local IFS=$'\\n'
  COMPREPLY=($(compgen "$1" -- "$cur"))
}

_muxi() {
  local cur=\${COMP_WORDS[COMP_CWORD]} place='' flag='' words='' flags='' count=0 i word
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $flag ]]; then
      flag=''
      continue
    fi
    case "$word" in
      ${[...valued].join("|")}) flag=$word; continue ;;
      -*) continue ;;
    esac
    case "\${place:+$place }$word" in
      ${inside.join("|")}) place="\${place:+$place }$word" ;;
      *) count=$((count + 1)) ;;
    esac
  done
  if [[ -n $flag ]]; then
    case "$place:$flag" in
${places.flatMap(toValues).join("\n")}
    *) return ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    return
  fi
  case "$place" in
${places.map(toPlace).join("\n")}
  esac
  [[ $cur == -* ]] && words=$flags
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}

complete -F _muxi muxi
`;
}
