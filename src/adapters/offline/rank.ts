/**
 * Finds the sentences that answer a question best, by BM25.
 *
 * @module
 */
import { toScores } from "../../kit/rank.ts";
import { toSentences, toTerms } from "../../kit/words.ts";
import type { Passage } from "../../ports/model.ts";

const MAX_SENTENCES = 5_000;

/** A sentence worth quoting. */
export interface Quote {
  source: string;
  text: string;
  score: number;
}

/** The best `limit` sentences of `passages` for `question`, best first; none when nothing fits. */
export function findQuotes(question: string, passages: Passage[], { limit }: { limit: number }): Quote[] {
  const wanted = [...new Set(toTerms(question))];
  if (wanted.length === 0) return [];
  const asked = question.trim();
  const seen = new Set<string>();
  const sentences: { source: string; text: string; terms: string[] }[] = [];
  for (const { source, text } of passages) {
    for (const sentence of toSentences(text)) {
      if (sentences.length >= MAX_SENTENCES) break;
      // A question is no answer, least of all the same one.
      if (sentence === asked || /[?？]$/u.test(sentence) || seen.has(sentence)) continue;
      seen.add(sentence);
      sentences.push({ source, text: sentence, terms: toTerms(sentence) });
    }
  }
  const scores = toScores(wanted, sentences.map(({ terms }) => terms));
  const quotes = sentences.map(({ source, text }, i) => {
    const { score, matched } = scores[i]!;
    // One common word out of many is chance.
    return { source, text, score: matched >= 2 || matched / wanted.length >= 0.3 ? score : 0 };
  });
  const best = quotes.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score);
  return best.filter(({ score }) => score >= best[0]!.score / 2).slice(0, limit);
}
