/**
 * Completion for zsh.
 *
 * @module
 */
import type { Command, OptionSpec, Wanted } from "../command.ts";
import { type Place, placesOf } from "./words.ts";

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Text inside brackets or between colons. */
function escape(text: string): string {
  return text.replaceAll(/[\\:[\]]/g, "\\$&");
}

function toAction(wanted: Wanted | undefined): string {
  if (wanted === undefined) return " ";
  if (wanted === "file") return "_files";
  return wanted === "folder" ? "_files -/" : `(${wanted.map(escape).join(" ")})`;
}

function toOption({ name, short, value, negatable, repeated, summary, wanted }: OptionSpec): string[] {
  const behind = value === undefined ? "" : `:${escape(value)}:${toAction(wanted)}`;
  const about = `[${escape(summary)}]${behind}`;
  const star = repeated ? "*" : "";
  return [
    quote(`${star}--${name}${about}`),
    ...short === undefined ? [] : [quote(`${star}-${short}${about}`)],
    ...negatable ? [quote(`--no-${name}[No]`)] : [],
  ];
}

function toPlace({ name, words, options, positionals }: Place): string {
  const free = words.length > 0
    ? ["'1: :_muxi_words'"]
    : positionals.map((wanted, i) => quote(`${i === positionals.length - 1 ? "*" : i + 1}:value:${toAction(wanted)}`));
  const list = words.map(([word, summary]) => quote(`${escape(word)}:${summary}`));
  return [
    `    ${quote(name)})`,
    ...list.length > 0 ? [`      known=(\n        ${list.join("\n        ")}\n      )`] : [],
    `      _arguments -s : \\\n        ${[...options.flatMap(toOption), ...free].join(" \\\n        ")} ;;`,
  ].join("\n");
}

/** The script. */
export function toZsh(commands: readonly Command[]): string {
  const places = placesOf(commands);
  const valued = new Set(
    places.flatMap(({ options }) => options).filter(({ value }) => value !== undefined)
      .flatMap(({ name, short }) => [`--${name}`, ...short === undefined ? [] : [`-${short}`]]),
  );
  const names = places.map(({ name }) => name).filter((name) => name !== "");
  return `#compdef muxi
# Completion of muxi for zsh. Put it into a folder of $fpath:
#   muxi completion zsh > ~/.zfunc/_muxi    (with fpath+=~/.zfunc before compinit in ~/.zshrc)
# or load it at the start of every shell, behind compinit in ~/.zshrc:
#   eval "$(muxi completion zsh)"

_muxi_words() {
  _describe -t commands 'muxi command' known
}

_muxi() {
  local place='' flag='' word i
  local -a known left
  # The command's own words go, and what stands before them: what is left are its options and values.
  left=(muxi)
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    if [[ -n $flag ]]; then
      flag=''
      left+=("$word")
      continue
    fi
    case "$word" in
      ${[...valued].join("|")}) flag=$word ;;
    esac
    case "\${place:+$place }$word" in
      ${names.map(quote).join("|")}) place="\${place:+$place }$word"; left=(muxi) ;;
      *) left+=("$word") ;;
    esac
  done
  words=("\${left[@]}" "\${(@)words[CURRENT,-1]}")
  CURRENT=$((\${#left} + 1))
  case "$place" in
${places.map(toPlace).join("\n")}
  esac
}

if [[ "\${funcstack[1]}" == _muxi ]]; then
  _muxi "$@"
else
  compdef _muxi muxi
fi
`;
}
