/**
 * Which texts answer a question best, by BM25.
 *
 * @module
 */

const K1 = 1.2;
const B = 0.75;

/** A text's score, and how many of the question's words it has. */
export interface Score {
  score: number;
  matched: number;
}

/** The scores of texts, given as their words, for the words of a question. */
export function toScores(wanted: readonly string[], texts: readonly (readonly string[])[]): Score[] {
  const mean = texts.reduce((sum, terms) => sum + terms.length, 0) / Math.max(1, texts.length);
  const weight = new Map(wanted.map((term) => {
    const found = texts.filter((terms) => terms.includes(term)).length;
    return [term, Math.log(1 + (texts.length - found + 0.5) / (found + 0.5))];
  }));
  return texts.map((terms) => {
    let score = 0;
    let matched = 0;
    for (const [term, rarity] of weight) {
      const count = terms.reduce((sum, each) => sum + (each === term ? 1 : 0), 0);
      if (count === 0) continue;
      matched++;
      score += rarity * count * (K1 + 1) / (count + K1 * (1 - B + B * terms.length / mean));
    }
    return { score, matched };
  });
}
