/**
 * @typedef {import('./workspace.mjs').Manifest} Manifest
 */

/** What a published package may depend on, and in which range: nothing else without a decision in docs/decisions. */
const dependencies = { 'p-retry': '^7.1.1 || ^8 || ^9', opossum: '^9 || ^10' }
/** @type {Record<string, { optional: boolean }>} */
const peers = { '@opentelemetry/api': { optional: false }, '@anthropic-ai/sdk': { optional: true } }
/**
 * Who may import which Breakwater packages. Every other package is a behaviour.
 * @type {Record<string, readonly string[] | 'any'>}
 */
const layers = { core: [], classify: ['core'], testkit: [], breakwater: 'any' }
const behaviour = ['core', 'classify']

/**
 * Where a published package leaves the house style.
 * @param {string} folder
 * @param {Manifest} manifest
 * @returns {string[]}
 */
export function manifestProblems(folder, manifest) {
  /** @type {string[]} */
  const problems = []
  /** @type {(ok: boolean, problem: string) => void} */
  const expect = (ok, problem) => {
    if (!ok) problems.push(`package.json: ${problem}`)
  }
  const name = folder === 'breakwater' ? 'breakwater' : `@breakwater/${folder}`
  expect(manifest.name === name, `name must be ${name}`)
  expect(manifest.license === 'MIT', 'license must be MIT')
  expect(manifest.type === 'module', 'type must be module')
  expect(manifest.sideEffects === false, 'sideEffects must be false')
  expect(manifest.engines?.['node'] === '>=20.19', 'engines.node must be >=20.19')
  expect((manifest.description ?? '').length >= 20, 'description must say what the package does')
  expect(manifest.publishConfig?.access === 'public', 'publishConfig.access must be public')
  expect(manifest.scripts?.['test'] !== undefined, 'scripts.test must run the tests')
  const files = manifest.files ?? []
  for (const entry of ['dist', 'src', '!**/*.test.*', '!**/*.tsbuildinfo', '!**/testing']) {
    expect(files.includes(entry), `files must have ${entry}`)
  }
  const conditions = JSON.stringify(Object.keys(Object(manifest.exports?.['.'])))
  expect(
    conditions === '["@breakwater/source","types","default"]',
    'exports["."] must be @breakwater/source, types, default, in this order',
  )
  return [...problems, ...dependencyProblems(folder, manifest)]
}

/**
 * @param {string} folder
 * @param {Manifest} manifest
 * @returns {string[]}
 */
function dependencyProblems(folder, manifest) {
  /** @type {string[]} */
  const problems = []
  const layer = layers[folder] ?? behaviour
  const runtime = { ...manifest.dependencies, ...manifest.optionalDependencies }
  for (const [name, range] of Object.entries(runtime)) {
    const own = /^(?:@breakwater\/(.+)|(breakwater))$/.exec(name)
    const allowed = Object.entries(dependencies).find(([known]) => known === name)?.[1]
    if (own !== null) {
      if (layer !== 'any' && !layer.includes(own[1] ?? ''))
        problems.push(`dependency ${name}: not of a layer below`)
      if (range !== 'workspace:^') problems.push(`dependency ${name}: range must be workspace:^`)
    } else if (allowed === undefined)
      problems.push(`dependency ${name}: not on the list in scripts/lib/house.mjs`)
    else if (range !== allowed) problems.push(`dependency ${name}: range must be ${allowed}`)
  }
  for (const name of Object.keys(manifest.peerDependencies ?? {})) {
    const peer = peers[name]
    const optional = manifest.peerDependenciesMeta?.[name]?.optional === true
    if (peer === undefined) problems.push(`peer ${name}: not on the list in scripts/lib/house.mjs`)
    else if (peer.optional && !optional) problems.push(`peer ${name}: must be optional`)
  }
  return problems.map((problem) => `package.json: ${problem}`)
}

/**
 * What is wrong with the files of a packed package.
 * @param {ReadonlyMap<string, { toString(): string }>} files
 * @returns {string[]}
 */
export function fileProblems(files) {
  const problems = [
    'README.md',
    'LICENSE',
    'package.json',
    'src/index.ts',
    'dist/index.js',
    'dist/index.d.ts',
  ]
    .filter((file) => !files.has(file))
    .map((file) => `${file} is not packed`)
  for (const file of files.keys()) {
    const unwanted = /\.test\.|\.tsbuildinfo$|(^|\/)(testing|\.results|\.turbo|node_modules|__\w+__)\//.test(
      file,
    )
    if (unwanted) problems.push(`${file} must not be packed`)
  }
  const packed = JSON.parse(files.get('package.json')?.toString() ?? '{}')
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
    for (const [name, range] of Object.entries(packed[kind] ?? {})) {
      if (/^(workspace|catalog|file|link):/.test(String(range)))
        problems.push(`${kind} ${name}: ${range} is packed`)
    }
  }
  const index = files.get('src/index.ts')?.toString() ?? ''
  if (/^\s*export\s+(\*|default\b)/m.test(index)) problems.push('src/index.ts: named re-exports only')
  return problems
}
