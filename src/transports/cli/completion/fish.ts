/**
 * Completion for fish.
 *
 * @module
 */
import type { Command, OptionSpec, Wanted } from "../command.ts";
import { type Place, placesOf } from "./words.ts";

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

function at(name: string): string {
  return `-n ${quote(`__muxi_at ${quote(name)}`)}`;
}

function toValue(wanted: Wanted | undefined): string {
  if (wanted === "file") return "-rF";
  if (wanted === "folder") return `-xa '(__fish_complete_directories)'`;
  return wanted === undefined ? "-x" : `-xa ${quote(wanted.join(" "))}`;
}

function toOption(name: string, { name: long, short, value, negatable, summary, wanted }: OptionSpec): string[] {
  const about = `-d ${quote(summary)}`;
  const both = `-l ${long}${short === undefined ? "" : ` -s ${short}`}`;
  return [
    `complete -c muxi ${at(name)} ${both}${value === undefined ? "" : ` ${toValue(wanted)}`} ${about}`,
    ...negatable ? [`complete -c muxi ${at(name)} -l no-${long} -d 'No'`] : [],
  ];
}

function toPlace({ name, words, options, positionals }: Place): string[] {
  const paths = positionals.find((wanted) => wanted === "file" || wanted === "folder");
  const values = positionals.filter((wanted) => Array.isArray(wanted)).flat();
  return [
    ...words.map(([word, summary]) => `complete -c muxi ${at(name)} -a ${quote(word)} -d ${quote(summary)}`),
    ...paths === "file" ? [`complete -c muxi ${at(name)} -F`] : [],
    ...paths === "folder" ? [`complete -c muxi ${at(name)} -a '(__fish_complete_directories)'`] : [],
    ...values.length > 0 ? [`complete -c muxi ${at(name)} -a ${quote(values.join(" "))}`] : [],
    ...options.flatMap((option) => toOption(name, option)),
  ];
}

/** The script. */
export function toFish(commands: readonly Command[]): string {
  const places = placesOf(commands);
  const valued = new Set(
    places.flatMap(({ options }) => options).filter(({ value }) => value !== undefined)
      .flatMap(({ name, short }) => [`--${name}`, ...short === undefined ? [] : [`-${short}`]]),
  );
  const names = places.map(({ name }) => name).filter((name) => name !== "");
  return `# Completion of muxi for fish. Put it where fish looks:
#   muxi completion fish > ~/.config/fish/completions/muxi.fish

function __muxi_place
    set -l place ''
    set -l valued 0
    for word in (commandline -opc)[2..-1]
        if test $valued = 1
            set valued 0
            continue
        end
        switch $word
            case ${[...valued].map(quote).join(" ")}
                set valued 1
                continue
            case '-*'
                continue
        end
        switch (string trim -- "$place $word")
            case ${names.map(quote).join(" ")}
                set place (string trim -- "$place $word")
        end
    end
    echo $place
end

function __muxi_at
    test (__muxi_place) = "$argv[1]"
end

complete -c muxi -f
${places.flatMap(toPlace).join("\n")}
`;
}
