// How the site's search finds and orders pages. Sphinx lists those that have every word, so that one word which no page
// has finds nothing, and counts a page's words all alike. Here any word will do; it counts the more the fewer pages have
// it, and those of titles and of the pages' `{index}` entries, which have the words that readers type, count most.
var Scorer = {
  // Pages for those who work on rivya_nb itself come last.
  score: ([page, , , , score]) => (/^(changelog|architecture|contributing)$/.test(page) ? score - 1000 : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  // A page that explains something comes before the entry of the reference that has the same words in its name.
  objPrio: { 0: 5, 1: 0, 2: -10 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

Search.performTermsSearch = (words, excluded) => {
  const { alltitles, docnames, filenames, indexentries, terms, titles } = Search._index;
  const stemmer = new Stemmer();
  const stems = (text) => new Set(splitQuery(text.toLowerCase()).map((word) => stemmer.stemWord(word)));
  // A word that no page has may be a part of one.
  const pagesWith = (word) =>
    Object.hasOwn(terms, word)
      ? [terms[word]].flat()
      : [...new Set(Object.keys(terms).flatMap((term) => (term.includes(word) ? terms[term] : [])))];
  const rarity = (word) => Math.log(1 + docnames.length / (1 + pagesWith(word).length));

  const scores = docnames.map(() => 0);
  for (const word of words) for (const page of pagesWith(word)) scores[page] += rarity(word);

  // The best title of each page: its own, a section's, or an entry of the index that was written for its readers.
  const best = docnames.map(() => ({ weight: 0, title: null, anchor: null }));
  const compare = (text, page, factor, title, anchor) => {
    const named = stems(text);
    const found = [...words].filter((word) => named.has(word));
    const weight = (factor * found.reduce((sum, word) => sum + rarity(word), 0)) / Math.sqrt(named.size);
    if (weight > best[page].weight) best[page] = { weight, title, anchor };
  };
  for (const [title, places] of Object.entries(alltitles))
    for (const [page, anchor] of places)
      if (titles[page] === title) compare(title, page, 3, null, null);
      else compare(title, page, 2, title, anchor);
  for (const [entry, places] of Object.entries(indexentries))
    for (const [page, , isMain] of places) if (isMain) compare(entry, page, 3, null, null);

  const unwanted = new Set([...excluded].flatMap(pagesWith));
  return docnames.flatMap((name, page) => {
    const { weight, title, anchor } = best[page];
    const score = 5 * (scores[page] + weight) * (/^(reference_|notebooks\/)/.test(name) ? 0.7 : 1);
    if (score === 0 || unwanted.has(page)) return [];
    const [shown, place] = title === null ? [titles[page], ""] : [`${titles[page]} > ${title}`, `#${anchor}`];
    return [[name, shown, place, null, score, filenames[page], SearchResultKind.text]];
  });
};
