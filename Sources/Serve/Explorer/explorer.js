// Checks one entry of the log in the reader's browser: nothing here believes what the page says of a proof.
//
// The log's keys come with the page; whoever has them from elsewhere compares. All else is fetched as the log publishes
// it (C2SP tlog-tiles, RFC 6962) and computed anew.

const section = document.getElementById("proof-section");
const textOf = new TextDecoder("utf-8", { fatal: true });
const bytesOf = new TextEncoder();

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const equal = (left, right) => left.length === right.length && left.every((byte, place) => byte === right[place]);
const join = (...parts) => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) { all.set(part, place); place += part.length; }
  return all;
};
const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const nodeHash = (left, right) => sha256(join([1], left, right));

class Wrong extends Error {}
const insist = (holds, why) => { if (!holds) throw new Wrong(why); };

async function fetchBytes(path) {
  const answer = await fetch(path, { cache: "no-store" });
  insist(answer.ok, `${path} was answered with ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

// Keys and signatures

const curves = { "1.2.840.10045.3.1.7": ["P-256", 32, "SHA-256"], "1.3.132.0.34": ["P-384", 48, "SHA-384"],
  "1.3.132.0.35": ["P-521", 66, "SHA-512"] };

/** One element of DER: its tag, where its content begins and ends. */
function element(der, start) {
  insist(start + 2 <= der.length, "the DER ends early");
  let length = der[start + 1];
  let content = start + 2;
  if (length & 0x80) {
    const count = length & 0x7f;
    insist(count > 0 && count <= 4, "a length in the DER is wrong");
    length = 0;
    for (let n = 0; n < count; n += 1) length = length * 256 + der[content + n];
    content += count;
  }
  insist(content + length <= der.length, "the DER ends early");
  return { tag: der[start], start, content, end: content + length };
}

function children(der, parent) {
  const all = [];
  for (let place = parent.content; place < parent.end;) { const next = element(der, place); all.push(next); place = next.end; }
  return all;
}

function identifier(der, item) {
  const numbers = [];
  let value = 0;
  for (let place = item.content; place < item.end; place += 1) {
    value = value * 128 + (der[place] & 0x7f);
    if (!(der[place] & 0x80)) { numbers.push(value); value = 0; }
  }
  const first = numbers.shift();
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...numbers].join(".");
}

/** The SubjectPublicKeyInfo of a certificate (RFC 5280 section 4.1). */
function keyOfCertificate(der) {
  const fields = children(der, children(der, element(der, 0))[0]);
  const version = fields[0].tag === 0xa0 ? 1 : 0;
  const info = fields[version + 5];
  insist(info && info.tag === 0x30, "the certificate has no key");
  return der.slice(info.start, info.end);
}

function keyOfPEM(text) {
  const match = /-----BEGIN (CERTIFICATE|PUBLIC KEY)-----([^-]*)-----END/.exec(text);
  insist(match, "the entry has neither certificate nor key");
  const der = base64(match[2].replace(/\s/g, ""));
  return match[1] === "CERTIFICATE" ? keyOfCertificate(der) : der;
}

/** An ECDSA signature in DER as the two numbers that WebCrypto wants. */
function plainSignature(der, size) {
  const numbers = children(der, element(der, 0)).map((item) => {
    let bytes = der.slice(item.content, item.end);
    while (bytes.length > size && bytes[0] === 0) bytes = bytes.slice(1);
    insist(item.tag === 2 && bytes.length <= size, "the signature is no pair of numbers");
    return join(new Uint8Array(size - bytes.length), bytes);
  });
  insist(numbers.length === 2, "the signature is no pair of numbers");
  return join(...numbers);
}

/** Whether `signature` is over `message` by the key in `info`, and what kind of key that is. */
async function verify(info, signature, message) {
  const algorithm = children(info, children(info, element(info, 0))[0]);
  const name = identifier(info, algorithm[0]);
  if (name === "1.3.101.112") {
    const key = await crypto.subtle.importKey("spki", info, { name: "Ed25519" }, false, ["verify"]);
    return [await crypto.subtle.verify("Ed25519", key, signature, message), "Ed25519"];
  }
  if (name === "1.2.840.10045.2.1") {
    const [curve, size, usual] = curves[identifier(info, algorithm[1])] ?? [];
    insist(curve, "the key is on a curve that browsers do not know");
    const key = await crypto.subtle.importKey("spki", info, { name: "ECDSA", namedCurve: curve }, false, ["verify"]);
    const plain = plainSignature(signature, size);
    for (const hash of new Set([usual, "SHA-256"])) {
      if (await crypto.subtle.verify({ name: "ECDSA", hash }, key, plain, message)) return [true, `ECDSA ${curve}`];
    }
    return [false, `ECDSA ${curve}`];
  }
  insist(name === "1.2.840.113549.1.1.1", "the key is of a kind that browsers do not know");
  const kind = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("spki", info, kind, false, ["verify"]);
  return [await crypto.subtle.verify(kind.name, key, signature, message), "RSA"];
}

// The log

/**
 * Reads a signed note (C2SP signed-note) that is a checkpoint, and checks both signatures of the log.
 *
 * Others, such as witnesses, may sign beside it. Of the log's two none may be missing: who spoils a signature must not
 * get by with the other.
 */
async function checkpoint(log) {
  const note = textOf.decode(await fetchBytes("/log/checkpoint"));
  const middle = note.indexOf("\n\n");
  insist(middle > 0, "the checkpoint has no signatures");
  const text = note.slice(0, middle + 1);
  const [origin, count, root] = text.split("\n");
  insist(origin === log.origin, `the checkpoint is of ${origin}`);
  insist(/^[0-9]+$/.test(count), "the checkpoint has no size");
  const message = bytesOf.encode(text);
  const raw = log.ed25519;
  const ids = [
    [(await sha256(join(bytesOf.encode(`${origin}\n`), [1], raw))).slice(0, 4),
      join([0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0], raw)],
    [(await sha256(log.ecdsa)).slice(0, 4), log.ecdsa],
  ];
  insist(note.endsWith("\n"), "the checkpoint's last line has no end");
  const good = [];
  for (const line of note.slice(middle + 2, -1).split("\n")) {
    const words = /^\u2014 ([^ ]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
    insist(words, "the checkpoint has a line that is no signature");
    const bytes = base64(words[2]);
    insist(btoa(String.fromCharCode(...bytes)) === words[2], "a signature of the checkpoint is written in another way");
    if (words[1] !== origin) continue;
    for (const [id, info] of ids) {
      if (!equal(bytes.slice(0, 4), id)) continue;
      const [holds, kind] = await verify(info, bytes.slice(4), message);
      insist(holds, `the log's ${kind} signature is wrong`);
      good.push(kind);
    }
  }
  insist(good.length === ids.length, "a signature by one of the log's keys is missing");
  return { size: BigInt(count), root: base64(root), kinds: good };
}

