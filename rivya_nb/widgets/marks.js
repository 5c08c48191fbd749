// The signs, words and keys of marks, the same in the viewer and in the gallery; Python has the same (`views/words.py`).

export const RATED = "★";
export const UNRATED = "☆";
export const FAVOURITE = "♥";
export const NO_FAVOURITE = "♡";
export const EXCLUDED = "⊘";
export const FAVOURITE_KEY = "h";

/** Every rating. */
export const RATINGS = [1, 2, 3, 4, 5];

/** The marks that fit into a picture's corner. */
export const badge = (marks) =>
  [RATED.repeat(marks.rating), marks.favourite ? FAVOURITE : "", marks.excluded ? EXCLUDED : ""].filter(Boolean).join(" ");

/** Why a picture counts in no figure; empty where it counts. */
export const excluded = (marks) => (marks.excluded ? `excluded: ${marks.excluded}` : "");

export const spoken = (marks) =>
  [marks.rating ? `rated ${marks.rating} of 5` : "", marks.favourite ? "favourite" : "", excluded(marks)].filter(Boolean).join(", ");

/** The rating that a key gives, 0 for none; undefined for other keys. */
export const ratingOf = (key) => (/^[0-5]$/.test(key) ? Number(key) : undefined);
