import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { answers } from './answers.ts'
import { installPackage, type Scratch } from './scratch.ts'

let scratch: Scratch
beforeAll(() => {
  scratch = installPackage()
})

describe('the package, installed', () => {
  it('[files] holds what was built, its types, and nothing of the sources and tests', () => {
    const strange = scratch.files.filter(
      (path) => !/^dist\/.+\.(?:js|js\.map|d\.ts)$|^dist\/crypto\/\w+\.wasm$/.test(path),
    )
    expect(strange.sort()).toEqual(['LICENSE', 'README.md', 'package.json'])
    for (const entry of scratch.entries) {
      const name = entry.replace(/^lanekit\/?/, '') || 'index'
      const built = scratch.files.filter((path) => [`dist/${name}.js`, `dist/${name}/index.js`].includes(path))
      expect(built, entry).toHaveLength(1)
      expect(scratch.files, entry).toContain(built[0]?.replace(/\.js$/, '.d.ts'))
    }
  })

  it('[files] keeps everything inside that is no entry', () => {
    const { stdout } = scratch.node([
      '--input-type=module',
      '-e',
      `import('lanekit/dist/index.js').catch(({ code }) => console.log(code))`,
    ])
    expect(stdout.trim()).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })
})

describe('the repository', () => {
  it('[budget] has a size budget for every entry, dependencies counted', () => {
    const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
    const budgets: readonly string[] = manifest['size-limit'].map(({ path }: { path: string }) => path)
    for (const [entry, at] of Object.entries<{ default?: string }>(manifest.exports))
      if (at.default) expect(budgets, entry).toContain(at.default.slice(2))
  })
})

describe('Node', { timeout: 120_000 }, () => {
  it('[import] gives every entry to a module', () => {
    const script = `
      const counts = {}
      for (const entry of ${JSON.stringify(scratch.entries)}) counts[entry] = Object.keys(await import(entry)).length
      console.log(JSON.stringify(counts))`
    const { code, stdout, stderr } = scratch.node(['--input-type=module', '-e', script])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    for (const [entry, count] of Object.entries(JSON.parse(stdout))) expect(count, entry).toBeGreaterThan(0)
  })

  // require() refuses a module that awaits at its top, so this also shows that none does, down to the dependencies.
  it('[require] gives every entry to CommonJS, without a warning, as the same modules that import gives', () => {
    const script = `
      const entries = ${JSON.stringify(scratch.entries)}
      const required = entries.map((entry) => require(entry))
      Promise.all(entries.map((entry) => import(entry))).then((imported) => {
        const same = imported.every((entry, at) => Object.keys(entry).every((name) => entry[name] === required[at][name]))
        console.log(same, required[0].createWallet.name)
      })`
    const { code, stdout, stderr } = scratch.node(['--input-type=commonjs', '-e', script])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout.trim()).toBe('true createWallet')
  })

  it('[work] does the same as everywhere', () => {
    scratch.write(
      'main.mjs',
      `import { systemRandom as random, webCipher } from 'lanekit/adapters'
       import { work } from './work.mjs'
       console.log(JSON.stringify(await work({ cipher: webCipher(), random })))`,
    )
    const { code, stdout, stderr } = scratch.node(['main.mjs'])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual(answers)
  })

  it('[file] keeps a store in a folder, by the one entry that needs Node', () => {
    scratch.write(
      'store.mjs',
      `import { file } from 'lanekit/adapters/file'
       const store = file('kept')
       await store.commit([{ key: 'one', expected: 0, bytes: new Uint8Array([7]) }])
       console.log(Array.from((await store.get('one')).bytes))
       await store.close()`,
    )
    const { stdout, stderr } = scratch.node(['store.mjs'])
    expect(stderr).toBe('')
    expect(stdout.trim()).toBe('[ 7 ]')
  })

  it('[bin] runs the command line over the installed package', () => {
    const { bin } = JSON.parse(readFileSync(join(scratch.folder, 'node_modules/lanekit/package.json'), 'utf8'))
    const { code, stdout, stderr } = scratch.node([join('node_modules/lanekit', bin), '--help'])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toContain('lanekit batch plan [FILE]')
    const { version } = JSON.parse(readFileSync(join(scratch.folder, 'node_modules/lanekit/package.json'), 'utf8'))
    expect(scratch.node([join('node_modules/lanekit', bin), '--version']).stdout).toBe(`${version}\n`)
  })
})