function tilePath(kind, index, width) {
  const group = (value) => String(value).padStart(3, "0");
  let text = group(index % 1000n);
  for (let rest = index / 1000n; rest > 0n; rest /= 1000n) text = `x${group(rest % 1000n)}/${text}`;
  return `/log/tile/${kind}/${text}${width === 256n ? "" : `.p/${width}`}`;
}

const least = (left, right) => (left < right ? left : right);

/** The hashes of a tree of `size` leaves, from its tiles. */
class Tiles {
  constructor(size) { this.size = size; this.tiles = new Map(); }

  async tile(level, index) {
    const name = `${level}/${index}`;
    if (!this.tiles.has(name)) {
      const width = least((this.size >> BigInt(8 * level)) - (index << 8n), 256n);
      const bytes = await fetchBytes(tilePath(level, index, width));
      insist(BigInt(bytes.length) === 32n * width, `the tile ${name} has ${bytes.length} bytes`);
      this.tiles.set(name, bytes);
    }
    return this.tiles.get(name);
  }

  /** The hash of the complete subtree `index` of height `height`. */
  async node(height, index) {
    const level = Math.floor(height / 8);
    const within = BigInt(height % 8);
    const first = index << within;
    const bytes = await this.tile(level, first >> 8n);
    const start = Number(first & 255n);
    let row = [];
    for (let n = start; n < start + (1 << Number(within)); n += 1) row.push(bytes.slice(32 * n, 32 * n + 32));
    while (row.length > 1) {
      const above = [];
      for (let n = 0; n < row.length; n += 2) above.push(await nodeHash(row[n], row[n + 1]));
      row = above;
    }
    return row[0];
  }

