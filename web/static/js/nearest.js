// The nearest of some words, by edit distance.

/** nearest is the word that was most likely meant; null: none is near. Upper and lower case count less than other letters. */
export function nearest(text, words) {
  let best = null;
  let least = Math.max(1, Math.floor(text.length / 3)) + 0.5; // more changes than that make another word
  for (const word of words) {
    const away = distance(text.toLowerCase(), word.toLowerCase()) + (text === word ? 0 : 0.25);
    if (away < least) [best, least] = [word, away];
  }
  return best;
}

/** distance counts the letters to insert, to take out, to replace, and the neighbours to swap. */
function distance(a, b) {
  let [older, old] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const now = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      now[j] = Math.min(old[j] + 1, now[j - 1] + 1, old[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) now[j] = Math.min(now[j], older[j - 2] + 1);
    }
    [older, old] = [old, now];
  }
  return old[b.length];
}
