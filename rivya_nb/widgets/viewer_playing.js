// All videos and sounds of the stage play together, on one clock.
//
// The clock is as long as the longest of them. A shorter one waits at its last frame: what is seen at one moment is
// then always the same moment of each.

import { APART, LOST, Player } from "./viewer_player.js";
import { clamp } from "./viewer_zoom.js";

const MOST = 24; // that play at once; what they need of a machine adds up
const AHEAD = 0.08; // seconds that one takes to begin while the others play
const GRACE = 700; // milliseconds from the beginning on, after which a video that lags shows that a machine is too slow
const SPEEDS = [0.25, 0.5, 1, 1.5, 2];
const LAST_RESORT = 24; // frames a second where neither file nor kernel tells it

export class Playing {
  constructor(viewer) {
    this.viewer = viewer;
    this.players = [];
    this.left = []; // players of the stage before this one, which may be taken over
    this.at = 0; // the position in seconds at the time `since`, or now, if that is null
    this.since = null;
    this.began = 0; // when the last of those that play has begun
    this.turn = 0;
    this.isOn = false;
    this.isGathering = false;
    this.speed = 1;
    this.loops = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.isTouched = false; // before, the posters of a grid tell more than first frames, which are often black
    this.isStepped = false;
    this.isSlow = false; // whether originals were too much for this machine
    this.pointed = null; // {frame, share}: the frame under the pointer, and how far to the right in it
    this.tick = this.tick.bind(this);
    this.onVisibility = () => (document.hidden ? this.hold() : this.gather());
    document.addEventListener("visibilitychange", this.onVisibility);
    // Of the window, not of the stage: the whole viewer may be out of sight.
    this.sight = new IntersectionObserver((entries) => this.see(entries), { rootMargin: "100px" });
  }

  // The players of the stage

  /** The stage is about to be made anew. */
  begin() {
    this.left = this.players;
    this.players = [];
  }

  /** The player for a cell, that of the stage before if it had one; null for a picture. */
  player(cell) {
    if (!cell.has_picture || cell.medium === "image") return null;
    const place = this.left.findIndex((each) => each.cell.key === cell.key);
    const found = place < 0 ? new Player(this.viewer, cell) : this.left.splice(place, 1)[0];
    found.cell = cell;
    this.players.push(found);
    return found;
  }

  /** The stage was made anew. */
  settle(tiles) {
    for (const each of this.left) each.release();
    this.left = [];
    this.sight.disconnect();
    for (const { frame, player } of tiles) {
      if (!player) continue;
      player.frame = frame;
      this.sight.observe(frame);
    }
    // A stage of pictures has no length, and the next one goes on where this one was.
    if (this.length) this.at = Math.min(this.at, this.length);
  }

  see(entries) {
    for (const { target, isIntersecting } of entries) {
      for (const each of this.players) if (each.frame === target) each.isSeen = isIntersecting;
    }
    this.viewer.stage.look();
    this.viewer.playBar.draw();
  }

  /** The players that are seen, the current one first, as many as play at once. */
  get seen() {
    const { cell } = this.viewer;
    const seen = this.players.filter((each) => each.isSeen);
    return seen.sort((a, b) => (b.cell === cell) - (a.cell === cell)).slice(0, MOST);
  }

  get ready() {
    return this.players.filter((each) => each.media);
  }

  /** True where small copies are not enough: single frames, and what is shown large. */
  get isClose() {
    if (this.isOn && this.isSlow) return false;
    return this.isLarge || (this.isStepped && !this.isOn);
  }

  get isLarge() {
    const { mode, zoom } = this.viewer.state;
    return mode !== "grid" || zoom > 1;
  }

  /** True where frames are shown in the place of posters. */
  get showsFrames() {
    return this.isTouched || this.viewer.state.mode !== "grid";
  }

