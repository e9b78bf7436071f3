// build.mjs bundles a function with every tool in every mode, and writes beside
// each bundle which packages the tool itself says are in it.
//
// Usage: [ONLY=esbuild/min,rollup] node build.mjs TOOLS APP OUT [ENTRY]
//
// ONLY picks tools and modes; without it every tool runs in every mode.
// TOOLS and APP are folders in which "npm install" was run for tools/package.json
// and app/package.json. OUT gets TOOL/MODE/index.js (and what the tool puts
// beside it) and TOOL/MODE/truth.json: [[name, version], …], from the tool's own
// list of modules. A tool that fails is told on standard error and left out.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';

const [, , tools, app, out, entryName = 'index.mjs'] = process.argv.map((a, i) => (i > 1 && i < 5 ? path.resolve(a) : a));
const need = createRequire(path.join(tools, 'package.json'));
const entry = path.join(app, entryName);
process.chdir(app);

const modes = [
  { name: 'plain' },
  { name: 'plain-map', map: true },
  { name: 'min', min: true },
  { name: 'min-map', min: true, map: true },
  { name: 'min-inline', min: true, map: true, inline: true },
  { name: 'min-bare', min: true, bare: true }, // no comments at all
];

// packageOf finds the package.json with a name and a version that a module belongs to.
function packageOf(file) {
  if (!file.includes(`${path.sep}node_modules${path.sep}`)) return null;
  for (let dir = path.dirname(file); dir !== path.dirname(dir); dir = path.dirname(dir)) {
    const at = path.join(dir, 'package.json');
    if (!fs.existsSync(at)) continue;
    const p = JSON.parse(fs.readFileSync(at, 'utf8'));
    if (p.name && p.version) return [p.name, p.version];
  }
  return null;
}

function truth(files) {
  const found = new Map();
  for (const f of files) {
    const clean = path.resolve(app, f.replace(/^\0+/, '').replace(/^commonjs-\w+:/, '').replace(/\?.*$/, ''));
    const p = fs.existsSync(clean) ? packageOf(clean) : null;
    if (p) found.set(p.join('@'), p);
  }
  return [...found.values()].sort((a, b) => (a.join('@') < b.join('@') ? -1 : 1));
}

async function esbuild(dir, m) {
  const r = await need('esbuild').build({
    entryPoints: [entry], bundle: true, platform: 'node', target: 'node18', outfile: path.join(dir, 'index.js'),
    minify: !!m.min, sourcemap: m.inline ? 'inline' : !!m.map, metafile: true, logLevel: 'error',
    legalComments: m.bare ? 'none' : undefined,
  });
  const o = Object.values(r.metafile.outputs).find((x) => x.entryPoint);
  return Object.entries(o.inputs).filter(([, v]) => v.bytesInOutput > 0).map(([k]) => k);
}

function webpack(name, loader) {
  return (dir, m) => new Promise((done, fail) => {
    const config = {
      mode: m.min ? 'production' : 'development', target: 'node', entry, context: app,
      devtool: m.inline ? 'inline-source-map' : m.map ? 'source-map' : false,
      output: { path: dir, filename: 'index.js', libraryTarget: 'commonjs2' },
      resolveLoader: { modules: [path.join(tools, 'node_modules')] },
      module: { rules: [{ test: /\.mjs$/, type: 'javascript/auto' }] },
    };
    if (loader) config.module.rules.push({ test: /\.m?js$/, use: { loader: 'swc-loader', options: { jsc: { target: 'es2020' } } } });
    if (name === 'webpack4') {
      config.module.rules.push({ test: /\.[cm]?js$/, use: { loader: 'swc-loader', options: { jsc: { target: 'es2017' } } } });
      config.resolve = { extensions: ['.mjs', '.js', '.json'] };
    }
    if (m.bare && name !== 'webpack4') {
      const Terser = createRequire(need.resolve('webpack'))('terser-webpack-plugin');
      config.optimization = { minimizer: [new Terser({ extractComments: false, terserOptions: { format: { comments: false } } })] };
    }
    need(name)(config, (err, stats) => {
      if (err || (stats.hasErrors() && name !== 'webpack4')) return fail(err || new Error(stats.toString({ all: false, errors: true }).slice(0, 600)));
      const files = [];
      const take = (mods) => { for (const x of mods) { if (x.modules) take(x.modules); else if (x.resource) files.push(x.resource); } };
      take([...stats.compilation.modules].filter((x) => !x.buildInfo || stats.compilation.chunkGraph === undefined || stats.compilation.chunkGraph.getModuleChunks(x).length > 0));
      done(files);
    });
  });
}

async function rollup(dir, m) {
  const plugins = [
    need('@rollup/plugin-node-resolve').nodeResolve({ preferBuiltins: true }), need('@rollup/plugin-commonjs')(), need('@rollup/plugin-json')(),
  ];
  const b = await need('rollup').rollup({ input: entry, plugins, onwarn() {} });
  const terser = need('@rollup/plugin-terser');
  const r = await b.write({
    file: path.join(dir, 'index.js'), format: 'cjs', inlineDynamicImports: true,
    sourcemap: m.inline ? 'inline' : !!m.map,
    plugins: m.min ? [terser(m.bare ? { format: { comments: false } } : {})] : [],
  });
  return Object.entries(r.output[0].modules).filter(([, v]) => v.renderedLength > 0).map(([k]) => k);
}

