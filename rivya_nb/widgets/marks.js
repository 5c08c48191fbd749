// The signs, words and keys of marks, the same in the viewer and in the gallery; Python has the same (`views/words.py`).

export const RATED = "★";
export const UNRATED = "☆";
export const FAVOURITE = "♥";
export const NO_FAVOURITE = "♡";
export const FAVOURITE_KEY = "h";

/** Every rating. */
export const RATINGS = [1, 2, 3, 4, 5];

/** The marks that fit into a picture's corner. */
export const badge = ({ rating, favourite }) =>
  [RATED.repeat(rating), favourite ? FAVOURITE : ""].filter(Boolean).join(" ");

export const spoken = ({ rating, favourite }) =>
  [rating ? `rated ${rating} of 5` : "", favourite ? "favourite" : ""].filter(Boolean).join(", ");

/** The rating that a key gives, 0 for none; undefined for other keys. */
export const ratingOf = (key) => (/^[0-5]$/.test(key) ? Number(key) : undefined);