  /** The hash of the leaves from `start` to `end` (RFC 6962 section 2.1). */
  async range(start, end) {
    const count = end - start;
    let height = 0;
    while ((1n << BigInt(height + 1)) <= count) height += 1;
    if ((1n << BigInt(height)) === count) return this.node(height, start >> BigInt(height));
    const middle = start + (1n << BigInt(height));
    return nodeHash(await this.range(start, middle), await this.range(middle, end));
  }
}

/** The root that a leaf leads to, and every step on the way. */
async function climb(tiles, leaf, index) {
  const steps = [];
  async function up(start, end) {
    if (end - start === 1n) return leaf;
    let half = 1n;
    while (half * 2n < end - start) half *= 2n;
    const middle = start + half;
    const isLeft = index < middle;
    const own = isLeft ? await up(start, middle) : await up(middle, end);
    const other = isLeft ? await tiles.range(middle, end) : await tiles.range(start, middle);
    const above = isLeft ? await nodeHash(own, other) : await nodeHash(other, own);
    steps.push({ side: isLeft ? "right" : "left", other, above });
    return above;
  }
  return { root: await up(0n, tiles.size), steps };
}

/** The entry at `index`, from its bundle: each with two bytes of length in front. */
async function entryBytes(size, index) {
  const bundle = index >> 8n;
  const bytes = await fetchBytes(tilePath("entries", bundle, least(size - (bundle << 8n), 256n)));
  let place = 0;
  for (let n = 0n; ; n += 1n) {
    insist(place + 2 <= bytes.length, "the bundle of entries ends early");
    const end = place + 2 + bytes[place] * 256 + bytes[place + 1];
    insist(end <= bytes.length, "the bundle of entries ends early");
    if (n === (index & 255n)) return bytes.slice(place + 2, end);
    place = end;
  }
}

// What was signed

function signatures(body) {
  const text = (value) => textOf.decode(base64(value));
  if (body.kind === "dsse") return body.spec.signatures.map((one) => [base64(one.signature), keyOfPEM(text(one.verifier))]);
  if (body.kind === "intoto") {
    return body.spec.content.envelope.signatures.map((one) => [base64(text(one.sig)), keyOfPEM(text(one.publicKey))]);
  }
  return null;
}

const payloadHash = (body) => (body.spec?.payloadHash ?? body.spec?.content?.payloadHash)?.value;

// The page

function show(name, verdict, detail) {
  const cell = section.querySelector(`[data-check="${name}"] .browser`);
  const words = { good: "good", bad: "wrong", none: "nothing to check" };
  const mark = document.createElement("span");
  mark.className = `verdict ${verdict}`;
  mark.textContent = words[verdict];
  cell.replaceChildren(mark);
  if (detail) {
    const more = document.createElement("span");
    more.className = "detail";
    more.textContent = detail;
    cell.append(more);
  }
}

function say(verdict, words) {
  const line = document.getElementById("verdict");
  line.className = `summary ${verdict}`;
  line.textContent = words;
}

function conclude(verdict, words) {
  say(verdict, words);
  section.dataset.result = verdict;
}

