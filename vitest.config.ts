import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/edge/workerd/**', 'test/browser/**'],
    // One more than the cores of the machine that CI has: files that wait for a block, an alarm or a process leave theirs idle.
    maxWorkers: 3,
    // Files share the modules they import, which would take longer than the tests; none of them replaces one.
    isolate: false,
    // Most code of a test runs a few times: V8 is told to optimise only what does ten times as much work as by default.
    execArgv: ['--interrupt-budget=600000'],
    setupFiles: ['test/setup.ts'],
    // Bounds for what hangs, not for what is slow: other checks share the cores.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    typecheck: { enabled: false },
  },
})
