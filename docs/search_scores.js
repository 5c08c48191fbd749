// How results of the site's search are ordered. As Sphinx has it, but for `objPrio`: a page that explains something
// comes before the entry of the reference that has the same words in its name; and pages for those who work on
// rivya_nb itself come last.
var Scorer = {
  score: ([page, , , , score]) => (/^(changelog|architecture|contributing)$/.test(page) ? score - 1000 : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 5, 1: 0, 2: -10 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