function showPath(leaf, steps, isGood) {
  const list = section.querySelector(".path");
  const line = (text, code) => {
    const item = document.createElement("li");
    const hash = document.createElement("code");
    hash.textContent = code;
    item.append(`${text} `, hash);
    return item;
  };
  const lines = [line("The leaf:", hex(leaf))];
  for (const step of steps) lines.push(line(`With ${hex(step.other).slice(0, 16)}… on the ${step.side}:`, hex(step.above)));
  if (lines.length > 0) {
    const end = document.createElement("strong");
    end.className = isGood ? "mark good" : "bad";
    end.textContent = isGood ? "the root that was signed" : "not the root that was signed";
    lines[lines.length - 1].append(" ", end);
  }
  list.replaceChildren(...lines);
}

/** Runs one check; a failure of it is shown, and the others go on without what it would have given. */
async function step(name, results, body) {
  try {
    const [verdict, detail, value] = await body();
    results.push(verdict);
    show(name, verdict, detail);
    return value;
  } catch (error) {
    results.push("bad");
    show(name, "bad", error.message);
    return undefined;
  }
}

async function main() {
  if (!globalThis.crypto?.subtle) {
    conclude("none", "This server has checked the entry. Your browser computes no hashes for pages that come over plain HTTP; open it over HTTPS.");
    return;
  }
  say("none", "Your browser is checking the entry");
  const log = { origin: section.dataset.origin, ed25519: base64(section.dataset.ed25519), ecdsa: base64(section.dataset.ecdsa) };
  const index = BigInt(section.dataset.index);
  const results = [];
  const head = await step("checkpoint", results, async () => {
    const found = await checkpoint(log);
    insist(index < found.size, "the checkpoint is from before the entry");
    return ["good", `${found.kinds.join(", ")}; ${found.size} entries`, found];
  });
  const tiles = head && new Tiles(head.size);
  const entry = await step("leaf", results, async () => {
    insist(head, "there is no checkpoint to go by");
    const bytes = await entryBytes(head.size, index);
    const leaf = await sha256(join([0], bytes));
    insist(equal(leaf, await tiles.node(0, index)), "the entry is not the one that the tile has");
    return ["good", `leaf hash ${hex(leaf).slice(0, 16)}…`, { bytes, leaf }];
  });
  await step("root", results, async () => {
    insist(entry, "there is no entry to begin with");
    const { root, steps } = await climb(tiles, entry.leaf, index);
    const isGood = equal(root, head.root);
    showPath(entry.leaf, steps, isGood);
    insist(isGood, `the path leads to ${hex(root).slice(0, 16)}…, and ${hex(head.root).slice(0, 16)}… was signed`);
    return ["good", `${steps.length} hashes to ${hex(root).slice(0, 16)}…`];
  });
  let body = {};
  try { body = JSON.parse(textOf.decode(entry.bytes)); } catch { body = {}; }
  const payload = await step("statement", results, async () => {
    insist(entry, "there is no entry to compare with");
    const wanted = payloadHash(body);
    if (!wanted) return ["none", "the entry is about no statement"];
    const answer = await fetch(`/explore/entry/${index}/statement`);
    if (answer.status === 404) return ["none", "the server keeps no copy"];
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const found = hex(await sha256(bytes));
    insist(found === wanted, `the statement has the digest ${found.slice(0, 16)}…`);
    return ["good", `sha256:${found.slice(0, 16)}…`, bytes];
  });
  await step("signature", results, async () => {
    insist(entry, "there is no entry with a signature");
    const found = signatures(body);
    if (!found) return ["none", "the artifact itself is needed for that"];
    if (!payload) return ["none", "the statement is needed for that"];
    const type = bytesOf.encode(section.dataset.payloadType);
    const message = join(bytesOf.encode(`DSSEv1 ${type.length} `), type, bytesOf.encode(` ${payload.length} `), payload);
    const kinds = [];
    for (const [signature, info] of found) {
      const [holds, kind] = await verify(info, signature, message);
      insist(holds, "the signature is not by this key");
      kinds.push(kind);
    }
    return ["good", kinds.join(", ")];
  });
  if (results.includes("bad")) {
    conclude("bad", "Your browser found this entry wrong. Do not rely on it.");
  } else {
    conclude("good", "Your browser has checked this entry: it is in the log, and the log has signed for it.");
  }
}

await main();
