/**
 * Full stops that end no sentence.
 *
 * @module
 */

/** Words that are written with a full stop, in the languages that are spoken most. */
const ABBREVIATIONS = new Set(
  ("mr mrs ms dr prof sr jr st mt vs approx inc ltd co corp dept est fig ed vol pp cf al gen gov rep rev hon sgt capt " +
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun tel ext max min incl excl " +
    "bzw ca nr str evtl ggf inkl zzgl usw hr fr dipl ing geb gest tägl mind " +
    "mme mlle mm av bd env " +
    "sra srta ud uds dra ee uu pág núm " +
    "sig dott ing avv pag " +
    "exma exmo dra ltda " +
    "dhr mevr bijv enz drs " +
    "т д е п г ул им руб тыс млн").split(" "),
);
/** Before a number only. */
const BEFORE_NUMBERS = new Set("no nos p s art abs ch sec n nº č".split(" "));
/** After these a sentence may well end. */
const OPEN_ENDED = new Set("a.m p.m etc usw enz u.s.w z.b.w ltd inc co corp jr sr".split(" "));

/**
 * Whether `before`, which a full stop follows, ends with an abbreviation or a number that has it, when `next` is the
 * first character behind.
 */
export function endsAbbreviated(before: string, next: string): boolean {
  const word = /[^\s("'“„«[]*$/.exec(before)![0].toLowerCase();
  const upper = /\p{Lu}/u.test(next);
  if (word === "") return false;
  if (/^\d{1,3}$/.test(word)) return isOrdinal(before, word);
  if (OPEN_ENDED.has(word)) return !upper;
  if (BEFORE_NUMBERS.has(word)) return /\d/.test(next);
  if (ABBREVIATIONS.has(word)) return true;
  // "z.B.", "e.g.", and initials; "I." ends a sentence.
  if (/^\p{L}{1,2}(\.\p{L}{1,3})+$/u.test(word)) return true;
  return /(^|[\s.])\p{L}$/u.test(before) && !/(^|\s)I$/.test(before);
}

/** Whether a number that a full stop follows begins a line of a list, or stands before the name of a month. */
function isOrdinal(before: string, word: string): boolean {
  const start = before.length - word.length;
  return /(^|\n)[\s>*_]*$/.test(before.slice(0, start)) ||
    /(^|\s)(am|der|die|das|den|dem|vom|zum|im|the|den|le|il)\s$/i.test(before.slice(0, start));
}