  /** Give each player the best file there is, and say which files are missing: small copies, originals. */
  look() {
    const { originals, previews, state } = this.viewer;
    const seen = new Set(this.seen);
    for (const each of this.players) each.take(seen.has(each) ? this.best(each.cell.key) : null);
    const cells = [...seen].map(({ cell }) => cell);
    const hasNone = ({ key }) => previews.troubles.has(key);
    const small = state.mode === "grid" || this.isSlow ? cells : cells.filter(({ key }) => originals.troubles.has(key));
    return [small, this.isClose ? cells : this.isTouched ? cells.filter(hasNone) : []];
  }

  best(key) {
    const { originals, previews } = this.viewer;
    const [original, small] = [originals, previews].map((files) => (files.troubles.has(key) ? null : files.url(key)));
    return this.isClose ? original ?? small : small ?? original;
  }

  /** A player has a file that it can play. */
  joined(player) {
    this.hear();
    // It was sought to where the others were then.
    this.began = performance.now();
    if (this.since === null) this.gather();
    else player.start(this.position, this.speed);
    this.viewer.stage.showKey(player.cell.key);
    this.viewer.playBar.draw();
  }

  /** The browser cannot play a file; `words` say why, if it is not for its format. */
  refused(cell, url, words) {
    const { originals, playBar, previews, stage } = this.viewer;
    const files = originals.url(cell.key) === url ? originals : previews;
    files.troubles.set(cell.key, words ?? `This browser cannot play ${files.type(cell.key)}.`);
    stage.showKey(cell.key);
    stage.look();
    playBar.draw();
  }

  // The clock

  /** Seconds of the longest, without those of which neither file can be played. */
  get length() {
    const { originals, previews } = this.viewer;
    const isLost = ({ cell }) => originals.troubles.has(cell.key) && previews.troubles.has(cell.key);
    return Math.max(0, ...this.players.map((each) => (isLost(each) ? 0 : each.seconds)));
  }

  get position() {
    const passed = this.since === null ? 0 : ((performance.now() - this.since) / 1000) * this.speed;
    return Math.min(this.at + passed, this.length || Infinity);
  }

  /** Where one has to be that begins while the others play. */
  get ahead() {
    return this.position + (this.since === null ? 0 : AHEAD * this.speed);
  }

  /** Frames a second of the current video, else of the first one. */
  get rate() {
    const { cell, originals, previews } = this.viewer;
    const films = this.players.filter((each) => each.isVideo);
    const film = films.find((each) => each.cell === cell) ?? films[0];
    return originals.rates.get(film?.cell.key) || previews.rates.get(film?.cell.key) || LAST_RESORT;
  }

  /** The number of the frame at the position, from 0. */
  get frame() {
    const last = Math.max(0, Math.round(this.length * this.rate) - 1);
    return clamp(Math.floor(this.position * this.rate + 1e-6), 0, last);
  }

  /** The middle of a frame: between two of them, videos would show either. */
  middle(frame) {
    return (frame + 0.5) / this.rate;
  }

  toggle() {
    if (this.isOn) this.pause(this.middle(this.frame));
    else if (this.players.length) this.play();
  }

  play() {
    if (this.position >= this.length - 1 / this.rate) this.at = 0;
    this.isOn = this.isTouched = true;
    this.isStepped = this.isSlow = false;
    this.gather();
    this.viewer.draw();
  }

  pause(position) {
    this.hold();
    this.at = clamp(position, 0, this.length);
    this.isOn = false;
    this.isTouched = true;
    // Each stops a little elsewhere.
    this.gather();
    this.viewer.draw();
  }

  step(by) {
    if (!this.players.length) return;
    const last = Math.max(0, Math.round(this.length * this.rate) - 1);
    this.isStepped = true;
    this.pause(this.middle(clamp(this.frame + by, 0, last)));
  }

  seek(position) {
    this.hold();
    this.at = clamp(position, 0, this.length);
    if (!this.isOn) return this.pause(this.middle(this.frame));
    return this.gather();
  }

