// strings.mjs makes the table of texts by which deps/bundle knows packages in
// bundles that keep no names: deps/bundle/known.txt.
//
// Usage: node strings.mjs TOOLS TREE... > known.txt
//
// TREE are folders in which npm install was run; their packages are listed, and
// say which texts are unique: here known/, older/ and tools/. A text is a string
// literal that survives minification and stands in no other package. Only hashes of
// texts are written: FNV-1a, 64 bits, of which the upper 48 are kept. A line is
// a name and the hashes; "v" before one means that in the minified code a literal with the
// package's own version, and no other version, stands within 600 bytes of the text.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';

const [, , tools, ...trees] = process.argv.map((a, i) => (i > 1 ? path.resolve(a) : a));
const esbuild = createRequire(path.join(tools, 'package.json'))('esbuild');
const perPackage = 10;
const near = 600;

function packages(root, out = []) {
  const dir = path.join(root, 'node_modules');
  if (!fs.existsSync(dir)) return out;
  for (const name of fs.readdirSync(dir)) {
    if (name.startsWith('.')) continue;
    const subs = name.startsWith('@') ? fs.readdirSync(path.join(dir, name)).map((n) => `${name}/${n}`) : [name];
    for (const n of subs) {
      const at = path.join(dir, n);
      try {
        const p = JSON.parse(fs.readFileSync(path.join(at, 'package.json'), 'utf8'));
        if (p.name && p.version) out.push({ name: p.name, version: p.version, dir: at });
      } catch { /* no package */ }
      packages(at, out);
    }
  }
  return out;
}

// literals calls back with what stands between any two equal quotes, 11 to 80 plain characters.
function literals(code, cb) {
  for (let i = 0; i < code.length; i++) {
    const q = code[i];
    if (q !== '"' && q !== "'" && q !== '`') continue;
    const end = code.indexOf(q, i + 1);
    if (end < 0 || end - i - 1 > 80 || end - i - 1 < 11) continue;
    const text = code.slice(i + 1, end);
    if (/^[\x20-\x7e]+$/.test(text) && !/["'`\\$]/.test(text) && /[a-z]{3}/i.test(text) && !/[;{}]|=>|\|\||&&/.test(text)) cb(text, i);
  }
}

function* files(dir) {
  for (const e of fs.readdirSync(dir, { withFileTypes: true })) {
    if (e.name === 'node_modules' || e.name.startsWith('.')) continue;
    const at = path.join(dir, e.name);
    if (e.isDirectory()) yield* files(at);
    else if (/\.[cm]?js$/.test(e.name) && fs.statSync(at).size < 4 << 20) yield at;
  }
}

function hash(text) {
  let h = 0xcbf29ce484222325n;
  for (const c of Buffer.from(text)) h = BigInt.asUintN(64, (h ^ BigInt(c)) * 0x100000001b3n);
  return (h >> 16n).toString(16).padStart(12, '0');
}

// minified returns the package's own code from its entry on, or "".
async function minified(p) {
  try {
    const r = await esbuild.build({
      entryPoints: [p.dir], bundle: true, packages: 'external', minify: true, platform: 'node', write: false, legalComments: 'none',
      logLevel: 'silent', loader: { '.node': 'empty', '.css': 'empty' }, format: 'cjs', outfile: '/x.js',
    });
    return r.outputFiles[0].text;
  } catch {
    return '';
  }
}

const listed = new Map(); // name → text → {anchor, releases}
const wanted = new Map(); // text → names that have it
for (const p of trees.flatMap((t) => packages(t))) {
  const code = await minified(p);
  if (!code || code.length > 8 << 20) continue;
  const mine = listed.get(p.name) || new Map();
  listed.set(p.name, mine);
  literals(code, (text, at) => {
    const around = code.slice(Math.max(0, at - near), at + text.length + 2 + near);
    const versions = new Set([...around.matchAll(/(["'`])(\d+\.\d+\.\d+(?:-[\w.]+)?)\1/g)].map((m) => m[2]));
    const old = mine.get(text) || { anchor: true, releases: new Set() };
    old.anchor &&= versions.size === 1 && versions.has(p.version);
    old.releases.add(p.version);
    mine.set(text, old);
    if (!wanted.has(text)) wanted.set(text, new Set());
  });
}
const raw = new Map(); // name → texts as its files have them
for (const tree of trees) {
  for (const p of packages(tree)) {
    for (const f of files(p.dir)) {
      literals(fs.readFileSync(f, 'utf8'), (text) => {
        const names = wanted.get(text);
        if (!names) return;
        names.add(p.name);
        if (listed.has(p.name)) {
          if (!raw.has(p.name)) raw.set(p.name, new Set());
          raw.get(p.name).add(text);
        }
      });
    }
  }
}
for (const name of [...listed.keys()].sort()) {
  if (/^@(aws-sdk|aws-crypto|smithy|parcel|webassemblyjs)\//.test(name)) continue; // code moves between them from release to release
  const own = [...listed.get(name)].filter(([text]) => wanted.get(text).size === 1 && wanted.get(text).has(name) && raw.get(name)?.has(text));
  const anchors = own.filter(([, v]) => v.anchor).slice(0, 3);
  const rest = own.filter(([text, v]) => !anchors.some(([t]) => t === text) && / /.test(text));
  const others = rest.length >= 2 ? rest : own.filter(([text]) => !anchors.some(([t]) => t === text));
  const most = Math.max(0, ...others.map(([, v]) => v.releases.size));
  const picked = [];
  for (let n = most; n > 0 && picked.length < perPackage; n--) { // texts that lasted over releases first
    const these = others.filter(([, v]) => v.releases.size === n);
    const step = Math.max(1, Math.floor(these.length / perPackage)); // from all over its code
    picked.push(...these.filter((_, i) => i % step === 0).slice(0, perPackage - picked.length));
  }
  if (anchors.length + picked.length < 2) continue;
  console.log([name, ...anchors.map(([t]) => `v${hash(t)}`), ...picked.map(([t]) => hash(t))].join(' '));
}
