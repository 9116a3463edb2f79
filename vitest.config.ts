import { configDefaults, defineConfig } from 'vitest/config'
import { lessCompiling } from './test/lessCompiling.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/edge/workerd/**', 'test/browser/**'],
    // One core fewer is the default; on two cores that would leave one idle for minutes.
    maxWorkers: 2,
    // Files share the modules they import, which would take longer than the tests; none of them replaces one.
    isolate: false,
    execArgv: [...lessCompiling],
    setupFiles: ['test/fastEngine.ts'],
    // Bounds for what hangs, not for what is slow: other checks share the cores.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    typecheck: { enabled: false },
  },
})