  faster(by) {
    if (!this.players.length) return;
    const place = clamp(SPEEDS.indexOf(this.speed) + by, 0, SPEEDS.length - 1);
    this.at = this.position;
    if (this.since !== null) this.since = performance.now();
    this.speed = SPEEDS[place];
    this.viewer.playBar.draw();
  }

  toggleLoop() {
    this.loops = !this.loops;
    this.viewer.playBar.draw();
  }

  /** Stop the clock and all that plays. */
  hold() {
    this.turn++;
    this.at = this.position;
    this.since = null;
    for (const { media } of this.ready) media.pause();
  }

  /** Bring all to the position, and where they play, let them begin at one moment.
   *
   * Each is there at another moment: until all are, the frames of before stay on the screen. */
  async gather() {
    this.hold();
    if (this.isGathering) return; // that goes on to the new position
    this.isGathering = true;
    let turn = null;
    while (turn !== this.turn) {
      ({ turn } = this);
      for (const each of this.ready) each.cover();
      await Promise.all(this.ready.map((each) => each.seek(this.at)));
      for (const each of this.players) each.uncover();
    }
    this.isGathering = false;
    if (this.isOn && !document.hidden) {
      this.since = this.began = performance.now();
      for (const each of this.ready) each.start(this.at, this.speed);
      this.tick();
    }
    this.viewer.playBar.drawTime();
  }

  tick() {
    cancelAnimationFrame(this.beat);
    if (!this.isOn || this.since === null) return;
    const late = this.ready.map((each) => each.late(this.position));
    const [least, most] = [Math.min(...late), Math.max(...late)];
    // The others wait for the one that is furthest behind.
    if (most > APART * this.speed) {
      this.at = this.position - most;
      this.since = performance.now();
    }
    const { position } = this;
    if (this.length && position >= this.length) return this.turnOver();
    const isApart = most - least > LOST * this.speed;
    this.checkPace(isApart || this.ready.some((each) => each.lags(position)));
    if (isApart) return this.gather();
    for (const each of this.ready) each.follow(position, this.speed);
    this.viewer.playBar.drawTime();
    this.beat = requestAnimationFrame(this.tick);
  }

  /** One that lags after a while shows that the originals are too much. */
  checkPace(lags) {
    if (!lags || this.isSlow || performance.now() - this.began < GRACE) return;
    this.isSlow = true;
    this.viewer.stage.look();
    this.viewer.playBar.draw();
  }

  /** At the end: from the beginning again, or stop there. */
  turnOver() {
    if (!this.loops) return this.pause(this.length);
    this.hold();
    this.at = 0;
    return this.gather();
  }

  // Sound

  /** The pointer is over a frame, or over none. */
  point(event) {
    const frame = event?.target.closest?.(".frame") ?? null;
    const box = frame?.getBoundingClientRect();
    this.pointed = frame && { frame, share: (event.clientX - box.left) / box.width };
    this.hear();
  }

  /** Let only that be heard which is under the pointer, else the current one if the viewer has the keyboard focus. */
  hear() {
    const heard = this.heard();
    for (const each of this.ready) each.media.muted = each !== heard;
  }

  heard() {
    const { cell, root, stage, state } = this.viewer;
    const { activeElement } = document;
    const has = (frame) => stage.tiles.filter((tile) => tile.frame === frame && tile.player);
    const current = stage.tiles.find((tile) => tile.cell === cell)?.frame;
    const frame = this.pointed?.frame ?? (root.contains(activeElement) ? activeElement.closest(".frame") ?? current : null);
    const [first, over] = has(frame);
    // Of two over one another, that which is seen.
    const showsOver = over && { slider: this.pointed?.share < state.divider, flicker: !state.showsB }[state.mode];
    return (showsOver ? over : first)?.player;
  }

  close() {
    this.isOn = false;
    this.hold();
    this.sight.disconnect();
    document.removeEventListener("visibilitychange", this.onVisibility);
    for (const each of this.players) each.release();
  }
}