async function ncc(dir, m) {
  const stats = path.join(dir, 'stats.json');
  const r = await need('@vercel/ncc')(entry, {
    minify: !!m.min, sourceMap: !!m.map, cache: false, quiet: true, statsOutput: stats, license: m.bare ? '' : 'licenses.txt',
    sourceMapRegister: false,
  });
  fs.writeFileSync(path.join(dir, 'index.js'), r.code);
  if (r.map) fs.writeFileSync(path.join(dir, 'index.js.map'), typeof r.map === 'string' ? r.map : JSON.stringify(r.map));
  for (const [name, asset] of Object.entries(r.assets)) {
    if (name === 'licenses.txt') fs.writeFileSync(path.join(dir, name), asset.source);
  }
  const files = [];
  const take = (mods) => { for (const x of mods || []) { if (x.modules) take(x.modules); else if (x.nameForCondition) files.push(x.nameForCondition); } };
  if (r.stats) take(r.stats.toJson({ all: false, modules: true, nestedModules: true, modulesSpace: 1e9, nestedModulesSpace: 1e9 }).modules);
  return files;
}

async function browserify(dir, m) {
  const src = path.join(dir, 'entry.cjs');
  await need('esbuild').build({ entryPoints: [entry], outfile: src, format: 'cjs', platform: 'node', logLevel: 'error' });
  const local = path.join(app, '.browserify-entry.js');
  fs.copyFileSync(src, local);
  fs.unlinkSync(src);
  const files = [];
  const b = need('browserify')(local, { node: true, standalone: 'handler', debug: !!m.map, fullPaths: false, ignoreMissing: true });
  b.transform((file) => {
    const { Transform } = need('stream');
    const parts = [];
    return new Transform({
      transform(c, _, cb) { parts.push(c); cb(); },
      flush(cb) {
        if (file.endsWith('.json')) { this.push(Buffer.concat(parts)); return cb(); }
        need('esbuild').transform(Buffer.concat(parts).toString(), { target: 'es2017', loader: 'js', format: 'cjs', sourcefile: file }).then((r) => { this.push(r.code); cb(); }, cb);
      },
    });
  }, { global: true });
  b.pipeline.get('deps').on('data', (row) => files.push(row.file));
  let code = await new Promise((done, fail) => b.bundle((e, buf) => (e ? fail(e) : done(buf.toString()))));
  let map;
  if (m.min) {
    const r = await need('terser').minify(code, {
      sourceMap: m.map ? { content: 'inline', ...(m.inline ? { url: 'inline' } : { url: 'index.js.map' }), includeSources: true } : false, format: m.bare ? { comments: false } : {},
    });
    code = r.code;
    map = m.inline ? null : r.map;
  }
  fs.writeFileSync(path.join(dir, 'index.js'), code);
  if (map) fs.writeFileSync(path.join(dir, 'index.js.map'), map);
  fs.unlinkSync(local);
  return files;
}

async function parcel(dir, m) {
  const { Parcel } = need('@parcel/core');
  const p = new Parcel({
    entries: entry, defaultConfig: need.resolve('@parcel/config-default'), mode: m.min ? 'production' : 'development', shouldDisableCache: true,
    targets: { main: { distDir: dir, distEntry: 'index.js', context: 'node', engines: { node: '>=18' }, includeNodeModules: true, outputFormat: 'commonjs', optimize: !!m.min, scopeHoist: !!m.min, sourceMap: m.map ? { inline: !!m.inline } : false } },
    env: { NODE_ENV: 'production' },
  });
  const r = await p.run();
  const files = [];
  for (const b of r.bundleGraph.getBundles()) b.traverseAssets((a) => { files.push(a.filePath); });
  return files;
}

const table = { esbuild, webpack: webpack('webpack'), webpack4: webpack('webpack4'), swc: webpack('webpack', true), rollup, ncc, browserify, parcel };
const only = (process.env.ONLY || '').split(',').filter(Boolean);
const picked = (tool, mode) => !only.length || only.includes(tool) || only.includes(`${tool}/${mode}`);
for (const [tool, build] of Object.entries(table)) {
  for (const m of modes) {
    if (!picked(tool, m.name)) continue;
    const dir = path.join(out, tool, m.name);
    fs.mkdirSync(dir, { recursive: true });
    try {
      fs.writeFileSync(path.join(dir, 'truth.json'), JSON.stringify(truth(await build(dir, m))) + '\n');
    } catch (e) {
      console.error(`${tool}/${m.name}: ${String(e && e.diagnostics ? JSON.stringify(e.diagnostics) : e && e.stack || e).slice(0, 700)}`);
      fs.rmSync(dir, { recursive: true, force: true });
    }
  }
}
process.exit(0);
